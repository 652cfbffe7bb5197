"""Overviews of a city, a province and the platform: today beside the usual, what needs someone."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import event, insert

from smartcity_saas.database import db, transaction
from smartcity_saas.identity.staff.roles import AUDITOR, CATALOG_EDITOR
from smartcity_saas.measures import CityHour, CityMeasure, Measure, Outage, count_outage
from smartcity_saas.outbox import Heartbeat, RunnerKind, enqueue
from smartcity_saas.outbox.queue import PermanentFailure, run_task
from tests.support.browser import Browser
from tests.support.world import World

BILLS = "utility_bills"
PAGE = "/cities/hangzhou/overview"
MONDAY = datetime(2026, 11, 23, 2, 30, tzinfo=UTC)
"""10:30 on a Monday in Shanghai."""
TODAY = date(2026, 11, 23)


@pytest.fixture
def monday(world: World) -> World:
    """Monday, half past ten in the morning."""
    world.clock.now = MONDAY
    return world


def fill(
    world: World,
    city: str,
    done: dict[date, dict[int, int]],
    measures: dict[tuple[date, Measure, str], int] | None = None,
) -> None:
    """Days of a city: what was done by hour, which makes the day's sum, and further measures."""
    key = {"city_id": world.city_id(city), "service": BILLS}
    hours: list[dict[str, Any]] = []
    days: list[dict[str, Any]] = []
    for day, by_hour in done.items():
        own = {**key, "day": day}
        days.append({**own, "channel": "web", "measure": "offered", "detail": "", "value": 1})
        days.append(
            {
                **own,
                "channel": "web",
                "measure": "done",
                "detail": "",
                "value": sum(by_hour.values()),
            }
        )
        hours += [
            {**own, "hour": hour, "measure": "done", "detail": "", "value": value}
            for hour, value in by_hour.items()
        ]
    for (day, measure, detail), value in (measures or {}).items():
        row = {"day": day, "channel": "web", "measure": measure.value, "detail": detail}
        days.append({**key, **row, "value": value})
    with transaction() as session:
        session.execute(insert(CityMeasure), days)
        if hours:
            session.execute(insert(CityHour), hours)


def eight_mondays(*numbers: int) -> dict[date, dict[int, int]]:
    """So many acts before ten on each of the last Mondays, twice as many in the hour from ten."""
    return {
        TODAY - timedelta(weeks=back): {8: number, 10: 2 * number, 15: 500}
        for back, number in enumerate(numbers, 1)
    }


def card(browser: Browser, service: str | None = BILLS, page: str = PAGE) -> dict[str, Any]:
    """One card of today, as a program is told it."""
    data: Any = browser.get(f"{page}?format=json").json
    return next(one for one in data["today"] if one["service"] == service)


def test_the_usual_is_that_of_the_same_weekdays_until_the_same_time(monday: World) -> None:
    """Of the hour under way half counts at half past; other weekdays and later hours do not; the lowest
    and the highest of the eight are left out."""
    days = eight_mondays(10, 20, 30, 40, 50, 60, 70, 900)
    days |= {TODAY - timedelta(days=1): {8: 9_000}, TODAY: {8: 70, 10: 15}}
    fill(monday, "hangzhou", days)
    found = card(monday.city_staff())
    assert found["value"] == 85
    assert found["usual"] == {"low": 40, "middle": 90, "high": 140, "days": 8}
    assert found["deviation"] == "as_usual"
    assert card(monday.city_staff("ningbo"), page="/cities/ningbo/overview")["value"] is None


def test_a_day_of_which_nothing_is_known_is_not_usual(monday: World) -> None:
    """A day without data, or whose hours are gone, is left out; one on which nothing was done is a
    zero. Under four days nothing is called usual."""
    days = eight_mondays(10, 10, 10)
    days[TODAY - timedelta(weeks=4)] = {}
    days[TODAY] = {9: 3}
    fill(monday, "hangzhou", days)
    gone = (TODAY - timedelta(weeks=5), Measure.DONE, "")
    fill(monday, "hangzhou", {}, {gone: 700})
    staff = monday.city_staff()
    assert card(staff)["usual"] == {"low": 0, "middle": 20, "high": 20, "days": 4}
    page = staff.get(PAGE).text
    assert "Usually 0 to 20" in page
    monday.clock.now += timedelta(days=1)
    later = monday.staff("later", CATALOG_EDITOR, city="hangzhou")
    assert card(later)["deviation"] == "unknown"


def test_a_missing_day_is_hatched_not_zero(monday: World) -> None:
    """In the thirty days: null for a program, a gap without a line for people; a zero is a zero."""
    yesterday = TODAY - timedelta(days=1)
    days: dict[date, dict[int, int]] = {
        yesterday - timedelta(days=back): {9: 7} for back in range(30) if back not in (3, 4)
    }
    days[yesterday] = {}
    fill(monday, "hangzhou", days)
    staff = monday.city_staff()
    month = next(
        one
        for one in staff.get(f"{PAGE}?format=json").json["last_30_days"]
        if one["service"] == BILLS  # type: ignore[index]
    )
    assert month["done"][-5:] == [None, None, 7, 7, 0]
    assert month["done"].count(None) == 2
    assert month["change"] is None
    page = staff.get(PAGE).text
    assert "2 days without data" in page
    assert page.count('fill="url(#gap)"') >= 1


def test_satisfaction_has_its_interval_and_needs_thirty_answers(monday: World) -> None:
    """Under thirty nothing is said, and not as zero."""
    day, before = TODAY - timedelta(days=2), TODAY - timedelta(days=40)
    rating = Measure.RATING
    fill(monday, "hangzhou", {}, {(day, rating, "5"): 70, (day, rating, "2"): 30})
    fill(monday, "hangzhou", {}, {(before, rating, "5"): 29})
    staff = monday.city_staff()
    told = staff.get(f"{PAGE}?format=json").json["satisfaction"]  # type: ignore[index]
    found = next(one for one in told if one["service"] == BILLS)
    assert (found["satisfied"], found["low"], found["high"]) == (0.7, 0.6042, 0.7811)
    assert found["before"] is None
    assert "too few" in staff.get(PAGE).text


def test_what_needs_someone_stands_first_by_urgency(monday: World) -> None:
    """A failed task and a back office that is down; each row leads to its page, and whoever may not
    open that is not shown it. The worker that was never seen is told to everybody."""
    with monday.inside("hangzhou"):
        task = enqueue("note", {}, monday.clock())
        assert task is not None
        run_task({"note": _refuse}, task, monday.clock())
        with transaction():
            count_outage("traffic_tickets", monday.clock(), Outage.NO_ANSWER)
    staff = monday.city_staff()
    data: Any = staff.get(f"{PAGE}?format=json").json
    assert [one["kind"] for one in data["needs"]] == [
        "connectors.down",
        "worker.silent",
        "outbox.failed",
    ]
    assert data["running"]["tasks"]["failed"] == 1
    page = staff.get(PAGE).text
    assert 'href="/cities/hangzhou/payments"' in page
    assert "no answer since" in page
    editor = monday.staff("editor", CATALOG_EDITOR, city="hangzhou")
    kinds = [one["kind"] for one in editor.get(f"{PAGE}?format=json").json["needs"]]  # type: ignore[index]
    assert "outbox.failed" not in kinds
    auditor = monday.staff("auditor", AUDITOR, city="hangzhou")
    assert "1 task failed" in auditor.get(PAGE).text
    Heartbeat(RunnerKind.WORKER).beat(monday.clock())
    assert "The worker is not running" not in staff.get(PAGE).text
    assert "1 task failed" not in monday.city_staff("ningbo").get("/cities/ningbo/overview").text


def _refuse(payload: Any, now: datetime) -> None:
    raise PermanentFailure


def test_json_is_asked_for_by_the_header_too(monday: World) -> None:
    """The same address and permission; a cache is told that the answer depends on the header."""
    staff = monday.city_staff()
    answer = staff.get(PAGE, headers={"Accept": "application/json"})
    assert answer.json["city"] == "hangzhou"  # type: ignore[index]
    assert "Accept" in answer.headers["Vary"]
    assert staff.get(PAGE).mimetype == "text/html"
    assert staff.get("/cities/ningbo/overview?format=json").status_code == 404


def test_staff_of_a_city_begin_at_its_overview(monday: World) -> None:
    """After signing in, and by its mark."""
    answer = monday.city_staff().get("/")
    assert answer.headers["Location"].endswith(PAGE)


def test_a_province_sees_its_cities_and_no_small_count(monday: World) -> None:
    """Each of its cities, none of another province; a count under five is not told, and neither is the
    one from which it would follow."""
    fill(monday, "hangzhou", {TODAY: {9: 3}})
    fill(monday, "ningbo", {TODAY: {9: 40}})
    fill(monday, "shanghai", {TODAY: {9: 700}})
    admin = monday.province_admin()
    data: Any = admin.get("/provinces/zhejiang/overview?format=json").json
    assert {one["city"]: one["done_today"] for one in data["cities"]} == {
        "hangzhou": None,
        "ningbo": None,
    }
    assert next(one for one in data["today"] if one["service"] == BILLS)["value"] == 43
    page = admin.get("/provinces/zhejiang/overview").text
    assert "Shanghai" not in page
    assert "700" not in page
    assert admin.get("/provinces/shanghai/overview").status_code == 404
    assert monday.city_staff().get("/provinces/zhejiang/overview").status_code in (403, 404)


def test_a_small_service_does_not_follow_from_the_cities(monday: World) -> None:
    """Promise: what the cities did is told beside what was done by service, so one service that is left
    out takes another with it."""
    fill(monday, "hangzhou", {TODAY: {9: 40}})
    fill(monday, "ningbo", {TODAY: {9: 50}})
    row = {"channel": "web", "measure": "done", "detail": "", "value": 3, "day": TODAY}
    own = {"city_id": monday.city_id("ningbo"), "service": "traffic_tickets"}
    hour = {key: value for key, value in row.items() if key != "channel"} | {"hour": 9}
    with transaction() as session:
        session.execute(insert(CityMeasure), [{**own, **row, "measure": "begun"}, {**own, **row}])
        session.execute(insert(CityHour), [{**own, **hour}])
    data: Any = monday.province_admin().get("/provinces/zhejiang/overview?format=json").json
    assert {one["done_today"] for one in data["cities"]} == {40, 53}
    hidden = {one["service"] for one in data["today"] if one["small"] and one["value"] is None}
    assert hidden == {BILLS, "traffic_tickets"}


def test_cities_that_need_someone_stand_first(monday: World) -> None:
    """By platform rows alone: a task that was given up, tasks that wait too long, an outage."""
    with monday.inside("ningbo"):
        task = enqueue("note", {}, monday.clock())
        assert task is not None
        run_task({"note": _refuse}, task, monday.clock())
    with monday.inside("shanghai"), transaction():
        enqueue("note", {}, monday.clock())
        count_outage("traffic_tickets", monday.clock(), Outage.NO_ANSWER)
    monday.clock.move(minutes=11)
    root = monday.operator()
    data: Any = root.get("/platform/overview?format=json").json
    reasons = {one["city"]: {need["kind"] for need in one["needs"]} for one in data["cities"]}
    assert "outbox.failed" in reasons["ningbo"]
    assert {"outbox.waiting", "connectors.down"} <= reasons["shanghai"]
    assert data["cities"][-1]["city"] == "hangzhou"
    assert data["running"]["tasks"] == {
        "due": 1,
        "oldest_due": MONDAY.isoformat(),
        "failed": 1,
        "oldest_failed": MONDAY.isoformat(),
    }
    assert "1 task failed" in root.get("/platform/overview").text


def test_an_overview_takes_as_many_statements_for_three_cities_as_for_one(monday: World) -> None:
    """No query a city: the operator's page asks no more than that of a province of one city."""
    for city in ("hangzhou", "ningbo", "shanghai"):
        fill(monday, city, {TODAY: {9: 30}})
    one, three = monday.province_admin("shanghai"), monday.operator()
    asked: list[str] = []

    def note(*arguments: Any) -> None:
        asked.append(arguments[2])

    event.listen(db.engine, "before_cursor_execute", note)
    try:
        one.get("/provinces/shanghai/overview")
        few = sum("city_" in statement for statement in asked)
        asked.clear()
        three.get("/platform/overview")
        assert sum("city_" in statement for statement in asked) == few
        assert few <= 5
    finally:
        event.remove(db.engine, "before_cursor_execute", note)
