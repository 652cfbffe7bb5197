"""Today beside the usual day: the same hours of the last eight same weekdays, the middle six of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from math import ceil, floor
from statistics import median

WEEKS = 8
FEWEST_DAYS = 4
"""With fewer days than this nothing is called usual."""
CUT = 6
"""From so many days on the lowest and the highest are left out."""


class Deviation(StrEnum):
    """How a number stands to the usual ones."""

    AS_USUAL = "as_usual"
    MORE = "more"
    FEWER = "fewer"
    FAR_MORE = "far_more"
    FAR_FEWER = "far_fewer"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Usual:
    """What is usual: whole numbers from ``low`` to ``high``, both included, and the median; of how many
    days."""

    low: int
    high: int
    middle: float
    days: int

    @property
    def width(self) -> float:
        """The length of the strip that is usual, never nothing: a strip is three times as long."""
        return max(self.high - self.low, self.middle / 10, 1.0)

    def deviation(self, value: float) -> Deviation:
        """How a number stands to it. Far off is beyond the strip, more than a width away."""
        if value < self.low - self.width:
            return Deviation.FAR_FEWER
        if value > self.high + self.width:
            return Deviation.FAR_MORE
        if value < self.low:
            return Deviation.FEWER
        return Deviation.MORE if value > self.high else Deviation.AS_USUAL


def same_weekdays(today: date) -> tuple[date, ...]:
    """The last eight days of the same weekday, the latest first."""
    return tuple(today - timedelta(weeks=back) for back in range(1, WEEKS + 1))


def usual_of(values: Sequence[float]) -> Usual | None:
    """What is usual, by the numbers of some days; None where there are too few of them."""
    if len(values) < FEWEST_DAYS:
        return None
    ordered = sorted(values)
    kept = ordered[1:-1] if len(ordered) >= CUT else ordered
    return Usual(floor(kept[0]), ceil(kept[-1]), median(ordered), len(ordered))
