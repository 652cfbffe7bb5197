"""What may leave a city: small cells suppressed, shares of enough answers, waits of enough people."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from smartcity_saas.measures.counting import Measure
from smartcity_saas.measures.reading import Totals

SMALL_CELL = 5
"""A count below this (and above none) is not told outside the city."""
FEWEST_ANSWERS = 30
"""A share of ratings is told from so many on."""

K = TypeVar("K", bound=Hashable)


def suppressed(cells: Mapping[K, int], *, total_known: bool = False) -> dict[K, int | None]:
    """Counts with the small ones left out (None).

    Args:
        cells: Counts of one table's row or column.
        total_known: Their sum is told as well, or follows. One cell alone that is left out would
            follow from it, and so would several that are few together: the smallest of the others
            is left out with them (complementary suppression).
    """
    hidden = {key for key, value in cells.items() if 0 < value < SMALL_CELL}
    few = sum(cells[key] for key in hidden) < SMALL_CELL
    if total_known and hidden and (len(hidden) == 1 or few):
        others = [key for key, value in cells.items() if key not in hidden and value]
        if others:
            hidden.add(min(others, key=lambda key: cells[key]))
    return {key: None if key in hidden else value for key, value in cells.items()}


@dataclass(frozen=True)
class Published:
    """What is told of a service: None is suppressed, or too few to tell.

    Waiting times are in seconds, shares between 0 and 1. ``answers`` is how many rated.
    """

    done: int | None
    in_time: float | None
    median_wait: float | None
    ninth_wait: float | None
    answers: int | None
    satisfied: float | None
    unresolved: float | None
    outage_minutes: int
    days: int


def published(totals: Totals) -> Published:
    """What may be told of some totals outside the city.

    ``in_time``: of what is done, the share that was not late. ``satisfied``: of those who rated, the
    share of 3 (satisfied on the whole) and above. ``unresolved``: of what ended, the share that failed
    or of which the resident says that it is not solved; what was opened again counts as not solved.
    """
    done, failed = totals[Measure.DONE], totals[Measure.FAILED]
    late = min(totals[Measure.LATE], done)
    open_ = min(failed + totals[Measure.NOT_SOLVED], done + failed)
    answers = totals.answers
    content = sum(number for level, number in totals.ratings.items() if level >= 3)
    waiting = totals.waiting
    tells_waits = waiting.number >= SMALL_CELL
    return Published(
        done=_cell(done),
        in_time=_share(done - late, done),
        median_wait=waiting.quantile(0.5) if tells_waits else None,
        ninth_wait=waiting.quantile(0.9) if tells_waits else None,
        answers=_cell(answers),
        satisfied=content / answers if answers >= FEWEST_ANSWERS else None,
        unresolved=_share(open_, done + failed),
        outage_minutes=totals.outage_minutes,
        days=totals.days,
    )


def _cell(value: int) -> int | None:
    return None if 0 < value < SMALL_CELL else value


def _share(part: int, whole: int) -> float | None:
    """A share, where neither it nor what is left can be counted back to a few people."""
    if whole < FEWEST_ANSWERS:
        return None
    rest = whole - part
    if 0 < part < SMALL_CELL:
        part = 0 if part * 2 < SMALL_CELL else SMALL_CELL
    elif 0 < rest < SMALL_CELL:
        part = whole if rest * 2 < SMALL_CELL else whole - SMALL_CELL
    return part / whole
