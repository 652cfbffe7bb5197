"""Measures: appended without waiting, folded once, read exactly, told with small cells suppressed."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import func, select

from smartcity_saas.clock import today_in
from smartcity_saas.database import db, transaction
from smartcity_saas.errors import TenantIsolationError
from smartcity_saas.measures import (
    CityHour,
    CityMeasure,
    CityMeasureDay,
    Measure,
    MeasureEvent,
    Outage,
    Totals,
    Waits,
    Window,
    bucket_of,
    count,
    count_offered,
    count_outage,
    count_rating,
    fold,
    fold_all,
    hours_of,
    published,
    series_of,
    suppressed,
    totals_of,
)
from smartcity_saas.measures.buckets import BOUNDS, MORE
from smartcity_saas.measures.folding import HOURS_KEPT, FoldMeasures
from smartcity_saas.measures.publishing import SMALL_CELL
from tests.support.browser import fresh
from tests.support.world import World

BILLS = "utility_bills"


def here(world: World, days: int = 30, slug: str = "hangzhou") -> tuple[int, Window]:
    """A city's key, and the last days of its zone."""
    return world.city_id(slug), Window.ending(
        today_in(world.city(slug).timezone, world.clock()), days
    )


def told(world: World, slug: str = "hangzhou") -> Totals:
    """What is known of a city's bills, from outside it."""
    city, window = here(world, slug=slug)
    db.session.rollback()
    return totals_of([city], window).get((city, BILLS), Totals())


def test_what_is_counted_reads_the_same_before_and_after_it_is_folded(world: World) -> None:
    """A figure is exact at any moment: not twice, not left out; and of its own city alone."""
    now = world.clock()
    with world.inside("hangzhou"):
        count(BILLS, Measure.DONE, now, waited=timedelta(seconds=4))
        count(BILLS, Measure.DONE, now, waited=timedelta(hours=3))
        count(BILLS, Measure.AMOUNT, now, detail="CNY", value=4_200)
        count_rating(BILLS, 2, now, not_solved=True)
    with world.inside("ningbo"):
        count(BILLS, Measure.DONE, now)
    before = told(world)
    assert (before[Measure.DONE], before.amounts["CNY"]) == (2, 4_200)
    assert before.waits == {"5": 1, "14400": 1}
    assert (before.ratings, before[Measure.NOT_SOLVED]) == ({2: 1}, 1)
    assert fold_all() > 0
    assert told(world) == before
    with world.inside("hangzhou"):
        count(BILLS, Measure.DONE, now)
    assert told(world)[Measure.DONE] == 3
    fold_all()
    assert told(world)[Measure.DONE] == 3
    assert told(world, "ningbo")[Measure.DONE] == 1


def test_waits_that_are_read_give_a_median(world: World) -> None:
    """Sums are whole numbers on every database, so the median of what is read
    can be told."""
    now = world.clock()
    city, window = here(world)
    with world.inside("hangzhou"):
        for hours in range(10):
            count(BILLS, Measure.DONE, now, waited=timedelta(hours=hours))
        read = totals_of([city], window)[city, BILLS]
    assert all(type(number) is int for number in (*read.counts.values(), *read.waits.values()))
    assert published(read).median_wait == pytest.approx(4 * 3600)


def test_a_city_reads_its_own_measures_and_no_other_citys(world: World) -> None:
    """From inside a city another's figures are out of reach."""
    city, window = here(world)
    other = world.city_id("ningbo")
    with world.inside("hangzhou"):
        count(BILLS, Measure.DONE, world.clock())
        assert totals_of([city], window)[city, BILLS][Measure.DONE] == 1
        for cities in ([other], [city, other]):
            with pytest.raises(TenantIsolationError):
                totals_of(cities, window)


def test_a_count_is_part_of_its_transaction(world: World) -> None:
    """What is rolled back was not counted."""
    with world.inside("hangzhou"), pytest.raises(ZeroDivisionError), transaction():
        count(BILLS, Measure.DONE, world.clock())
        raise ZeroDivisionError
    assert told(world)[Measure.DONE] == 0


def test_two_who_count_do_not_wait_for_each_other(world: World) -> None:
    """No row is hot: while one transaction that counted is open, another one commits. (SQLite has
    one writer at a time, whatever is written.)"""
    if world.engine != "postgresql":
        pytest.skip("SQLite has one writer at a time")
    counted = threading.Event()

    def second() -> None:
        with world.app.app_context(), world.inside("hangzhou"):
            count(BILLS, Measure.DONE, world.clock())
        counted.set()

    with world.inside("hangzhou"), transaction():
        count(BILLS, Measure.DONE, world.clock())
        thread = threading.Thread(target=fresh, args=(second,))
        thread.start()
        assert counted.wait(20), "the second waits for the first"
    thread.join()
    assert told(world)[Measure.DONE] == 2


def test_many_runners_fold_each_row_once(world: World) -> None:
    """Several runners at once add everything, and nothing twice."""
    now = world.clock()
    with world.inside("hangzhou"), transaction():
        for _n in range(120):
            count(BILLS, Measure.DONE, now)

    def run() -> int:
        with world.app.app_context():
            return sum(iter(lambda: fold(7), 0))

    db.session.rollback()
    with ThreadPoolExecutor(4) as pool:
        folded = list(pool.map(lambda _n: fresh(run), range(4)))
    assert sum(folded) == 120
    db.session.rollback()
    assert db.session.scalar(select(func.count(MeasureEvent.id))) == 0
    assert told(world)[Measure.DONE] == 120


def test_a_day_that_is_added_to_has_another_version(world: World) -> None:
    """A copy of a day is told from the day as it stands, city by city."""
    now = world.clock()
    days = select(CityMeasureDay.city_id, CityMeasureDay.version).order_by(CityMeasureDay.city_id)

    def versions() -> dict[int, int]:
        db.session.rollback()
        return {row.city_id: row.version for row in db.session.execute(days)}

    for slug in ("hangzhou", "ningbo"):
        with world.inside(slug):
            count(BILLS, Measure.DONE, now)
    assert versions() == {}
    fold_all()
    assert set(versions().values()) == {1}
    with world.inside("hangzhou"):
        count_offered(now)
    fold_all()
    assert versions() == {world.city_id("hangzhou"): 2, world.city_id("ningbo"): 1}


def test_a_fold_that_is_killed_has_done_nothing(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Adding and deleting are one transaction."""
    with world.inside("hangzhou"):
        count(BILLS, Measure.DONE, world.clock())

    def killed(*_arguments: object) -> None:
        raise SystemExit

    monkeypatch.setattr("smartcity_saas.measures.folding.delete", killed)
    with pytest.raises(SystemExit):
        fold()
    monkeypatch.undo()
    assert told(world)[Measure.DONE] == 1
    assert fold() == 1
    assert told(world)[Measure.DONE] == 1


def test_a_day_without_acts_is_zero_only_where_the_service_was_offered(world: World) -> None:
    """What is missing is told as missing, never as zero."""
    city, window = here(world, 3)
    middle = world.clock()
    with world.inside("hangzhou"):
        count_offered(middle - timedelta(days=1))
        count(BILLS, Measure.DONE, middle)
    db.session.rollback()
    assert series_of([city], window)[city, BILLS] == {
        window.last - timedelta(days=1): 0,
        window.last: 1,
    }
    fold_all()
    db.session.rollback()
    assert len(series_of([city], window)[city, BILLS]) == 2


def test_the_hours_of_a_day_are_the_citys_own(world: World) -> None:
    """Today so far stands beside the usual day: hours are those of the city's clocks."""
    world.clock.now = world.clock.now.replace(hour=16, minute=30)  # half past midnight in UTC+8
    city, window = here(world, 1)
    with world.inside("hangzhou"):
        count(BILLS, Measure.DONE, world.clock())
        found = hours_of(city, [window.last])
    assert found[BILLS, "", window.last][0] == 1
    fold_all()
    with world.inside("hangzhou"):
        assert hours_of(city, [window.last]) == found


def test_hours_are_forgotten_and_days_are_not(world: World) -> None:
    """After nine weeks nobody compares hours any more; days stay for years."""
    with world.inside("hangzhou"):
        count(BILLS, Measure.DONE, world.clock())
    FoldMeasures()(world.clock())
    assert db.session.scalar(select(func.count()).select_from(CityHour)) == 1
    world.clock.move(days=HOURS_KEPT.days + 1)
    FoldMeasures()(world.clock())
    assert db.session.scalar(select(func.count()).select_from(CityHour)) == 0
    assert db.session.scalar(select(func.count()).select_from(CityMeasure)) == 1


def test_an_outage_is_its_spans_however_many_found_it(world: World) -> None:
    """A hundred pages that found no answer in one moment are one span of five minutes."""
    now = world.clock.now = world.clock.now.replace(minute=2)
    with world.inside("hangzhou"):
        for _n in range(3):
            count_outage(BILLS, now, Outage.NO_ANSWER, timedelta(hours=2))
    fold_all()
    with world.inside("hangzhou"):
        count_outage(BILLS, now, Outage.NO_ANSWER)
        count_outage(BILLS, now + timedelta(minutes=10), Outage.REFUSED)
    found = told(world)
    assert found.outage_minutes == 10
    assert found[Measure.CALL_FAILED] == 5
    assert found.ages == {"14400": 3}


@given(st.lists(st.floats(0, 200 * 86400), min_size=1, max_size=60), st.floats(0.01, 1))
def test_a_quantile_lies_in_the_bucket_of_the_true_one(waits: list[float], share: float) -> None:
    """What is read off the buckets is as exact as the bucket is wide."""
    counts: dict[str, int] = {}
    for seconds in waits:
        counts[bucket_of(seconds)] = counts.get(bucket_of(seconds), 0) + 1
    found = Waits(counts).quantile(share)
    place = next(n for n in range(1, len(waits) + 1) if n >= share * len(waits))
    true = sorted(waits)[place - 1]
    assert found is not None
    if bucket_of(true) == MORE:
        assert found == BOUNDS[-1]
    else:
        upper = int(bucket_of(true))
        lower = max((bound for bound in BOUNDS if bound < upper), default=0)
        assert lower <= found <= upper


@given(st.dictionaries(st.text(max_size=3), st.integers(0, 30)), st.booleans())
def test_no_small_cell_is_told_or_follows_from_the_total(
    cells: dict[str, int], total_known: bool
) -> None:
    """Counts of 1 to 4 are left out, and one that is left out alone cannot be computed."""
    found = suppressed(cells, total_known=total_known)
    for key, value in cells.items():
        assert found[key] in (value, None)
        assert not (found[key] is not None and 0 < value < SMALL_CELL)
    hidden = [key for key, value in found.items() if value is None]
    few = sum(cells[key] for key in hidden) < SMALL_CELL
    if total_known and hidden and (len(hidden) == 1 or few):
        others = [value for key, value in cells.items() if key not in hidden]
        assert not any(others), "cells that are left out alone, or are few together, beside others"


@given(
    st.integers(0, 60),
    st.integers(0, 60),
    st.integers(0, 60),
    st.lists(st.integers(1, 5), max_size=60),
)
def test_what_is_published_tells_of_no_few(
    done: int, late: int, failed: int, ratings: list[int]
) -> None:
    """Of fewer than thirty no share is told; counts and parts of 1 to 4 never follow from one."""
    totals = Totals()
    totals.add(Measure.DONE, "", done)
    totals.add(Measure.LATE, "", late)
    totals.add(Measure.FAILED, "", failed)
    for level in ratings:
        totals.add(Measure.RATING, str(level), 1)
    found = published(totals)
    assert found.done in (done, None)
    assert (found.done is None) == (0 < done < SMALL_CELL)
    assert (found.satisfied is None) == (len(ratings) < 30)
    assert (found.in_time is None) == (done < 30)
    for share, whole in ((found.in_time, done), (found.unresolved, done + failed)):
        if share is not None:
            part = round(share * whole)
            assert not 0 < part < SMALL_CELL
            assert not 0 < whole - part < SMALL_CELL


def test_no_column_of_a_measure_can_hold_a_person(world: World) -> None:
    """Rows carry no resident: keys, days, words of short lists and sums, and nothing else."""
    allowed = {"id", "city_id", "day", "hour", "service", "channel", "measure", "detail"}
    allowed |= {"value", "version"}
    for model in (MeasureEvent, CityMeasure, CityMeasureDay, CityHour):
        columns = model.__table__.columns
        assert {column.name for column in columns} <= allowed
        assert not any(column.foreign_keys for column in columns)


def test_a_window_and_those_it_is_compared_with() -> None:
    """The year before has the same days of the week; what was just before touches it."""
    window = Window.ending(date(2026, 11, 22), 30)
    assert (window.first, window.days) == (date(2026, 10, 24), 30)
    assert window.year_before.last.weekday() == window.last.weekday()
    assert window.before.last == date(2026, 10, 23)
    assert len(list(window)) == 30


def test_totals_take_all_channels_and_know_their_days(world: World) -> None:
    """Whoever comes in by an app, on the web or at the counter is in the sum."""
    now = world.clock()
    with world.inside("hangzhou"):
        for back, channel in ((0, "web"), (0, "alipay"), (1, "counter"), (40, "web")):
            count(BILLS, Measure.DONE, now - timedelta(days=back), channel=channel)
    found = told(world)
    assert (found[Measure.DONE], found.days) == (3, 2)
