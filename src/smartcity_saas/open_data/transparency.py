"""How a city's services did over a span of days, as its transparency page tells it.

Pure but for ``read_reports``. What is told goes through ``measures.published``, and sums through
``measures.day_sums``, so that no day follows from them that is not told by itself.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from smartcity_saas.catalog.service import Service
from smartcity_saas.configuration.city import CatalogEntry, City
from smartcity_saas.measures import (
    Measure,
    Published,
    Totals,
    Window,
    published,
    series_of,
    totals_of,
)
from smartcity_saas.measures.day_sums import Told, sum_of_days, tell, tell_small

FEWEST_COMPARED = 30
"""Fewer acts of a year earlier are no measure of how much more there are now."""
ENOUGH_DAYS = 0.9
"""Of two spans that are compared, so many of the days must be known in each."""


@dataclass(frozen=True)
class Report:
    """How a service did, or all of them. None where nothing is known.

    ``before`` is the same span a year earlier. ``missing`` are days between the first of which
    something is known and the last of the span of which nothing is; ``since`` is that first day where
    the span began before it. ``answers`` is how many rated one service: of it, not of all together.
    """

    told: Published | None
    before: Published | None
    done: Told
    unresolved: Told
    answers: Told = field(default_factory=lambda: Told(None))
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
    """What was counted of a service in a span, how much was done on each day of which something is
    known, and how many rated on each."""

    totals: Totals
    days: Mapping[date, int]
    answers: Mapping[date, int] = field(default_factory=dict)

    @property
    def few(self) -> bool:
        """Whether a day has so few acts that it is not told by itself."""
        return sum_of_days(self.days.values())[1]

    @property
    def done(self) -> float:
        """How much was done, as far as it is made of what is told."""
        return sum_of_days(self.days.values())[0]

    def covers(self, window: Window) -> bool:
        """Whether enough days of a span are known to compare it with another."""
        return len(self.days) >= ENOUGH_DAYS * window.days


def _read(city: City, names: Sequence[str], window: Window) -> dict[str, Counted]:
    totals = totals_of([city.id], window, names)
    days = series_of([city.id], window, services=names)
    answers = series_of([city.id], window, Measure.RATING, names)
    return {
        name: Counted(found, days[key, name], answers.get((key, name), {}))
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
        answers=tell(*sum_of_days(now.answers.values())),
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
