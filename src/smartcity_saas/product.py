"""What is installed and configured, typed: made once by ``create_app``, read anywhere after it; and
the site of the present request.

The types alone come from the modules above (``TYPE_CHECKING``), so whatever needs a part of the
product imports this module and nothing of what made it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from flask import request
from flask.globals import app_ctx

if TYPE_CHECKING:
    from smartcity_saas.attention import AttentionProvider
    from smartcity_saas.catalog.kinds import ServiceKind
    from smartcity_saas.catalog.service import Service
    from smartcity_saas.clock import Clock
    from smartcity_saas.credentials import Keyring
    from smartcity_saas.identity.federation.channels import Channel
    from smartcity_saas.identity.residents.one_time_codes import SendText
    from smartcity_saas.identity.staff.invitations import SendMail
    from smartcity_saas.notifications.senders import SenderKind
    from smartcity_saas.outbox import Tasks
    from smartcity_saas.payments.payable import Payable
    from smartcity_saas.payments.providers import Provider
    from smartcity_saas.redis_store import RedisStore
    from smartcity_saas.scorecard.standard import Edition
    from smartcity_saas.settings import Settings
    from smartcity_saas.tenancy.city_quotas import CityQuotas
    from smartcity_saas.tenancy.flask_app import SiteFlask, SiteRequest
    from smartcity_saas.tenancy.hosts import Site
    from smartcity_saas.tenancy.registry import CityRegistry
    from smartcity_saas.tenancy.txt_records import TxtLookup
    from smartcity_saas.texts import LazyText
    from smartcity_saas.web.page_cache import PageCache


@dataclass(frozen=True, kw_only=True)
class Product:
    """One installation's parts.

    ``services`` are those that are installed; ``kinds`` are the kinds of those that documents define
    themselves. ``services``, ``kinds``, ``channels`` and ``providers`` are by name, ``senders`` by kind (``mail``,
    ``sms``) and then by name, ``tasks`` are the outbox's by kind. ``attention``
    tells what waits for a person in a city. ``editions`` are those of the scorecard's standard, the
    newest first. ``send_text`` sends a one-time code to a resident,
    ``send_staff_mail`` an invitation to a member of staff. ``file_cache`` has the files of open data
    that this process remembers. ``quotas`` admits what cities take in this process. ``find_txt`` asks
    DNS for the records that prove hosts.
    """

    settings: Settings
    clock: Clock
    keyring: Keyring
    registry: CityRegistry
    services: Mapping[str, Service]
    kinds: Mapping[str, ServiceKind]
    channels: Mapping[str, Channel]
    providers: Mapping[str, Provider]
    senders: Mapping[str, Mapping[str, SenderKind]]
    tasks: Tasks
    attention: Sequence[AttentionProvider]
    send_text: SendText
    send_staff_mail: SendMail
    file_cache: PageCache
    redis: RedisStore | None
    editions: Mapping[str, Edition]
    quotas: CityQuotas
    find_txt: TxtLookup

    @property
    def parts(self) -> Sequence[Service]:
        """Every installed service, and what the services of each kind share: whatever has pages,
        tasks or rows."""
        return (*self.services.values(), *(kind.shared for kind in self.kinds.values()))

    @property
    def payables(self) -> Mapping[str, Payable]:
        """How the things of each service that takes payments are paid, by the service's name."""
        return {one.name: one.payable for one in self.parts if one.payable}

    @property
    def scopes(self) -> Mapping[str, LazyText]:
        """What back offices may be given, by scope, in words."""
        return {name: words for one in self.parts for name, words in one.scopes.items()}


def running_app() -> SiteFlask:
    """The running application itself, for whatever outlives this request or command.

    Raises:
        RuntimeError: There is no application context.
    """
    return cast("SiteFlask", app_ctx.app)


def product() -> Product:
    """The parts of the running application.

    Raises:
        RuntimeError: There is no application context.
    """
    return running_app().product


def request_site() -> Site:
    """The site that the present request is for: the city's, the console's, or one of no city.

    Raises:
        RuntimeError: There is no request.
    """
    return cast("SiteRequest", request).site
