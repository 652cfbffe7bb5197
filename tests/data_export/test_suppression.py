"""Suppression: no count of few is told, or follows from what is told here and elsewhere."""

from __future__ import annotations

from collections import Counter
from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from smartcity_saas.data_export.suppression import ALL_CHANNELS, DayRow, suppress_day
from smartcity_saas.measures import SMALL_CELL, Measure

DAY = date(2026, 11, 1)
CELLS = st.dictionaries(
    st.tuples(
        st.sampled_from(["web", "alipay", "counter"]),
        st.sampled_from([Measure.DONE, Measure.WAIT, Measure.REFUSED, Measure.LATE]),
        st.sampled_from(["", "15", "60", "300"]),
    ),
    st.integers(1, 40),
    max_size=14,
)


def rows_of(cells: dict[tuple[str, Measure, str], int]) -> list[DayRow]:
    """A day of one service."""
    return [
        DayRow(DAY, "x", channel, measure.value, detail, value)
        for (channel, measure, detail), value in sorted(cells.items())
    ]


@given(CELLS)
def test_no_count_of_few_follows(cells: dict[tuple[str, Measure, str], int]) -> None:
    """Neither told, nor the difference of what is told to a sum over channels or details."""
    told = list(suppress_day(rows_of(cells)))
    lines: dict[tuple[str, str], list[int | None]] = {}
    for _day, _service, channel, measure, _detail, value, hidden in told:
        assert hidden == (value is None)
        assert value is None or value >= SMALL_CELL
        lines.setdefault((measure, channel), []).append(value)
    for (measure, channel), values in lines.items():
        missing = values.count(None)
        assert missing != 1 or len(values) == 1, f"{measure} of {channel} can be computed"
    for measure in {row.measure for row in rows_of(cells)}:
        channels = {row[2] for row in told if row[3] == measure}
        assert ALL_CHANNELS not in channels or len(channels) == 1
        by_channel: dict[str, list[int | None]] = {
            channel: lines[measure, channel] for channel in channels
        }
        if len(channels) > 1:
            assert all(None not in values for values in by_channel.values())


@given(CELLS)
def test_what_is_told_is_true(cells: dict[tuple[str, Measure, str], int]) -> None:
    """Channels put together are their sum; nothing is rounded or made up."""
    sums: Counter[tuple[str, str]] = Counter()
    for row in rows_of(cells):
        sums[row.measure, row.detail] += row.value
    together: Counter[tuple[str, str]] = Counter()
    left_out = set()
    for _day, _service, _channel, measure, detail, value, hidden in suppress_day(rows_of(cells)):
        left_out |= {(measure, detail)} if hidden else set()
        together[measure, detail] += value or 0
    assert {key: n for key, n in together.items() if key not in left_out} == {
        key: n for key, n in sums.items() if key not in left_out
    }


def test_an_amount_of_few_payers_is_left_out() -> None:
    """What four people paid is money of few, however much it is; a channel of few goes together."""
    few = [
        DayRow(DAY, "x", "web", "amount", "CNY", 90_000),
        DayRow(DAY, "x", "web", "done", "", 4),
    ]
    assert [row[5] for row in suppress_day(few)] == [None, None]
    more = [
        *(few[0], DayRow(DAY, "x", "alipay", "amount", "CNY", 10_000)),
        *(few[1], DayRow(DAY, "x", "alipay", "done", "", 8)),
    ]
    assert [(row[2], row[5]) for row in suppress_day(more)] == [("all", 100_000), ("all", 12)]
    nobody = [DayRow(DAY, "x", "web", "amount", "CNY", -90_000)]
    assert [row[5] for row in suppress_day(nobody)] == [None]
