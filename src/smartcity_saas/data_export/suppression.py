"""A day's rows as they may leave the city: channels of few put together, counts of few left out."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from typing import Any, NamedTuple

from smartcity_saas.measures import SMALL_CELL, Measure, suppressed

NOT_OF_RESIDENTS = frozenset({Measure.OFFERED.value})
"""What counts nothing that a resident did: told however small it is."""
ALL_CHANNELS = "all"
"""Stands for every channel of a service and measure where one of them had few."""


class DayRow(NamedTuple):
    """One sum of one day."""

    day: date
    service: str
    channel: str
    measure: str
    detail: str
    value: int


Cells = dict[tuple[str, str], int]
"""Sums by channel and detail."""


def suppress_day(rows: Iterable[DayRow]) -> Iterator[tuple[Any, ...]]:
    """A day's rows of one city as they may leave it.

    Where a channel has a count of 1 to 4, the channels of that service and measure are put together
    as ``all``. A count of 1 to 4 that is still there is left out; and as sums over details are told
    elsewhere (transparency, open data), one that would be missing alone takes the smallest of the
    others with it. An amount of money stands for as few as the acts (``done``) behind it.

    Yields:
        Day, service, channel, measure, detail, the value or None, and whether it is left out.
    """
    tables: dict[tuple[str, str], Cells] = defaultdict(dict)
    day = None
    for row in rows:
        day = row.day
        tables[row.service, row.measure][row.channel, row.detail] = row.value
    for (service, measure), cells in sorted(tables.items()):
        acts = tables.get((service, Measure.DONE.value), {})
        for (channel, detail), value in sorted(_told(measure, cells, acts).items()):
            yield day, service, channel, measure, detail, value, value is None


def _told(measure: str, cells: Cells, acts: Cells) -> Mapping[tuple[str, str], int | None]:
    if measure in NOT_OF_RESIDENTS:
        return cells
    behind = _by_channel(acts)
    is_money = measure == Measure.AMOUNT
    few = {c for c, value in cells.items() if (behind[c[0]] if is_money else value) < SMALL_CELL}
    if few and len({channel for channel, _detail in cells}) > 1:
        cells = _together(cells)
        behind = Counter({ALL_CHANNELS: behind.total()})
    if is_money:
        return {c: value if behind[c[0]] >= SMALL_CELL else None for c, value in cells.items()}
    return suppressed(cells, total_known=True) if few else cells


def _by_channel(cells: Cells) -> Counter[str]:
    found: Counter[str] = Counter()
    for (channel, _detail), value in cells.items():
        found[channel] += value
    return found


def _together(cells: Cells) -> Cells:
    found: Cells = {}
    for (_channel, detail), value in cells.items():
        found[ALL_CHANNELS, detail] = found.get((ALL_CHANNELS, detail), 0) + value
    return found
