"""Charts as data for inline SVG: everything a template needs to draw, nothing computed there."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
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


@dataclass(frozen=True)
class Strip:
    """A value on a strip whose middle third is the usual. Places are percent of its length; what lies
    beyond it has an arrow instead of a dot (``left``, ``right``)."""

    middle: float
    dot: float | None
    arrow: str


def strip(value: float, low: float, high: float, middle: float, width: float) -> Strip:
    """A strip for a value.

    Args:
        value: What is shown.
        low: The least that is usual.
        high: The most.
        middle: The median of the usual.
        width: The length of a third: that of the usual, or more where that has none.
    """
    first = (low + high) / 2 - width * 1.5

    def at(one: float) -> float:
        return round(100 * (one - first) / (3 * width), 1)

    place = at(value)
    if place < 0 or place > 100:
        return Strip(at(middle), None, "left" if place < 0 else "right")
    return Strip(at(middle), place, "")


@dataclass(frozen=True)
class LineChart:
    """A line with gaps, over a grey one to compare with. All lengths are in the units of ``viewBox``.

    ``lines`` and ``before`` are points of the parts between gaps, for ``polyline``; a part of one
    point is drawn as a dot (``dots``). ``gaps`` are left edge and width. ``end`` is the last point.
    """

    width: int
    height: int
    top: float
    base: float
    lines: tuple[str, ...]
    before: tuple[str, ...]
    dots: tuple[tuple[float, float], ...]
    gaps: tuple[tuple[float, float], ...]
    end: tuple[float, float] | None
    ceiling: float


def line_chart(
    values: Sequence[float | None],
    before: Sequence[float | None] = (),
    *,
    ceiling: float | None = None,
    left: int = 0,
    width: int = 280,
    height: int = 76,
) -> LineChart:
    """A small line chart from 0.

    Args:
        values: Oldest first; None where nothing is known: a gap, over which no line goes.
        before: What they are compared with, as many or none.
        ceiling: The value at the top, for several charts on one scale; the next round one by default.
        left: Room for labels of the axis.
        width: Of the drawing.
        height: Of the drawing.
    """
    known = [value for value in (*values, *before) if value is not None]
    top_value = ceiling if ceiling is not None else rounded_up(max([*known, 0]))
    top, base, right = 6.0, float(height - 4), 6
    room = width - left - right
    step = room / max(1, len(values) - 1)

    def point(place: int, value: float) -> tuple[float, float]:
        share = min(1.0, value / top_value) if top_value else 0.0
        return round(left + place * step, 1), round(base - (base - top) * share, 1)

    own = _parts(values, point)
    lines = tuple(" ".join(f"{x},{y}" for x, y in part) for part in own if len(part) > 1)
    return LineChart(
        width=width,
        height=height,
        top=top,
        base=base,
        lines=lines,
        before=tuple(
            " ".join(f"{x},{y}" for x, y in part) for part in _parts(before, point) if len(part) > 1
        ),
        dots=tuple(part[0] for part in own if len(part) == 1),
        gaps=tuple(_gaps(values, float(left), step, float(width - right))),
        end=own[-1][-1] if own and values[-1] is not None else None,
        ceiling=top_value,
    )


def rounded_up(value: float) -> float:
    """The next of 1, 2, 5 times a power of ten; 1 for nothing."""
    return _nice(value) if value > 0 else 1.0


def _parts(
    values: Sequence[float | None], point: Callable[[int, float], tuple[float, float]]
) -> list[list[tuple[float, float]]]:
    """The points between the gaps."""
    parts: list[list[tuple[float, float]]] = [[]]
    for place, value in enumerate(values):
        if value is not None:
            parts[-1].append(point(place, value))
        elif parts[-1]:
            parts.append([])
    return [part for part in parts if part]


def _gaps(
    values: Sequence[float | None], left: float, step: float, right: float
) -> Iterator[tuple[float, float]]:
    """Left edge and width of each run without a value, half a step into both sides."""
    for missing, run in groupby(enumerate(values), key=lambda one: one[1] is None):
        if missing:
            places = [place for place, _value in run]
            begin = max(left, left + (places[0] - 0.5) * step)
            end = min(right, left + (places[-1] + 0.5) * step)
            yield round(begin, 1), round(end - begin, 1)


def _nice(step: float) -> float:
    """The next of 1, 2, 5 times a power of ten."""
    power = 10 ** floor(log10(step))
    return float(next(factor * power for factor in (1, 2, 5, 10) if factor * power >= step))


@dataclass(frozen=True)
class ShareBar:
    """One bar of a share: its box; ``beyond`` where it is over the limit. ``percent`` is None, and the box
    that of a gap, where nothing is known."""

    x: float
    y: float
    width: float
    height: float
    percent: int | None
    beyond: bool


@dataclass(frozen=True)
class ShareChart:
    """Bars of shares of a limit, whose line stands at 100 percent. All lengths are in the units of
    ``viewBox``."""

    width: int
    height: int
    left: int
    base: float
    bars: tuple[ShareBar, ...]
    limit: float


def share_chart(
    percents: Sequence[int | None], *, left: int = 40, width: int = 320, height: int = 110
) -> ShareChart:
    """Bars of shares of a limit.

    Args:
        percents: Of the limit, oldest first; None where nothing is known.
        left: Room for the labels of the axis.
        width: Of the drawing.
        height: Of the drawing.
    """
    top, base = 8.0, float(height - 6)
    ceiling = max([110, *(percent for percent in percents if percent is not None)])
    slot = (width - left) / max(1, len(percents))

    def at(percent: float) -> float:
        return round(base - (base - top) * percent / ceiling, 1)

    bars = tuple(
        ShareBar(
            x=round(left + slot * (place + 0.15), 1),
            y=at(100 if percent is None else percent),
            width=round(slot * 0.7, 1),
            height=round(base - at(100 if percent is None else percent), 1),
            percent=percent,
            beyond=percent is not None and percent >= 100,
        )
        for place, percent in enumerate(percents)
    )
    return ShareChart(width, height, left, base, bars, at(100))


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
