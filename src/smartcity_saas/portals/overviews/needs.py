"""What needs someone, as the overview lists it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from flask_babel import lazy_gettext as _

from smartcity_saas.attention import Attention, Urgency
from smartcity_saas.clock import has_passed, today_in
from smartcity_saas.configuration.city import City
from smartcity_saas.identity.staff.roles import StaffMember
from smartcity_saas.product import product
from smartcity_saas.tenancy.city_services import city_services
from smartcity_saas.web.languages import local


@dataclass(frozen=True)
class Need:
    """One row: what waits, and where it is dealt with. ``late`` is past its time."""

    attention: Attention
    url: str
    late: bool

    @property
    def tone(self) -> str:
        """How its tag looks: error, warn or quiet."""
        if self.late or self.attention.urgency <= Urgency.FAILED:
            return "error"
        return "warn" if self.attention.urgency is Urgency.WAITING else "quiet"

    @property
    def is_down(self) -> bool:
        """Whether residents feel it now."""
        return self.attention.urgency is Urgency.DOWN

    def data(self) -> dict[str, Any]:
        """The same for a program."""
        one = self.attention
        return {
            "kind": one.kind,
            "title": str(one.title),
            "service": one.service,
            "number": one.number,
            "urgency": one.urgency.name.lower(),
            "since": one.since.isoformat() if one.since else None,
            "by": one.by.isoformat() if one.by else None,
            "url": self.url,
        }


def needs_of(
    city: City, member: StaffMember, waiting: Iterable[Attention], now: datetime
) -> list[Need]:
    """What waits in a city and may be dealt with by whoever looks, the most urgent first.

    Args:
        city: Which.
        member: Who looks: what they may not open is not listed.
        waiting: What rooms and services say.
        now: The time.
    """
    today = today_in(city.timezone, now)
    rows = [
        Need(one, f"/cities/{city.slug}/{one.page}".rstrip("/"), _is_late(one, today))
        for one in [*waiting, *_overdue_pauses(city, now)]
        if member.may(one.permission, service=one.service, reading=True)
    ]
    return sorted(rows, key=lambda row: (not row.late, row.attention.order))


def collected(now: datetime) -> list[Attention]:
    """What the rooms and services of the product say of the current city."""
    return [one for provider in product().attention for one in provider(now)]


def worker_silent(since: datetime | None) -> Attention:
    """That the worker has not been seen."""
    return Attention(
        kind="worker.silent",
        title=_("The worker is not running"),
        detail=_("Nothing is sent, settled or reported. Start smartcity worker."),
        icon="server",
        page="",
        permission="city.see",
        urgency=Urgency.DOWN,
        since=since,
    )


def _overdue_pauses(city: City, now: datetime) -> Iterable[Attention]:
    """Services that were to be back by now and are still paused: nothing reopens by itself."""
    for name, entry in city.catalog.items():
        if entry.is_paused and entry.until and has_passed(entry.until, city.timezone, now):
            yield Attention(
                kind="catalog.pause_over",
                title=_(
                    "%(service)s is still paused", service=local(city_services(city)[name].title)
                ),
                detail=_("Residents were told that it would be back by now."),
                icon="player-pause",
                page="",
                permission="city.see",
                urgency=Urgency.WAITING,
                since=entry.since,
            )


def _is_late(one: Attention, today: date) -> bool:
    return one.by is not None and one.by < today
