"""Thirty days by service, beside the same days of the year before."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from smartcity_saas.clock import today_in
from smartcity_saas.configuration.city import City
from smartcity_saas.identity.staff.roles import StaffMember
from smartcity_saas.measures import Window
from smartcity_saas.measures.reading import Key
from smartcity_saas.portals.overviews.today import service_url
from smartcity_saas.tenancy.city_services import city_services
from smartcity_saas.web import charts
from smartcity_saas.web.languages import local

DAYS = 30
FEWEST_SHARED = 20
"""From so many days on that both years know, they are compared."""


@dataclass(frozen=True)
class Month:
    """One service over thirty days to yesterday; None on a day of which nothing is known.

    ``change`` is how much more was done than a year before, on the days that both years know, as a
    share (0.12 is 12 % more); None where they are too few. ``opened`` is the day on which the service
    was opened, where that lies in these days and nothing is known before it.
    """

    title: str
    url: str
    service: str
    window: Window
    days: tuple[int | None, ...]
    before: tuple[int | None, ...]
    opened: date | None

    @property
    def total(self) -> int:
        """What was done on the days that are known."""
        return sum(value or 0 for value in self.days)

    @property
    def missing(self) -> int:
        """Of how many days nothing is known."""
        return sum(value is None for value in self.days)

    @property
    def change(self) -> float | None:
        """How much more than a year before."""
        both = [
            (now, then)
            for now, then in zip(self.days, self.before, strict=True)
            if now is not None and then is not None
        ]
        then = sum(value for _now, value in both)
        if len(both) < FEWEST_SHARED or not then:
            return None
        return sum(now for now, _then in both) / then - 1

    @property
    def chart(self) -> charts.LineChart:
        """The drawing, on a scale of its own."""
        return charts.line_chart(self.days, self.before, left=34)

    def data(self) -> dict[str, Any]:
        """The same for a program."""
        return {
            "service": self.service,
            "first_day": self.window.first.isoformat(),
            "last_day": self.window.last.isoformat(),
            "done": list(self.days),
            "year_before": list(self.before),
            "change": round(self.change, 4) if self.change is not None else None,
        }


def days_shown(yesterday: date) -> frozenset[date]:
    """The days that ``months_of`` reads."""
    window = Window.ending(yesterday, DAYS)
    return frozenset((*window, *window.year_before))


def months_of(
    city: City, member: StaffMember, yesterday: date, sums: Mapping[Key, Mapping[date, int]]
) -> list[Month]:
    """The thirty days of each service of a city.

    Args:
        city: Which.
        member: Who looks.
        yesterday: The last of the thirty days.
        sums: What ``series_of`` gave of it for days that ``days_shown`` are among.
    """
    window = Window.ending(yesterday, DAYS)
    found = {name: sums.get((city.id, name), {}) for name in city_services(city)}
    return [
        _month(city, member, name, window, own)
        for name, own in found.items()
        if not city.catalog[name].is_closed or any(day in own for day in window)
    ]


def _month(
    city: City,
    member: StaffMember,
    name: str,
    window: Window,
    sums: Mapping[date, int],
) -> Month:
    days = tuple(sums.get(day) for day in window)
    return Month(
        title=local(city_services(city)[name].title),
        url=service_url(city, member, name),
        service=name,
        window=window,
        days=days,
        before=tuple(sums.get(day) for day in window.year_before),
        opened=_opened(city, name, window, days),
    )


def _opened(city: City, name: str, window: Window, days: tuple[int | None, ...]) -> date | None:
    since = city.catalog[name].since
    opened = today_in(city.timezone, since) if since is not None else None
    if opened is None or not window.first < opened <= window.last:
        return None
    return opened if set(days[: (opened - window.first).days]) == {None} else None
