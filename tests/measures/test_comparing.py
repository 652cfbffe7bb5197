"""Cities side by side: intervals, places, the usual, and charts that make nothing up."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smartcity_saas.measures import Measure, Totals, Waits, Window
from smartcity_saas.measures.comparing import (
    Compared,
    Figure,
    middle,
    ordered,
    places_of,
    shared_services,
    spans_of,
)
from smartcity_saas.measures.intervals import Interval, median_interval, places, share_interval
from smartcity_saas.measures.so_far import compared
from smartcity_saas.measures.usual import Deviation, same_weekdays, usual_of


def totals(done: int, *, late: int = 0, satisfied: int = 0, not_satisfied: int = 0) -> Totals:
    """Sums of a city over thirty days."""
    made = Totals(days=30)
    made.add(Measure.DONE, "", done)
    made.add(Measure.LATE, "", late)
    made.add(Measure.RATING, "5", satisfied)
    made.add(Measure.RATING, "1", not_satisfied)
    return made


@pytest.mark.parametrize(
    ("share", "number", "low", "high"),
    [(0.5, 100, 0.4038, 0.5962), (7 / 50, 50, 0.0695, 0.2619), (0.0, 10, 0.0, 0.2775)],
)
def test_the_interval_of_a_share(share: float, number: int, low: float, high: float) -> None:
    """Values of ``scipy.stats.binomtest(k, n).proportion_ci(method="wilson")``, to four places."""
    found = share_interval(share, number)
    assert (round(found.low, 4), round(found.high, 4)) == (low, high)


@given(st.integers(1, 5_000), st.floats(0, 1))
def test_an_interval_holds_its_share_and_narrows(number: int, share: float) -> None:
    """Whatever the share: inside 0 to 1, around it, and never wider with more answers."""
    found, more = share_interval(share, number), share_interval(share, number * 2)
    assert 0 <= found.low <= share + 1e-9
    assert share - 1e-9 <= found.high <= 1
    assert more.high - more.low <= found.high - found.low + 1e-9


def test_the_interval_of_a_median_lies_between_its_buckets() -> None:
    """Around the median, and nothing without waiting times."""
    waits = Waits({"3600": 40, "14400": 40, "86400": 20})
    found, median = median_interval(waits), waits.quantile(0.5)
    assert found is not None
    assert median is not None
    assert found.low < median < found.high
    assert median_interval(Waits({})) is None


def test_differences_within_chance_are_not_ranked() -> None:
    """Overlapping intervals share their places; one that lies apart has its own."""
    found = places({"a": Interval(0.9, 0.95), "b": Interval(0.7, 0.8), "c": Interval(0.75, 0.85)})
    assert found == {"a": (1, 1), "b": (2, 3), "c": (2, 3)}


def test_a_shorter_wait_is_the_better_place() -> None:
    """Where less is better the order is turned round."""
    quick, slow = totals(200), totals(200)
    quick.add(Measure.WAIT, "60", 200)
    slow.add(Measure.WAIT, "86400", 200)
    found = {"quick": Compared(quick, 1), "slow": Compared(slow, 1)}
    assert places_of(found, Figure.WAIT) == {"quick": (1, 1), "slow": (2, 2)}


def test_a_rate_is_of_the_days_that_are_known() -> None:
    """Ten days of a city say as much as thirty of another; without a population there is none, and a
    count under five is not told."""
    whole, part = totals(3_000), totals(1_000)
    part.days = 10
    assert Compared(whole, 1_000_000).rate == pytest.approx(30)
    assert Compared(part, 1_000_000).rate == pytest.approx(30)
    assert Compared(whole, None).rate is None
    assert Compared(totals(4), 10_000).rate is None


def test_too_few_answers_are_no_share_and_not_in_the_median() -> None:
    """They are left out, not taken as zero."""
    few, many = Compared(totals(90, satisfied=20), 1), Compared(totals(90, satisfied=80), 1)
    assert few.value(Figure.SATISFIED) is None
    assert few.interval(Figure.SATISFIED) is None
    assert middle([few, many], Figure.SATISFIED) == 1.0


def test_what_has_no_value_stands_last_both_ways() -> None:
    """Sorted up or down."""
    values = {"a": None, "b": 2.0, "c": 1.0}
    assert ordered(list(values), values, descending=True) == ["b", "c", "a"]
    assert ordered(list(values), values, descending=False) == ["c", "b", "a"]


def test_only_services_that_all_have_are_compared() -> None:
    """A city without any data does not empty the list."""
    assert shared_services({1: ["a", "b"], 2: ["b", "c"], 3: []}) == {"b"}


@pytest.mark.parametrize(("days", "spans"), [(7, 7), (30, 6), (364, 13)])
def test_spans_cover_the_window_once(days: int, spans: int) -> None:
    """Each day is in one span."""
    window = Window.ending(date(2026, 11, 28), days)
    found = spans_of(window)
    assert len(found) == spans
    assert [day for span in found for day in span] == list(window)


def test_the_usual_leaves_out_the_lowest_and_the_highest() -> None:
    """Of eight days the middle six; far off is more than a width beyond."""
    usual = usual_of([1, 100, 102, 104, 106, 108, 110, 900])
    assert usual is not None
    assert (usual.low, usual.high, usual.middle, usual.days) == (100, 110, 105, 8)
    said = {value: usual.deviation(value) for value in (80, 95, 100, 110, 115, 130)}
    assert list(said.values()) == [
        Deviation.FAR_FEWER,
        Deviation.FEWER,
        Deviation.AS_USUAL,
        Deviation.AS_USUAL,
        Deviation.MORE,
        Deviation.FAR_MORE,
    ]
    assert usual_of([1, 2, 3]) is None


def test_same_weekdays() -> None:
    """Eight of them, the day itself not among them."""
    found = same_weekdays(date(2026, 11, 23))
    assert len(found) == 8
    assert {day.weekday() for day in found} == {0}
    assert found[0] == date(2026, 11, 16)


def test_cities_are_compared_on_days_that_all_of_them_know() -> None:
    """One that has no usual day yet is left out of both sides of the comparison."""
    old = {0: 10.0, **dict.fromkeys(range(1, 9), 10.0)}
    gap = {0: 20.0, **{week: 20.0 for week in range(1, 9) if week != 3}}
    value, usual, number = compared([old, gap, {0: 500.0}])
    assert (value, number) == (30, 2)
    assert usual is not None
    assert (usual.middle, usual.days) == (30, 7)
    assert compared([{0: 5.0}, {}]) == (5, None, 1)
