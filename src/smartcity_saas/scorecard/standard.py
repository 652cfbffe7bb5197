"""An edition of GB/T 33356 as this product knows it: what of its text was read, and how much was not.

An edition has indicators (一级指标), each with sub-indicators (二级指标), each with items (二级指标分项).
The total is 100 points; an indicator's weight is the sum of its sub-indicators', and the weights of
the items of one sub-indicator come to 100 percent (GB/T 33356-2016, general part as reprinted in
annex 1 of the evaluation of 2016).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal

from smartcity_saas.configuration.city import Localized

TOTAL = Decimal(100)
"""Points of an edition; also percent of a sub-indicator."""


@dataclass(frozen=True)
class Source:
    """Where something was read: the public text's title, its address, and what could be read."""

    title: Localized
    read: Localized
    address: str = ""


@dataclass(frozen=True)
class Item:
    """One item. ``weight`` is in percent of its sub-indicator, ``points`` in points of the edition;
    None where it was not read. ``formula`` is the standard's, in Chinese, empty where it was not
    read. ``computed_by`` names the figure (``figures.py``) that this platform makes of it."""

    number: str
    name: Localized
    weight: Decimal | None
    points: Decimal | None
    formula: str
    source: str
    computed_by: str

    @property
    def is_verified(self) -> bool:
        """Whether name, weight and formula were read: what is not counts as missing."""
        return self.points is not None and bool(self.formula)


@dataclass(frozen=True)
class SubIndicator:
    """One sub-indicator; ``weight`` in points, None where it was not read."""

    number: str
    name: Localized
    weight: Decimal | None
    source: str
    items: tuple[Item, ...]


@dataclass(frozen=True)
class Indicator:
    """One indicator; ``weight`` in points, None where it was not read."""

    number: str
    name: Localized
    weight: Decimal | None
    source: str
    sub_indicators: tuple[SubIndicator, ...]

    @property
    def items(self) -> tuple[Item, ...]:
        """The items beneath it that were read."""
        return tuple(item for below in self.sub_indicators for item in below.items)


@dataclass(frozen=True)
class Counts:
    """How many of each level there are."""

    indicators: int
    sub_indicators: int
    items: int


@dataclass(frozen=True)
class Edition:
    """One edition: ``counts`` are those of the standard, the rest is what was read of it."""

    key: str
    standard: str
    name: Localized
    counts: Counts
    sources: Mapping[str, Source]
    indicators: tuple[Indicator, ...]

    @property
    def items(self) -> Iterator[Item]:
        """Every item that was read, in the standard's order."""
        return (item for indicator in self.indicators for item in indicator.items)

    def item(self, number: str) -> Item | None:
        """The item of a number; None where it was not read."""
        return next((item for item in self.items if item.number == number), None)

    @property
    def year(self) -> str:
        """By what an address names it: ``2016``."""
        return self.key.rpartition("_")[2]

    @property
    def listed(self) -> Counts:
        """How many of each level were read."""
        below = [sub for indicator in self.indicators for sub in indicator.sub_indicators]
        return Counts(len(self.indicators), len(below), sum(len(sub.items) for sub in below))

    @property
    def unread(self) -> Counts:
        """How many of each level were not read at all."""
        listed = self.listed
        return Counts(
            self.counts.indicators - listed.indicators,
            self.counts.sub_indicators - listed.sub_indicators,
            self.counts.items - listed.items,
        )

    @property
    def unverified(self) -> tuple[Item, ...]:
        """The items whose name was read, and whose weight or formula was not."""
        return tuple(item for item in self.items if not item.is_verified)

    @property
    def verified_points(self) -> Decimal:
        """The points of all items that can count."""
        return sum((item.points or Decimal() for item in self.items if item.is_verified), Decimal())
