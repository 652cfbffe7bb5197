"""Cities side by side, fairly: the same services, per resident, with intervals, and nothing made up.

Everything is told by ``published``: what is too small, or of too few answers, is None.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from functools import cached_property
from statistics import median

from smartcity_saas.measures.intervals import Interval, median_interval, places, share_interval
from smartcity_saas.measures.publishing import Published, published
from smartcity_saas.measures.questions import Window
from smartcity_saas.measures.reading import Totals

PER = 10_000
RATE_DAYS = 30
"""A rate is so many acts for 10,000 residents in 30 days, by the days that are known."""


class Figure(StrEnum):
    """What cities are compared by."""

    RATE = "rate"
    IN_TIME = "in_time"
    WAIT = "wait"
    SATISFIED = "satisfied"


LESS_IS_BETTER = frozenset({Figure.WAIT})


@dataclass(frozen=True)
class Compared:
    """One city over some days: sums of the services that are compared.

    ``residents`` is the population, None where the document does not say it.
    """

    totals: Totals
    residents: int | None

    @cached_property
    def told(self) -> Published:
        """What may leave the city."""
        return published(self.totals)

    @property
    def days(self) -> int:
        """Of how many days anything is known."""
        return self.totals.days

    @property
    def rate(self) -> float | None:
        """Acts done for 10,000 residents in 30 days, by the days that are known."""
        done = self.told.done
        if done is None or not self.residents or not self.days:
            return None
        return done / self.days * RATE_DAYS / self.residents * PER

    def value(self, figure: Figure) -> float | None:
        """A figure: a rate, a share between 0 and 1, or a median wait in seconds."""
        if figure is Figure.RATE:
            return self.rate
        found = {
            Figure.IN_TIME: self.told.in_time,
            Figure.WAIT: self.told.median_wait,
            Figure.SATISFIED: self.told.satisfied,
        }
        return found[figure]

    def interval(self, figure: Figure) -> Interval | None:
        """Where the true value lies, 95 times in 100; None for a count, which is no sample."""
        value = self.value(figure)
        if value is None or figure is Figure.RATE:
            return None
        if figure is Figure.WAIT:
            return median_interval(self.totals.waiting)
        whole = self.told.done if figure is Figure.IN_TIME else self.told.answers
        return share_interval(value, whole) if whole else None


def middle(found: Iterable[Compared], figure: Figure) -> float | None:
    """The median of several cities; those without a value are left out."""
    values = [value for one in found if (value := one.value(figure)) is not None]
    return median(values) if values else None


def pooled(found: Iterable[Compared]) -> Published:
    """What may be told of several cities together."""
    return published(sum((one.totals for one in found), Totals()))


def places_of(found: Mapping[str, Compared], figure: Figure) -> dict[str, tuple[int, int]]:
    """The places that each city may have, the best first; differences within chance are not ranked."""
    intervals = {
        name: interval
        for name, one in found.items()
        if (interval := one.interval(figure)) is not None
    }
    if figure in LESS_IS_BETTER:
        intervals = {name: Interval(-one.high, -one.low) for name, one in intervals.items()}
    return places(intervals)


def spans_of(window: Window) -> list[Window]:
    """A window as spans of equal length for small charts: days of a week, five days of a month, four
    weeks of a year."""
    length = 1 if window.days <= 7 else 5 if window.days <= 31 else 28
    starts = list(window)[::length]
    return [Window(first, first + timedelta(days=length - 1)) for first in starts]


def shared_services(offered: Mapping[int, Iterable[str]]) -> frozenset[str]:
    """The services of which every city that has any data has some."""
    found = [frozenset(names) for names in offered.values() if names]
    return frozenset.intersection(*found) if found else frozenset()


def ordered(
    names: Sequence[str], values: Mapping[str, float | None], *, descending: bool
) -> list[str]:
    """Names by their values; those without one last, as they stood."""
    known = [name for name in names if values.get(name) is not None]
    known.sort(key=lambda name: values[name] or 0.0, reverse=descending)
    return [*known, *(name for name in names if values.get(name) is None)]
