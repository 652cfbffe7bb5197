"""A city's trail: who did what, searched, taken along as CSV, and checked link by link."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from flask import render_template, request
from flask_babel import lazy_gettext as _

from smartcity_saas.audit import CityAuditEvent, TrailQuery, city_trail, verify_trail
from smartcity_saas.clock import start_of_day
from smartcity_saas.identity.gatekeeper import documents
from smartcity_saas.identity.staff import names_of_staff
from smartcity_saas.portals.city.blueprint import ROOT, blueprint, shell
from smartcity_saas.tenancy.entering import city_scope
from smartcity_saas.web.csv_output import csv_response

PAGE = 100
MOST_OF_A_FILE = 100_000
COLUMNS = ("number", "at", "actor", "action", "subject", "detail", "origin", "reason", "hash")
BREAKS: dict[str, Any] = {
    "altered": _("It was changed after it was written."),
    "gap": _("An act is missing here."),
    "unlinked": _("It does not follow from the act before it."),
    "cut": _("The end has been cut off."),
    "rewritten": _("It is not what the checkpoint saw."),
}


@blueprint.page(f"{ROOT}/audit", permission="city.audit")
def audit(city: str) -> Any:
    """Who did what, to the document and to the city's own rows."""
    wanted, zone = TrailQuery.of(request.args), _zone(city)
    changes = documents().trail(city, MOST_OF_A_FILE if wanted.before else PAGE)
    with city_scope(documents().live(city).id):
        own = city_trail(PAGE + 1, wanted, zone)
        verdict = verify_trail() if "check" in request.args else None
    more, own = own[PAGE:], own[:PAGE]
    newest = own[0].at if wanted.before and own else None
    oldest = own[-1].at if more else None
    events: list[Any] = [*own, *(e for e in changes if _fits(e, wanted, zone, newest, oldest))]
    events.sort(key=lambda event: event.at, reverse=True)
    return render_template(
        "city/audit.html",
        events=events,
        names=names_of_staff(event.actor for event in events),
        wanted=wanted,
        older=own[-1].number if more else None,
        verdict=verdict,
        breaks=BREAKS,
        **shell(city),
    )


@blueprint.page(f"{ROOT}/audit.csv", permission="city.audit")
def audit_csv(city: str) -> Any:
    """The city's own chain as CSV, for auditors; hashes included."""
    wanted, zone = TrailQuery.of(request.args), _zone(city)
    with city_scope(documents().live(city).id):
        rows = [_row(event, zone) for event in city_trail(MOST_OF_A_FILE, wanted, zone)]
    return csv_response(f"{city}-audit.csv", COLUMNS, rows)


def _row(event: CityAuditEvent, zone: str) -> tuple[Any, ...]:
    local = {"at": event.at.astimezone(ZoneInfo(zone)).isoformat(timespec="seconds")}
    return tuple(local.get(name) or getattr(event, name) for name in COLUMNS)


def _fits(
    event: Any, wanted: TrailQuery, zone: str, newest: datetime | None, oldest: datetime | None
) -> bool:
    """Whether an act on the document belongs on a page of the city's own acts."""
    if (newest and event.at > newest) or (oldest and event.at <= oldest):
        return False
    if wanted.since and event.at < start_of_day(wanted.since, zone):
        return False
    if wanted.until and event.at.astimezone(ZoneInfo(zone)).date() > wanted.until:
        return False
    text = f"{event.actor} {event.action} {event.subject}".lower()
    return wanted.text.lower() in text


def _zone(city: str) -> str:
    served = shell(city)["served"]
    return served.timezone if served else "Asia/Shanghai"
