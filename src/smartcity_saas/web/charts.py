"""Charts as data for inline SVG: everything a template needs to draw, nothing computed there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, floor, log10


@dataclass(frozen=True)
class Bar:
    """One bar: its box, its label below, the tick of the year before (None without one). Where
    nothing is known ``value`` is None, and the box is that of a gap, from top to base."""

    x: float
    y: float
    width: float
    height: float
    label: str
    value: float | None
    before: float | None
    tick_y: float | None
    current: bool


@dataclass(frozen=True)
class BarChart:
    """Twelve bars on an axis. All lengths are in the units of ``viewBox``."""

    width: int
    height: int
    base: float
    bars: tuple[Bar, ...]
    lines: tuple[tuple[float, str], ...]


def bar_chart(
    values: Sequence[tuple[str, float | None, float | None]], *, width: int = 320, height: int = 190
) -> BarChart:
    """Bars with a tick for the year before.

    Args:
        values: Label, this year's value, last year's (None without one), oldest first.
            A month that is not known is a gap, never a bar of zero.
        width: Of the drawing.
        height: Of the drawing, with the labels.
    """
    left, top, bottom = 30, 18, 24
    base = float(height - bottom)
    most = max([v for _l, v, _b in values if v] + [b for _l, _v, b in values if b] + [1])
    step = _nice(most / 3)
    ceiling = step * ceil(most / step)
    room = base - top
    slot = (width - left) / max(1, len(values))

    def at(value: float) -> float:
        return round(base - room * value / ceiling, 1)

    bars = tuple(
        Bar(
            x=round(left + slot * place + slot * 0.15, 1),
            y=at(ceiling if value is None else value),
            width=round(slot * 0.7, 1),
            height=round(base - at(ceiling if value is None else value), 1),
            label=label,
            value=value,
            before=before,
            tick_y=at(before) if before is not None else None,
            current=place == len(values) - 1,
        )
        for place, (label, value, before) in enumerate(values)
    )
    count = round(ceiling / step)
    lines = tuple((at(step * line), f"{step * line:g}") for line in range(count + 1))
    return BarChart(width, height, base, bars, lines)


def _nice(step: float) -> float:
    """The next of 1, 2, 5 times a power of ten."""
    power = 10 ** floor(log10(step))
    return float(next(factor * power for factor in (1, 2, 5, 10) if factor * power >= step))


@dataclass(frozen=True)
class RangePart:
    """One part of a range bar: where it begins, how wide it is, and what of."""

    x: float
    width: float
    kind: str


@dataclass(frozen=True)
class RangeBar:
    """A bar of parts, and where the two ends of the range stand. All lengths are in the units of
    ``viewBox``."""

    width: int
    height: int
    parts: tuple[RangePart, ...]
    low: float
    high: float


def range_bar(
    parts: Sequence[tuple[str, float]],
    low: float,
    high: float,
    most: float,
    *,
    width: int = 320,
    height: int = 14,
) -> RangeBar:
    """Parts beside each other on an axis from 0.

    Args:
        parts: What each is of, and its length on the axis; empty ones are left out.
        low: Where the range begins, on the axis.
        high: Where it ends.
        most: The end of the axis.
        width: Of the drawing.
        height: Of the drawing.
    """
    inner, edge = width - 2, 1.0  # a tick at either end is not cut
    drawn, begins = [], 0.0
    for kind, length in parts:
        if length > 0:
            x = edge + inner * begins / most
            drawn.append(RangePart(round(x, 2), round(inner * length / most, 2), kind))
        begins += length

    def at(value: float) -> float:
        return round(edge + inner * value / most, 2)

    return RangeBar(width, height, tuple(drawn), at(low), at(high))
