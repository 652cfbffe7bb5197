"""The rows that ``make bench`` makes: each a figure of ours, one of a peer in the same run, and the aim.

They are printed as they come, and kept by name in ``benchmarks/latest.json``, so that one section
measured again leaves the others' rows.
"""

from __future__ import annotations

import json
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

LATEST = Path(__file__).parent / "latest.json"
TURNS, CALLS = 14, 100


@dataclass(frozen=True)
class Row:
    """One line of the table.

    Attributes:
        name: What was measured; the row's key.
        ours: The product's figure.
        peer: The same of what stands beside it in the run; none for an absolute aim.
        unit: Of ``ours`` and ``peer``: ``ms``, ``s``, ``MB``, ``KB``, ``per second``, ``per minute``, ``times``.
        ratio: The product's speed beside its peer's, as the median of the turns: 1.00 is as good, more
            is better. A row called "… in times of …" tells how much longer instead.
        aim: The aim in words, such as ``≥ 3.0`` (of the ratio) or ``≤ 250 ms`` (of ``ours``).
        spread: The ratio's (or, without a peer, the figure's) least and greatest of all turns.
    """

    name: str
    ours: float
    peer: float | None
    unit: str
    ratio: float | None
    aim: str | None
    spread: tuple[float, float] | None = None


def record(row: Row) -> None:
    """Print a row, and keep it in ``latest.json``."""
    rows = {one["name"]: one for one in _kept()}
    rows[row.name] = _rounded(asdict(row))
    LATEST.write_text(json.dumps(list(rows.values()), ensure_ascii=False, indent=1) + "\n")
    sys.stdout.write(f"  {_line(row)}\n")
    sys.stdout.flush()


def compare(
    name: str,
    ours: Callable[[], Any],
    peer: Callable[[], Any],
    *,
    aim: str | None = None,
    clock: Callable[[], float] = time.perf_counter,
    turns: int = TURNS,
    calls: int = CALLS,
) -> None:
    """Record how much of the peer's speed we have, both called in turns.

    Args:
        name: The row's name.
        ours: One call of the product's.
        peer: One call of the peer's.
        aim: Of the ratio.
        clock: ``time.process_time`` counts the CPU of this process alone: for work that waits for a
            database, and on a machine that is not idle.
        turns: How often each is measured; after one turn that does not count.
        calls: Calls a turn.
    """
    compare_seconds(
        name,
        lambda: seconds(ours, clock, calls),
        lambda: seconds(peer, clock, calls),
        aim=aim,
        turns=turns,
        calls=calls,
    )


def compare_seconds(
    name: str,
    ours: Callable[[], float],
    peer: Callable[[], float],
    *,
    aim: str | None = None,
    turns: int = TURNS,
    calls: int = CALLS,
) -> None:
    """The same where each says what its calls took, because the peer is another process."""
    ours(), peer()
    spent = [(ours(), peer()) for _turn in range(turns)]
    ratios = [theirs / mine for mine, theirs in spent]
    mine, theirs = (statistics.median(one) / calls * 1000 for one in zip(*spent, strict=True))
    record(Row(name, mine, theirs, "ms", statistics.median(ratios), aim, _ends(ratios)))


def compare_costs(
    name: str,
    ours: Callable[[], float],
    peer: Callable[[], float],
    *,
    unit: str,
    aim: str | None,
    turns: int = TURNS,
) -> None:
    """Record how many times of a peer's cost ours is, each said in ``unit`` and taken in turns after one
    turn that does not count."""
    ours(), peer()
    spent = [(ours(), peer()) for _turn in range(turns)]
    times = [mine / theirs for mine, theirs in spent]
    mine, theirs = (statistics.median(one) for one in zip(*spent, strict=True))
    record(Row(name, mine, theirs, unit, statistics.median(times), aim, _ends(times)))


def absolute(name: str, figures: Sequence[float], unit: str, aim: str | None = None) -> None:
    """Record the median of figures that stand beside an aim, not beside a peer."""
    record(Row(name, statistics.median(figures), None, unit, None, aim, _ends(figures)))


def seconds(call: Callable[[], Any], clock: Callable[[], float], calls: int) -> float:
    """What so many calls take."""
    begun = clock()
    for _call in range(calls):
        call()
    return clock() - begun


def _ends(figures: Sequence[float]) -> tuple[float, float]:
    return min(figures), max(figures)


def _kept() -> list[dict[str, Any]]:
    if not LATEST.exists():
        return []
    found: list[dict[str, Any]] = json.loads(LATEST.read_text())
    return found


def _rounded(row: dict[str, Any]) -> dict[str, Any]:
    """To four digits: more would only be noise."""

    def short(value: Any) -> Any:
        if isinstance(value, float):
            return float(f"{value:.4g}")
        return [short(one) for one in value] if isinstance(value, list | tuple) else value

    return {name: short(value) for name, value in row.items()}


def _line(row: Row) -> str:
    beside = "" if row.peer is None else f"; beside {row.peer:,.4g}"
    ratio = "" if row.ratio is None else f", ratio {row.ratio:.2f}"
    spread = "" if row.spread is None else f" (from {row.spread[0]:.4g} to {row.spread[1]:.4g})"
    aim = "" if row.aim is None else f"; aim {row.aim}"
    return f"{row.name}: {row.ours:,.4g} {row.unit}{beside}{ratio}{spread}{aim}"
