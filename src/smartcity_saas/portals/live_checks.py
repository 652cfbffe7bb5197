"""Whether a city that is served serves anybody: who can sign in, who is told, who looks after it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from flask_babel import lazy_gettext as _

from smartcity_saas.configuration.city import City
from smartcity_saas.configuration.host_ownership import own_hosts
from smartcity_saas.configuration.merge import leaves
from smartcity_saas.configuration.problems import dotted, some
from smartcity_saas.configuration.secret_uses import SecretUse, uses_in
from smartcity_saas.credentials import usable_secrets
from smartcity_saas.identity.staff.accounts import has_account_at
from smartcity_saas.outbox import worker_lives
from smartcity_saas.portals.host_words import host_row
from smartcity_saas.portals.readiness_list import Check
from smartcity_saas.product import product
from smartcity_saas.tenancy.city_services import city_services
from smartcity_saas.tenancy.context import tenant_context

_SAMPLE = re.compile(r"0{8}|\.example(?![\w.-])")
"""Numbers of noughts, and hosts of a domain that is kept for examples (RFC 2606)."""
_SAMPLE_TEXTS = frozenset({"供水公司", "供电公司", "燃气公司"})
"""Suppliers of the shipped ``config/platform.yaml``, whose tariffs are samples too."""


def serving_checks(city: City) -> list[Check]:
    """What a city needs beside its documents' being right, each with what to do."""
    with tenant_context(city.id):
        usable = usable_secrets()
        remarks = [one for service in city_services(city).values() for one in service.remarks()]
    return [
        _signing_in(city, usable),
        _messages(city, usable),
        _staff(city),
        _samples(city),
        *(Check(False, one, blocks=False) for one in remarks),
    ]


def city_issues(city: City) -> list[Any]:
    """What is missing by a live city's documents alone, for lists of many cities."""
    every = frozenset(city.secret_uses)
    if not city.is_live:
        return []
    found = [_signing_in(city, every), _samples(city)]
    return [check.text for check in found if not check.fits]


def sample_values(city: City) -> list[str]:
    """The paths of a city's values that are samples as they were shipped."""
    parts: dict[str, Any] = {
        "site": city.site,
        "channels": city.channels,
        "messages": city.messages,
        "services": {
            name: {"settings": entry.settings, "connector": entry.connector}
            for name, entry in city.catalog.items()
        },
    }
    found = [dotted(path) for path, value in leaves(parts) if _is_sample(value)]
    return found + [host for host in city.hosts if _SAMPLE.search(host)]


def worker_check(now: datetime) -> Check:
    """Whether the worker lives: without it nothing is sent, settled or cleaned up."""
    if worker_lives(now):
        return Check(True, _("The worker is running"), blocks=False)
    return Check(False, _("The worker is not running: start smartcity worker"), blocks=False)


def _signing_in(city: City, usable: frozenset[SecretUse]) -> Check:
    channels = product().channels.values()
    real = [one for one in channels if one.open_at(city) and (not one.demo or _is_demo())]
    working = [one for one in real if _has_secrets(one.values(city), usable)]
    by_text = "sms" in city.messages and _has_secrets(city.messages["sms"], usable)
    if any(one.template is None or by_text or _is_demo() for one in working):
        return Check(True, _("Residents can sign in"), blocks=False)
    return Check(
        False,
        _(
            "Nobody can sign in: add a sign-in method to the configuration (channels) and set its secret. Codes by SMS need a sender under messages.sms"
        ),
        blocks=False,
    )


def _messages(city: City, usable: frozenset[SecretUse]) -> Check:
    kinds = [kind for kind in product().senders if kind in city.messages]
    if _is_demo() or any(_has_secrets(city.messages[kind], usable) for kind in kinds):
        return Check(True, _("Messages are sent by email or SMS"), blocks=False)
    return Check(
        False,
        _("No messages are sent by email or SMS: add a sender under messages and set its secret"),
        blocks=False,
    )


def _staff(city: City) -> Check:
    if has_account_at(city.slug):
        return Check(True, _("The city has a staff account"), blocks=False)
    return Check(
        False, _("The city has no staff account: invite somebody under Accounts"), blocks=False
    )


def host_checks(city: City) -> list[Check]:
    """Whether every domain of a city's own is proved; nothing where it has none to prove."""
    hosts = [one for one in own_hosts([city.id]) if one.record_name]
    if not hosts:
        return []
    lacking = [row.host.unicode for row in map(host_row, hosts) if row.needs_record]
    if not lacking:
        return [Check(True, _("The city's own domains are in use"), blocks=False)]
    words = _("These domains need a DNS record, see Domains: %(hosts)s", hosts=", ".join(lacking))
    return [Check(False, words, blocks=False)]


def _samples(city: City) -> Check:
    found = [] if _is_demo() else sample_values(city)
    if not found:
        return Check(True, _("No sample values"), blocks=False)
    return Check(
        False, _("Replace these sample values: %(paths)s", paths=some(found)), blocks=False
    )


def _has_secrets(values: Mapping[str, Any], usable: frozenset[SecretUse]) -> bool:
    return all(use in usable for use in uses_in(values))


def _is_sample(value: Any) -> bool:
    if isinstance(value, Mapping):
        return bool(_SAMPLE_TEXTS.intersection(map(str, value.values())))
    return isinstance(value, str) and bool(_SAMPLE.search(value))


def _is_demo() -> bool:
    return product().settings.demo
