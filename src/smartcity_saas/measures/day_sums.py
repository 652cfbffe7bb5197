"""Sums as they are told where their parts (days, cities) are told one by one too, but for the small ones.

A day with so few that it is not told by itself (``SMALL_CELL``) must not follow from sums either: from
the difference of two spans, or of a span and the days that are told. So a sum takes each such day at
the middle of what it may be, and is told as tens: it is made of nothing that is not told anyway.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from smartcity_saas.measures.publishing import SMALL_CELL

SMALL_DAY = (1 + SMALL_CELL - 1) / 2
"""What a day that is not told counts for in a sum: the middle of 1 to 4."""
TENS = 10


@dataclass(frozen=True)
class Told:
    """A sum as it is told: ``rounded`` where it is told as tens; None where it is not even ten, or,
    of what is not counted by day, where it is suppressed."""

    value: int | None
    rounded: bool = False


def is_small(number: int) -> bool:
    """Whether a count is not told by itself."""
    return 0 < number < SMALL_CELL


def sum_of_days(numbers: Collection[int]) -> tuple[float, bool]:
    """A sum as far as it is made of what is told, and whether a day is not told by itself."""
    return (
        sum(SMALL_DAY if is_small(number) else number for number in numbers),
        any(map(is_small, numbers)),
    )


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
