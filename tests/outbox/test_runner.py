"""One city's trouble stays its own, whatever is raised and wherever; a task has so many tries."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.exc import OperationalError

from smartcity_saas import worker as product
from smartcity_saas.database import db
from smartcity_saas.outbox import (
    CityDue,
    OutboxTask,
    PermanentFailure,
    Postponed,
    enqueue,
    failed_tasks,
    try_failed_again,
)
from smartcity_saas.outbox.queue import LEASE, LOST, MOST_ATTEMPTS, _claim, run_task
from smartcity_saas.outbox.runner import FIRST_REST, LONGEST_REST, Rests, Runner
from smartcity_saas.tenancy.context import tenant_context
from smartcity_saas.tenant_context import current_city_id
from tests.support.browser import fresh
from tests.support.documents import HANGZHOU
from tests.support.runners import running
from tests.support.served import until
from tests.support.world import World

RAISED = [
    OperationalError("statement", {}, Exception("gone")),
    RuntimeError("told to"),
    SystemExit(1),
    GeneratorExit(),
    MemoryError(),
]


def add(world: World, city: str, kind: str = "note", **options: Any) -> Any:
    db.session.rollback()
    with world.inside(city):
        return enqueue(kind, {"city": city}, world.clock(), **options)


def due_at() -> list[datetime]:
    """When something is due, of all cities: the dispatcher's own table."""
    db.session.rollback()
    return list(db.session.scalars(select(CityDue.due_at).where(CityDue.due_at.is_not(None))))


@pytest.mark.parametrize("error", RAISED, ids=lambda one: type(one).__name__)
@pytest.mark.parametrize("place", ["day", "entering", "task"])
def test_the_runner_goes_on(world: World, error: BaseException, place: str) -> None:
    """A city whose day, database or task fails is left alone; the others' tasks are done."""
    broken = world.city_id("hangzhou")
    ids = {slug: world.city_id(slug) for slug in ("hangzhou", "ningbo", "shanghai")}
    zones = dict.fromkeys(ids.values(), "Asia/Shanghai")
    done: list[str] = []

    def note(payload: Mapping[str, Any], _now: datetime) -> None:
        if place == "task" and current_city_id() == broken:
            raise error
        done.append(payload["city"])

    def daily(_now: datetime) -> None:
        if place == "day" and current_city_id() == broken:
            raise error

    @contextmanager
    def enter(city_id: int) -> Iterator[None]:
        if place == "entering" and city_id == broken:
            raise error
        with tenant_context(city_id):
            yield

    for slug in ids:
        add(world, slug)
    db.session.rollback()
    runner = Runner(
        world.app, {"note": note}, enter, world.clock, daily=daily, cities=lambda: zones
    )
    with running(runner):
        until(lambda: {"ningbo", "shanghai"} <= set(done))
        until(lambda: len(runner._seeded) >= 2)
        add(world, "shanghai")
        until(lambda: done.count("shanghai") == 2)
    assert ("hangzhou" in done) == (place == "day"), "the day's trouble is not the tasks'"


def test_the_same_for_all_that_is_due_at_once(world: World) -> None:
    """Without threads too: ``smartcity worker --once`` goes on with the other cities."""
    broken, done = world.city_id("hangzhou"), []

    @contextmanager
    def enter(city_id: int) -> Iterator[None]:
        if city_id == broken:
            raise SystemExit(1)
        with tenant_context(city_id):
            yield

    for slug in ("hangzhou", "ningbo"):
        add(world, slug)
    db.session.rollback()
    runner = Runner(world.app, {"note": lambda p, _n: done.append(p["city"])}, enter, world.clock)
    assert fresh(runner.run_due) == 1  # type: ignore[comparison-overlap]
    assert done == ["ningbo"]
    assert fresh(runner.run_due) == 0, "it rests"  # type: ignore[comparison-overlap]


def test_a_city_rests_longer_each_time() -> None:
    """From seconds to minutes, and not at all once it went well."""
    rests, now = Rests(), datetime(2026, 11, 28)
    for turn in range(20):
        rests.failed(1, now)
        rest = min(FIRST_REST * 2**turn, LONGEST_REST)
        assert rests.at(now + rest - timedelta(seconds=1)) == {1}
        assert rests.at(now + rest) == set()
    rests.succeeded(1)
    rests.failed(1, now)
    assert rests.at(now + FIRST_REST) == set()


def test_one_part_of_a_day_does_not_cost_the_others_theirs(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Cleaning fails in the database: the services' day is done all the same, and the day again."""
    seen: list[str] = []

    def fails(_now: datetime) -> None:
        raise OperationalError("statement", {}, Exception("gone"))

    monkeypatch.setattr(product, "forget_done", fails)
    monkeypatch.setattr(product, "write_uses", lambda _now: seen.append("secrets"))
    monkeypatch.setattr(
        product, "forget_old_attempts", lambda _model, _now: seen.append("attempts")
    )
    db.session.rollback()
    runner = fresh(lambda: product.make_runner(world.app))  # type: ignore[arg-type, return-value]
    with world.inside("hangzhou"), pytest.raises(product.DayUnfinished, match="outbox"):
        runner.daily(world.clock())  # type: ignore[attr-defined]
    assert seen == ["secrets", "attempts"]


def test_a_task_that_ends_its_worker_has_its_tries(world: World) -> None:
    """It never says that it failed: the tries count as it is claimed, with longer pauses, until it
    is given up and shown."""
    task = add(world, "hangzhou")
    deaths, last = 0, timedelta()
    while True:
        if not (rows := due_at()):
            break
        (due,) = rows
        last = max(timedelta(), due - world.clock())
        world.clock.now = max(world.clock.now, due)
        with world.inside("hangzhou"):
            deaths += _claim(task, world.clock()) is not None
    assert deaths == MOST_ATTEMPTS
    assert last > LEASE * 10
    with world.inside("hangzhou"):
        (given_up,) = failed_tasks()
        assert (given_up.id, given_up.error) == (task, LOST)
        assert try_failed_again(world.clock()) == 1
        assert _claim(task, world.clock()) is not None


class Refused(PermanentFailure):
    """What another system says for good."""

    reason = "HTTP 400"


class NotNow(Postponed):
    """What another system says for now."""

    seconds = 1800.0


def test_a_refusal_for_good_is_not_repeated(world: World) -> None:
    """One try, and staff can read what the other side said."""

    def refused(_payload: Mapping[str, Any], _now: datetime) -> None:
        raise Refused

    task = add(world, "hangzhou")
    with world.inside("hangzhou"):
        assert not run_task({"note": refused}, task, world.clock())
        (row,) = failed_tasks()
        assert (row.attempts, row.error) == (1, "Refused: HTTP 400")
    assert due_at() == []


def test_what_asks_to_wait_is_waited_for(world: World) -> None:
    """No sooner than it said, however few the tries were."""

    def not_now(_payload: Mapping[str, Any], _now: datetime) -> None:
        raise NotNow

    task = add(world, "hangzhou")
    with world.inside("hangzhou"):
        run_task({"note": not_now}, task, world.clock())
        row = db.session.scalars(select(OutboxTask)).one()
        assert (row.failed_at, row.leased_until) == (None, None)
    assert due_at()[0] >= world.clock() + timedelta(seconds=1800)


def test_tasks_beyond_a_citys_quota_stay_due(world: World) -> None:
    """They begin when it lets them, lost by nobody and no try of theirs; another city's are done meanwhile."""
    done: list[int] = []
    here, there = world.city_id("hangzhou"), world.city_id("ningbo")
    for slug, number in (("hangzhou", 4), ("ningbo", 2)):
        with world.inside(slug):
            for _one in range(number):
                enqueue("note", {}, world.clock())
    left = {here: 2}

    def admit(city_id: int) -> float:
        left[city_id] = left.get(city_id, 9) - 1
        return 0.0 if left[city_id] >= 0 else 30.0

    tasks = {"note": lambda payload, now: done.append(current_city_id())}
    runner = Runner(world.app, tasks, tenant_context, world.clock, admit=admit)
    for _look in range(3):
        fresh(runner.run_due)
    assert (done.count(here), done.count(there)) == (2, 2)
    with world.inside("hangzhou"):
        waiting = db.session.scalars(select(OutboxTask).where(OutboxTask.done_at.is_(None))).all()
        assert [task.attempts for task in waiting] == [0, 0]
    left[here] = 9
    world.clock.move(seconds=31)
    fresh(runner.run_due)
    assert done.count(here) == 4


def test_the_worker_asks_the_documents_quota(world: World) -> None:
    """The worker of the product takes each task from its city's ``jobs_per_hour``."""
    world.save(HANGZHOU + "quotas: {jobs_per_hour: 60}\n")
    runner = product.make_runner(world.app)
    waits = [runner.admit(world.city_id("hangzhou")) for _task in range(3)]
    assert waits[0] == 0
    assert all(0 < wait <= 60 for wait in waits[1:])
    assert runner.admit(world.city_id("ningbo")) == 0
