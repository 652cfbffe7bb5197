"""Work after a commit: with its cause or not at all, at least once, again after a failure."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from smartcity_saas.database import db, transaction
from smartcity_saas.errors import TenantIsolationError
from smartcity_saas.outbox import (
    Backlog,
    CityDue,
    OutboxTask,
    ages,
    backlogs,
    enqueue,
    failed_tasks,
    try_failed_again,
)
from smartcity_saas.outbox.queue import LEASE, MOST_ATTEMPTS, Outcome, run_task
from smartcity_saas.outbox.runner import Runner
from smartcity_saas.tenancy.context import tenant_context
from tests.support.browser import fresh
from tests.support.world import World


class Log:
    """A task that notes where it ran, and fails as often as told."""

    def __init__(self, failures: int = 0) -> None:
        self.ran: list[Any] = []
        self.failures = failures

    def __call__(self, payload: Mapping[str, Any], now: datetime) -> None:
        self.ran.append(payload["n"])
        if self.failures:
            self.failures -= 1
            raise RuntimeError("told to")


def runner(world: World, log: Log) -> Runner:
    return Runner(world.app, {"note": log}, tenant_context, world.clock)


def run(world: World, log: Log) -> int:
    db.session.rollback()
    return fresh(lambda: runner(world, log).run_due())  # type: ignore[arg-type, return-value]


def add(world: World, number: int, city: str = "hangzhou", **options: Any) -> Any:
    with world.inside(city):
        return enqueue("note", {"n": number}, world.clock(), **options)


def test_a_task_is_written_with_its_cause(world: World) -> None:
    """Rolled back with it too: then there is nothing to do."""
    log = Log()
    with world.inside("hangzhou"), pytest.raises(ZeroDivisionError), transaction():
        enqueue("note", {"n": 1}, world.clock())
        _nothing = 1 / 0
    assert run(world, log) == 0
    add(world, 2)
    assert run(world, log) == 1
    assert run(world, log) == 0
    assert log.ran == [2]


def test_tasks_run_in_their_own_city(world: World) -> None:
    """Each inside its city; neither sees the other's."""
    add(world, 1, "hangzhou")
    add(world, 2, "ningbo")
    for city in ("hangzhou", "ningbo"):
        with world.inside(city):
            assert len(db.session.scalars(select(OutboxTask)).all()) == 1
    assert run(world, Log()) == 2


def test_a_key_is_done_once_ever(world: World) -> None:
    """The same kind and key again is no new task, even after it was done; a key is a city's."""
    log = Log()
    assert add(world, 1, key="k") is not None
    assert add(world, 1, key="k") is None
    assert add(world, 2, "ningbo", key="k") is not None
    run(world, log)
    assert add(world, 1, key="k") is None
    assert sorted(log.ran) == [1, 2]


def test_a_failure_is_tried_again_later_and_at_last_given_up(world: World) -> None:
    """With longer and longer pauses; in the end it is there for staff to see."""
    log = Log(failures=10**6)
    add(world, 1)
    for _try in range(MOST_ATTEMPTS + 5):
        run(world, log)
        world.clock.move(hours=2)
    assert len(log.ran) == MOST_ATTEMPTS
    with world.inside("hangzhou"):
        (failed,) = failed_tasks()
        assert failed.error == "RuntimeError"
    city, now = world.city_id("hangzhou"), world.clock()
    assert backlogs(now) == {city: Backlog(failed=1, oldest_failed=failed.failed_at)}
    with world.inside("hangzhou"):
        assert try_failed_again(now) == 1
    db.session.rollback()
    assert backlogs(now) == {city: Backlog(waiting=1, oldest_due=now)}
    assert ages(now, [timedelta(0), timedelta(minutes=1)]) == ([1, 0], [0, 0])


def test_one_that_fails_does_not_hold_up_others(world: World) -> None:
    """The next task of the same city is done all the same."""
    log = Log(failures=1)
    add(world, 1)
    add(world, 2)
    assert run(world, log) == 1
    world.clock.move(minutes=1)
    assert run(world, log) == 1
    assert log.ran.count(2) <= 2


def test_whoever_dies_lets_go(world: World) -> None:
    """A task that was claimed and never finished is done again once its lease is over, not
    before: two runners do not do it at once."""
    log, held = Log(), add(world, 7)
    with world.inside("hangzhou"):
        with transaction() as session:
            task = session.scalars(select(OutboxTask)).one()
            task.leased_until = world.clock() + LEASE
        assert run_task({"note": log}, held, world.clock()) is Outcome.HELD
    world.clock.move(seconds=LEASE.total_seconds() + 1)
    assert run(world, log) == 1
    assert log.ran == [7]


def test_not_before_it_is_due(world: World) -> None:
    """A task for later waits."""
    log = Log()
    add(world, 1, due_at=world.clock() + timedelta(hours=1))
    assert run(world, log) == 0
    world.clock.move(hours=1)
    assert run(world, log) == 1


def test_a_city_writes_its_own_due_rows_alone(world: World) -> None:
    """The dispatcher's table is the platform's: a city cannot touch another's rows in it."""
    other = world.city_id("ningbo")
    task = add(world, 1)
    with world.inside("hangzhou"), pytest.raises(TenantIsolationError), transaction() as session:
        session.add(CityDue(city_id=other, task_id=task, due_at=world.clock()))
    with world.inside("hangzhou"), pytest.raises(TenantIsolationError):
        db.session.scalars(select(CityDue)).all()


def test_stopping_finishes_one_task_and_begins_no_other(world: World) -> None:
    """Whoever stops the worker does not wait for everything that is due."""
    stop = threading.Event()
    ran: list[Any] = []

    def work(payload: Mapping[str, Any], now: datetime) -> None:
        ran.append(payload["n"])
        stop.set()

    for number in range(5):
        add(world, number)
    db.session.rollback()
    going = Runner(world.app, {"note": work}, tenant_context, world.clock)
    fresh(lambda: going.run_until(stop))  # type: ignore[arg-type, return-value]
    assert len(ran) == 1
    stop.clear()
    assert run(world, Log()) == 4
