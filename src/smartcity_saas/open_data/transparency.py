"""How a city's services did over a span of days, as its transparency page tells it.

Pure but for ``read_reports``. What is told goes through ``measures.published``. A day with so few acts
that it is not told by itself (``SMALL_CELL``) must not follow from sums either: from the difference of
two spans, or of a span and the days that are told. So a sum takes each such day at the middle of what
it may be, and is told as tens: it is made of nothing that is not told anyway.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from smartcity_saas.catalog.service import Service
from smartcity_saas.configuration.city import CatalogEntry, City
from smartcity_saas.measures import (
    SMALL_CELL,
    Measure,
    Published,
    Totals,
    Window,
    published,
    series_of,
    totals_of,
)

SMALL_DAY = (1 + SMALL_CELL - 1) / 2
"""What a day that is not told counts for in a sum: the middle of 1 to 4."""
TENS = 10
FEWEST_COMPARED = 30
"""Fewer acts of a year earlier are no measure of how much more there are now."""
ENOUGH_DAYS = 0.9
"""Of two spans that are compared, so many of the days must be known in each."""


@dataclass(frozen=True)
class Told:
    """A sum as it is told: ``rounded`` where it is told as tens; None where it is not even ten, or,
    of what is not counted by day, where it is suppressed."""

    value: int | None
    rounded: bool = False


@dataclass(frozen=True)
class Report:
    """How a service did, or all of them. None where nothing is known.

    ``before`` is the same span a year earlier. ``missing`` are days between the first of which
    something is known and the last of the span of which nothing is; ``since`` is that first day where
    the span began before it.
    """

    told: Published | None
    before: Published | None
    done: Told
    unresolved: Told
    missing: int = 0
    since: date | None = None
    growth: float | None = None

    @property
    def is_known(self) -> bool:
        """Whether anything at all can be told."""
        return self.told is not None

    @property
    def points(self) -> int | None:
        """How many points of a hundred more were in time than a year earlier; None where either is
        not told."""
        return _points(self.told, self.before)


@dataclass(frozen=True)
class ServiceReport:
    """A service of the city's catalog, with its report."""

    service: Service
    entry: CatalogEntry
    report: Report


def read_reports(
    city: City, services: Mapping[str, Service], window: Window
) -> tuple[Report, list[ServiceReport]]:
    """The report of the whole city, and one for each service that it offers, in its tenant context."""
    names = [name for name in services if not city.catalog[name].is_closed]
    now, then = (_read(city, names, span) for span in (window, window.year_before))
    nothing = Counted(Totals(), {})
    reports = [
        ServiceReport(
            services[name],
            city.catalog[name],
            report_of(now.get(name, nothing), then.get(name, nothing), window),
        )
        for name in names
    ]
    return whole_city(now, then, window), reports


@dataclass(frozen=True)
class Counted:
    """What was counted of a service in a span, and how much was done on each day of which something
    is known."""

    totals: Totals
    days: Mapping[date, int]

    @property
    def few(self) -> bool:
        """Whether a day has so few acts that it is not told by itself."""
        return any(map(is_small, self.days.values()))

    @property
    def done(self) -> float:
        """How much was done, as far as it is made of what is told."""
        return sum(SMALL_DAY if is_small(number) else number for number in self.days.values())

    def covers(self, window: Window) -> bool:
        """Whether enough days of a span are known to compare it with another."""
        return len(self.days) >= ENOUGH_DAYS * window.days


def _read(city: City, names: Sequence[str], window: Window) -> dict[str, Counted]:
    totals = totals_of([city.id], window, names)
    days = series_of([city.id], window, services=names)
    return {
        name: Counted(found, days[key, name])
        for (key, name), found in totals.items()
        if (key, name) in days
    }


def report_of(now: Counted, then: Counted, window: Window) -> Report:
    """The report of one service from what was counted in a span, and in the same a year earlier."""
    if not now.days:
        return Report(None, None, Told(None), Told(None))
    first = min(now.days)
    return Report(
        told=published(now.totals),
        before=published(then.totals) if then.covers(window) else None,
        done=tell(now.done, now.few),
        unresolved=tell_small(unresolved_of(now.totals), now.few),
        missing=Window(first, window.last).days - len(now.days),
        since=first if first > window.first else None,
        growth=growth_of([(now, then)], window),
    )


def whole_city(now: Mapping[str, Counted], then: Mapping[str, Counted], window: Window) -> Report:
    """The report of all services together. A year is compared by the services that have both."""
    if not now:
        return Report(None, None, Told(None), Told(None))
    few = any(found.few for found in now.values())
    both = [
        (found, then[name])
        for name, found in now.items()
        if name in then and found.covers(window) and then[name].covers(window)
    ]
    left = sum(unresolved_of(found.totals) for found in now.values())
    return Report(
        told=published(_sum([found.totals for found in now.values()])),
        before=published(_sum([earlier.totals for _now, earlier in both])) if both else None,
        done=tell(sum(found.done for found in now.values()), few),
        unresolved=tell_small(left, few),
        growth=growth_of([pair for pair in both if not any(one.few for one in pair)], window),
    )


def is_small(number: int) -> bool:
    """Whether a count is not told by itself."""
    return 0 < number < SMALL_CELL


def tell(value: float, few: bool) -> Told:
    """A sum of days: as tens where one of them is not told, None where that is not even ten."""
    if not few:
        return Told(round(value))
    return Told(round(value / TENS) * TENS, rounded=True) if value >= TENS else Told(None)


def tell_small(value: int, few: bool) -> Told:
    """A count that is not told by day: None where it is small, as tens where days are."""
    if is_small(value):
        return Told(None)
    return tell(value, few) if value else Told(0)


def unresolved_of(totals: Totals) -> int:
    """How many failed, or are not solved as the resident says: as ``published`` counts them."""
    failed = totals[Measure.FAILED]
    return min(failed + totals[Measure.NOT_SOLVED], totals[Measure.DONE] + failed)


def growth_of(pairs: Sequence[tuple[Counted, Counted]], window: Window) -> float | None:
    """How much more was done each day than a year earlier, as a share; None where too few days of
    either are known, a day of either is not told, or too little was done then."""
    if not pairs or not all(one.covers(window) and not one.few for pair in pairs for one in pair):
        return None
    now, then = (sum(pair[of].done / len(pair[of].days) for pair in pairs) for of in (0, 1))
    if sum(earlier.done for _now, earlier in pairs) < FEWEST_COMPARED:
        return None
    return now / then - 1


def _sum(totals: Sequence[Totals]) -> Totals:
    found = Totals()
    for one in totals:
        found += one
    return found


def _points(told: Published | None, before: Published | None) -> int | None:
    if told is None or before is None or told.in_time is None or before.in_time is None:
        return None
    return round(told.in_time * 100) - round(before.in_time * 100)
