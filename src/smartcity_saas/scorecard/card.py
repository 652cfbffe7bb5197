"""A city's scorecard: every item with what is known of it, and the points that follow."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum

from smartcity_saas.clock import today_in
from smartcity_saas.configuration.city import City
from smartcity_saas.scorecard.figures import FIGURES, Figure, compute
from smartcity_saas.scorecard.models import ScorecardValue
from smartcity_saas.scorecard.score import Origin, Reached, Score, score
from smartcity_saas.scorecard.standard import Edition, Item
from smartcity_saas.scorecard.values import MOST_HUNDREDTHS, current_values, oldest_that_counts


class Missing(StrEnum):
    """Why an item counts as missing."""

    NOT_READ = "not_read"
    """Its weight or its formula was not read in the standard."""
    TOO_OLD = "too_old"
    """What was entered is of a day more than 12 months ago."""
    NO_VALUE = "no_value"


@dataclass(frozen=True)
class ItemLine:
    """One item: the ``figure`` that was computed, or the ``value`` that was entered; ``score`` in
    points where it counts, else why it is ``missing``."""

    item: Item
    figure: Figure | None
    value: ScorecardValue | None
    reached: Reached | None
    score: Decimal | None
    missing: Missing | None

    @property
    def share(self) -> Decimal | None:
        """The share beside it, from 0 to 1, whether it counts or not; None where there is none."""
        if self.figure is not None and self.figure.share is not None:
            return self.figure.share
        if self.value is not None and self.value.hundredths is not None:
            return Decimal(self.value.hundredths) / MOST_HUNDREDTHS
        return None

    @property
    def origin(self) -> Origin | None:
        """Where the number beside it comes from, whether it counts or not."""
        if self.figure is not None and (self.figure.share is not None or self.value is None):
            return Origin.COMPUTED
        return Origin.BY_HAND if self.value is not None else None


@dataclass(frozen=True)
class Card:
    """A city's scorecard on a day of its own: the points, and the lines by the item's number.

    ``beside`` are figures that were computed and stand in no item that was read.
    """

    edition: Edition
    day: date
    score: Score
    lines: Mapping[str, ItemLine]
    beside: tuple[Figure, ...]


def card_of(city: City, edition: Edition, now: datetime) -> Card:
    """The scorecard of the current city."""
    today = today_in(city.timezone, now)
    computed = {name: compute(name, city, today) for name in FIGURES}
    values = current_values(edition)
    oldest = oldest_that_counts(today)
    reached = {}
    for item in edition.items:
        found = _reached(computed.get(item.computed_by), values.get(item.number), oldest)
        if found is not None:
            reached[item.number] = found
    result = score(edition, reached)
    lines = {}
    for item in edition.items:
        figure, value = computed.get(item.computed_by), values.get(item.number)
        lines[item.number] = ItemLine(
            item,
            figure,
            value if figure is None or figure.share is None else None,
            reached.get(item.number),
            result.counted.get(item.number),
            _missing(item, reached.get(item.number), value),
        )
    placed = {item.computed_by for item in edition.items}
    beside = tuple(one for name, one in computed.items() if one is not None and name not in placed)
    return Card(edition, today, result, lines, beside)


def _reached(figure: Figure | None, value: ScorecardValue | None, oldest: date) -> Reached | None:
    """A computed share stands before one that was entered; one that is too old is none."""
    if figure is not None and figure.share is not None:
        return Reached(figure.share, Origin.COMPUTED)
    if value is None or value.hundredths is None or value.as_of < oldest:
        return None
    return Reached(Decimal(value.hundredths) / MOST_HUNDREDTHS, Origin.BY_HAND)


def _missing(item: Item, reached: Reached | None, value: ScorecardValue | None) -> Missing | None:
    if not item.is_verified:
        return Missing.NOT_READ
    if reached is not None:
        return None
    return Missing.NO_VALUE if value is None else Missing.TOO_OLD
