"""A city's audit log: who did what, searched, taken along as CSV, and checked link by link."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from zoneinfo import ZoneInfo

from flask import render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import lazy_gettext as _

from smartcity_saas.audit import (
    AuditEvent,
    AuditQuery,
    ChainReport,
    CityAuditEvent,
    city_audit_events,
    cursor_of,
    reasons_of,
    verify_city_chain,
)
from smartcity_saas.clock import COMMON_ZONE
from smartcity_saas.identity.authorization import documents
from smartcity_saas.identity.staff.accounts import names_of_staff, staff_called
from smartcity_saas.portals.change_labels import acts_called
from smartcity_saas.portals.city.blueprint import ROOT, blueprint, shell
from smartcity_saas.tenancy.context import tenant_context
from smartcity_saas.web.csv_output import csv_response

PAGE = 100
MOST_OF_A_FILE = 100_000
COLUMNS = (
    "chain",
    "number",
    "at",
    "actor",
    "action",
    "subject",
    "detail",
    "origin",
    "reason",
    "hash",
)
BREAKS: dict[str, Any] = {
    "altered": _("It was changed after it was recorded."),
    "gap": _("An entry is missing here."),
    "unlinked": _("It does not follow from the entry before it."),
    "cut": _("The end has been cut off."),
    "rewritten": _("It does not match the checkpoint."),
}


@blueprint.page(f"{ROOT}/audit", permission="city.audit")
def audit(city: str) -> ResponseReturnValue:
    """Who did what, to the city's rows, its document and the accounts of its staff."""
    wanted = _wanted(city)
    events, reasons = _acts(city, wanted, PAGE + 1)
    more, events = events[PAGE:], events[:PAGE]
    return render_template(
        "city/audit.html",
        events=events,
        reasons=reasons,
        names=names_of_staff(event.actor for event in events),
        wanted=wanted,
        older=cursor_of(events[-1]) if more else None,
        reports=_reports(city) if "check" in request.args else [],
        breaks=BREAKS,
        **shell(city),
    )


@blueprint.page(f"{ROOT}/audit.csv", permission="city.audit")
def audit_csv(city: str) -> ResponseReturnValue:
    """Both chains as CSV, for auditors; hashes included."""
    wanted = _wanted(city)
    events, reasons = _acts(city, wanted, MOST_OF_A_FILE)
    rows = [_row(event, reasons.get(event.id, ""), wanted.zone) for event in events]
    return csv_response(f"{city}-audit.csv", COLUMNS, rows)


def _wanted(city: str) -> AuditQuery:
    """What the form asks for: a text is looked for in what people read, too."""
    wanted = AuditQuery.of(request.args, _zone(city))
    if not wanted.text:
        return wanted
    return replace(wanted, actions=acts_called(wanted.text), actors=staff_called(wanted.text))


def _acts(
    city: str, wanted: AuditQuery, most: int
) -> tuple[list[AuditEvent | CityAuditEvent], dict[Any, str]]:
    """The newest acts of both chains that fit, and what was written to them."""
    changes, messages = documents().audit_events(city, most, wanted)
    with tenant_context(documents().live(city).id):
        own = city_audit_events(most, wanted)
        reasons = reasons_of(own)
    both: list[AuditEvent | CityAuditEvent] = [*own, *changes]
    both.sort(key=lambda one: (one.at, one.id), reverse=True)
    return both[:most], {**messages, **reasons}


def _reports(city: str) -> list[tuple[Any, ChainReport]]:
    """What checking each of the two chains found."""
    with tenant_context(documents().live(city).id):
        own = verify_city_chain()
    return [
        (_("The city's records"), own),
        (_("The city's configuration and accounts"), documents().verify_chain(city)),
    ]


def _row(event: AuditEvent | CityAuditEvent, reason: str, zone: str) -> tuple[Any, ...]:
    ours = {
        "chain": "rows" if isinstance(event, CityAuditEvent) else "document",
        "at": event.at.astimezone(ZoneInfo(zone)).isoformat(timespec="seconds"),
        "reason": reason,
    }
    return tuple(ours[name] if name in ours else getattr(event, name) for name in COLUMNS)


def _zone(city: str) -> str:
    served = shell(city)["served"]
    return served.timezone if served else COMMON_ZONE
