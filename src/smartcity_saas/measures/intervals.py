"""Shares and medians with their 95 % intervals, so that chance is not ranked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import sqrt
from statistics import NormalDist
from typing import TypeVar

from smartcity_saas.measures.buckets import Waits

LEVEL = 0.95
Z = NormalDist().inv_cdf(0.5 + LEVEL / 2)
"""About 1.96."""

K = TypeVar("K")


@dataclass(frozen=True)
class Interval:
    """Where the true value lies, 95 times in 100; both ends belong to it."""

    low: float
    high: float


def share_interval(share: float, number: int) -> Interval:
    """The score interval of a share.

    E. B. Wilson, "Probable inference, the law of succession, and statistical inference", J. Amer.
    Stat. Assoc. 22 (1927), 209-212, as the reference of ``scipy.stats`` (``proportion_ci``, method
    ``wilson``, without continuity correction) gives and names it; the paper itself was not read. A
    test holds it to the values in that reference.

    Args:
        share: Between 0 and 1.
        number: Of how many, at least 1.
    """
    scale = 1 + Z * Z / number
    centre = (share + Z * Z / (2 * number)) / scale
    half = Z / scale * sqrt(share * (1 - share) / number + Z * Z / (4 * number * number))
    return Interval(max(0.0, centre - half), min(1.0, centre + half))


def median_interval(waits: Waits) -> Interval | None:
    """The interval of a median waiting time, in seconds: between the quantiles whose ranks lie as far
    from the middle as the number of those below the true median does by chance (a binomial with
    share 1/2, taken as normal). None without waiting times.

    As exact as the buckets are wide.
    """
    if not waits.number:
        return None
    reach = min(0.5, Z / (2 * sqrt(waits.number)))
    low, high = waits.quantile(0.5 - reach), waits.quantile(0.5 + reach)
    return Interval(low, high) if low is not None and high is not None else None


def places(found: Mapping[K, Interval]) -> dict[K, tuple[int, int]]:
    """The places that each may have in order of size, the first being the largest: those whose
    intervals lie wholly above come before, those wholly below come after, the rest is not ranked."""
    return {
        key: (
            1 + sum(other.low > own.high for other in found.values()),
            len(found) - sum(other.high < own.low for other in found.values()),
        )
        for key, own in found.items()
    }
