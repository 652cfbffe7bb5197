"""From what is known of a city to its points: pure, and never a number that hides a hole.

What is missing counts as missing: the total is the range from missing as none to missing as all.
Scores are rounded to two decimals (GB/T 33356-2016, general part); a weight never is.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from enum import StrEnum

from smartcity_saas.scorecard.standard import TOTAL, Edition, Item

CENT = Decimal("0.01")


class Origin(StrEnum):
    """Where a figure comes from."""

    COMPUTED = "computed"
    BY_HAND = "by_hand"


@dataclass(frozen=True)
class Reached:
    """How far a city reaches what an item asks: ``share`` from 0 to 1."""

    share: Decimal
    origin: Origin

    def __post_init__(self) -> None:
        if not 0 <= self.share <= 1:
            raise ValueError(f"a share lies between 0 and 1, not {self.share}")


@dataclass(frozen=True)
class Points:
    """Points by what is known of them; together they are all that there are."""

    computed: Decimal
    by_hand: Decimal
    missing: Decimal
    not_reached: Decimal

    @property
    def low(self) -> Decimal:
        """The total if what is missing were none."""
        return self.computed + self.by_hand

    @property
    def high(self) -> Decimal:
        """The total if what is missing were all there."""
        return self.low + self.missing

    @property
    def total(self) -> Decimal:
        """All points that there are."""
        return self.high + self.not_reached


@dataclass(frozen=True)
class Tally:
    """How many items are computed, entered by hand, and missing."""

    computed: int
    by_hand: int
    missing: int


@dataclass(frozen=True)
class Score:
    """An edition's points for one city: of the whole, and of each indicator whose weight was read.

    ``counted`` holds the score of each item that counts, by its number.
    """

    edition: Edition
    points: Points
    tally: Tally
    indicators: Mapping[str, Points]
    tallies: Mapping[str, Tally]
    counted: Mapping[str, Decimal]


def score(edition: Edition, reached: Mapping[str, Reached]) -> Score:
    """The points of a city.

    Args:
        edition: Of the standard.
        reached: What is known, by the item's number. What stands for an item that was not
            verified, or for none, is left out: it counts as missing.
    """
    known = {
        item.number: reached[item.number]
        for item in edition.items
        if item.is_verified and item.number in reached
    }
    counted = {
        item.number: item_score(item, known[item.number].share) for item in _of(edition, known)
    }
    return Score(
        edition,
        _points(edition.items, known, counted, TOTAL),
        _tally(known, list(edition.items), edition.counts.items),
        {
            one.number: _points(one.items, known, counted, one.weight)
            for one in edition.indicators
            if one.weight is not None
        },
        {one.number: _tally(known, one.items, len(one.items)) for one in edition.indicators},
        counted,
    )


def item_score(item: Item, share: Decimal) -> Decimal:
    """An item's score, to two decimals and never more than its points."""
    if item.points is None:
        raise ValueError(f"{item.number} has no points")
    return min(item.points, (item.points * share).quantize(CENT, ROUND_HALF_UP))


def _of(edition: Edition, known: Mapping[str, Reached]) -> list[Item]:
    return [item for item in edition.items if item.number in known]


def _points(
    items: Iterable[Item],
    known: Mapping[str, Reached],
    counted: Mapping[str, Decimal],
    weight: Decimal,
) -> Points:
    by_origin = dict.fromkeys(Origin, Decimal())
    possible = Decimal()
    for item in items:
        if item.number in known and item.points is not None:
            by_origin[known[item.number].origin] += counted[item.number]
            possible += item.points
    return Points(
        by_origin[Origin.COMPUTED],
        by_origin[Origin.BY_HAND],
        weight - possible,
        possible - sum(by_origin.values()),
    )


def _tally(known: Mapping[str, Reached], items: Iterable[Item], total: int) -> Tally:
    found = [known[item.number].origin for item in items if item.number in known]
    computed = found.count(Origin.COMPUTED)
    return Tally(computed, len(found) - computed, total - len(found))
