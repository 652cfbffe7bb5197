"""Waiting times in fixed buckets, so that days, cities and years add up and quantiles can be told."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

MINUTE, HOUR, DAY = 60, 3600, 86400
BOUNDS = (
    *(1, 5, 15),
    *(MINUTE, 5 * MINUTE, 15 * MINUTE),
    *(HOUR, 4 * HOUR, 12 * HOUR),
    *(DAY, 2 * DAY, 4 * DAY, 7 * DAY, 10 * DAY, 15 * DAY, 30 * DAY, 60 * DAY, 90 * DAY, 180 * DAY),
)
"""The buckets' upper bounds in seconds, each included; what is longer has a bucket of its own."""
MORE = "more"


def bucket_of(seconds: float) -> str:
    """The bucket of a waiting time: its upper bound in seconds, or ``more``."""
    return next((str(bound) for bound in BOUNDS if seconds <= bound), MORE)


@dataclass(frozen=True)
class Waits:
    """How many waited how long: counts by bucket."""

    counts: Mapping[str, int] = field(default_factory=dict)

    @property
    def number(self) -> int:
        """How many there are."""
        return sum(self.counts.values())

    def quantile(self, share: float) -> float | None:
        """The waiting time, in seconds, within which a share of them was over.

        Counted through the buckets and read off a straight line inside the one that it falls into,
        so it is as exact as that bucket is wide. What falls beyond the last bound is told as that
        bound.

        Args:
            share: Between 0 and 1: 0.5 is the median.

        Returns:
            None where there are none.
        """
        wanted, seen, lower = share * self.number, 0, 0
        if not self.number:
            return None
        for bound in BOUNDS:
            here = self.counts.get(str(bound), 0)
            if here and seen + here >= wanted:
                return lower + (bound - lower) * max(0.0, wanted - seen) / here
            seen, lower = seen + here, bound
        return float(BOUNDS[-1])
