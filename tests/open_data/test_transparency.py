"""What the transparency page may tell: sums that give no small day away, missing days as missing."""

from __future__ import annotations

from collections import Counter
from datetime import date, timedelta

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from smartcity_saas.measures import SMALL_CELL, Measure, Totals, Window, count, published
from smartcity_saas.measures.day_sums import tell_small
from smartcity_saas.open_data.performance import last_whole_day, performance
from smartcity_saas.open_data.publication import read_days, read_table
from smartcity_saas.open_data.transparency import (
    Counted,
    growth_of,
    read_reports,
    report_of,
    whole_city,
)
from smartcity_saas.tenancy.context import tenant_context
from tests.support.world import World

LAST = date(2026, 11, 28)
MONTH = Window.ending(LAST, 30)
BILLS = "utility_bills"


def counted(numbers: list[int | None], last: date = LAST, **counts: int) -> Counted:
    """A service with so many acts on each day, the last day last; None where nothing is known."""
    first = last - timedelta(days=len(numbers) - 1)
    days = {
        first + timedelta(days=place): number
        for place, number in enumerate(numbers)
        if number is not None
    }
    totals = Totals(Counter({Measure.DONE: sum(days.values()), **counts}), days=len(days))
    return Counted(totals, days)


NOTHING = counted([])


def test_nothing_known_is_nothing_told() -> None:
    """Promise: a service of which nothing was recorded has no numbers, least of all zeros."""
    report = report_of(NOTHING, NOTHING, MONTH)
    assert not report.is_known
    assert report.done.value is None
    assert whole_city({}, {}, MONTH).told is None


def test_missing_days_are_told_and_not_counted() -> None:
    """Promise: days without data are counted as missing between the first known day and the last of the
    span; a service that began within it says since when."""
    report = report_of(counted([10] * 10 + [None, None] + [10] * 8), NOTHING, MONTH)
    assert (report.missing, report.since) == (2, date(2026, 11, 9))
    assert report.done.value == 180
    whole = report_of(counted([10] * 30), NOTHING, MONTH)
    assert (whole.missing, whole.since) == (0, None)
    ended = report_of(counted([10] * 30, LAST - timedelta(days=5)), NOTHING, MONTH)
    assert ended.missing == 5


NUMBERS = st.lists(st.integers(0, 40), min_size=2, max_size=30)


@given(NUMBERS, st.data())
def test_a_small_day_does_not_follow_from_any_sum(numbers: list[int], data: st.DataObject) -> None:
    """Promise: whatever a day under five really was, sums, comparisons and the city's total are the
    same: nothing that is told depends on it."""
    small = [place for place, number in enumerate(numbers) if 0 < number < SMALL_CELL]
    assume(small)
    other = [
        data.draw(st.integers(1, SMALL_CELL - 1)) if place in small else number
        for place, number in enumerate(numbers)
    ]
    year = counted([20] * len(numbers))
    window = Window.ending(LAST, len(numbers))
    one, same = (report_of(counted(found), year, window) for found in (numbers, other))
    assert (one.done, one.growth) == (same.done, same.growth)
    assert one.done.rounded or one.done.value is None
    city, told = (
        whole_city({"a": counted(found), "b": counted([9] * len(found))}, {}, window).done
        for found in (numbers, other)
    )
    assert city == told


def test_a_small_day_does_not_follow_from_the_answers() -> None:
    """Promise: how many rated on a day under five, which the data by day hide, is in no sum of a span."""
    told = []
    for small in range(1, SMALL_CELL):
        rated = {LAST: small, LAST - timedelta(days=1): 40}
        one = counted([50, 50])
        told.append(report_of(Counted(one.totals, one.days, rated), NOTHING, MONTH).answers)
    assert {(one.value, one.rounded) for one in told} == {(40, True)}
    exact = Counted(one.totals, one.days, {LAST: 5, LAST - timedelta(days=1): 40})
    assert report_of(exact, NOTHING, MONTH).answers.value == 45


@given(NUMBERS)
def test_a_sum_is_exact_where_every_day_is_told(numbers: list[int]) -> None:
    """Promise: nothing is rounded but to keep a small day: otherwise the sum is that of the days."""
    report = report_of(counted(numbers), NOTHING, Window.ending(LAST, len(numbers)))
    few = any(0 < number < SMALL_CELL for number in numbers)
    if not few:
        assert (report.done.value, report.done.rounded) == (sum(numbers), False)
    elif report.done.value is not None:
        assert abs(report.done.value - sum(numbers)) <= 5 + 1.5 * len(numbers)


def test_small_counts_of_what_is_not_solved_are_not_told() -> None:
    """Promise: under five is suppressed, none is none."""
    assert tell_small(3, few=False).value is None
    assert tell_small(0, few=True).value == 0
    assert tell_small(7, few=False).value == 7


@pytest.mark.parametrize(
    "days_then, told", [(30, True), (27, True), (26, False), (0, False)], ids=str
)
def test_a_year_is_compared_where_its_days_are_known(days_then: int, told: bool) -> None:
    """Promise: a tick and a comparison stand there only where nine of ten days of both are known."""
    then = counted([10] * days_then)
    report = report_of(counted([12] * 30), then, MONTH)
    assert (report.before is not None) == told
    assert report.growth == (pytest.approx(0.2) if told else None)
    assert growth_of([(counted([12] * 30), counted([0] * 29 + [20]))], MONTH) is None, "too little"
    small = counted([12] * 29 + [4])
    assert growth_of([(small, counted([10] * 30))], MONTH) is None, "a day that is not told"
    both = {"a": small, "b": counted([12] * 30)}
    earlier = {"a": counted([10] * 30), "b": counted([10] * 30)}
    assert whole_city(both, earlier, MONTH).growth == pytest.approx(0.2)


def test_what_is_read_is_the_citys_own(world: World) -> None:
    """Promise: reports have the span's days and the current city's alone; today, which is not over, is
    not in them; a closed service has none."""
    city = world.city("hangzhou")
    start = world.clock.now
    for back, number in ((0, 50), (1, 8), (2, 7), (40, 99)):
        world.clock.now = start - timedelta(days=back)
        with world.inside("hangzhou"):
            count(BILLS, Measure.DONE, world.clock(), value=number)
        with world.inside("ningbo"):
            count(BILLS, Measure.DONE, world.clock(), value=1_000)
    world.clock.now = start
    window = Window.ending(last_whole_day(city, start), 30)
    with tenant_context(city.id):
        whole, reports = read_reports(city, world.app.product.services, window)
    by_name = {one.service.name: one.report for one in reports}
    assert by_name[BILLS].done.value == whole.done.value == 15
    assert not by_name["traffic_tickets"].is_known
    assert "city_credit" not in by_name, "closed by default"


def test_performance_per_day_is_what_is_published(world: World) -> None:
    """Promise: the dataset has a row for each day that is over and of which something is known, small
    counts and shares of few left empty, and never today."""
    city, start = world.city("hangzhou"), world.clock.now
    for back, number in ((0, 70), (1, 40), (2, 3)):
        with world.inside("hangzhou"):
            count(BILLS, Measure.DONE, start - timedelta(days=back), value=number)
            count(BILLS, Measure.LATE, start - timedelta(days=back), value=number // 4)
    with tenant_context(city.id):
        rows = read_table(performance, city, start, read_days(city, start, "", "")).rows
    names = [column.name for column in performance.columns]
    small, large = (dict(zip(names, row, strict=True)) for row in rows)
    assert (small["done"], small["in_time"], small["outage_minutes"]) == (None, None, 0)
    assert (large["done"], large["in_time"]) == (40, 0.75)
    assert large["day"] == last_whole_day(city, start)
    assert published(Totals()).done == 0
