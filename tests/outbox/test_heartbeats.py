"""Whoever runs the platform sees which processes live, what they did, and which ended in silence."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

import pytest
from click.testing import CliRunner
from prometheus_client import CollectorRegistry

from smartcity_saas.cli.operations import doctor
from smartcity_saas.database import db
from smartcity_saas.observability import _WorkGauges
from smartcity_saas.outbox import (
    Heartbeat,
    Outcome,
    RunnerKind,
    RunnerState,
    enqueue,
    runner_states,
    worker_lives,
    worker_seen,
)
from smartcity_saas.outbox.heartbeats import KEPT, SILENT
from smartcity_saas.outbox.runner import Runner
from smartcity_saas.tenancy.context import tenant_context
from tests.support.runners import running
from tests.support.served import until
from tests.support.world import World

AT = datetime(2026, 11, 28, 12)


def outside(look: Callable[[], Any]) -> Any:
    """Ask outside of any city, in a session that has read nothing yet."""
    db.session.rollback()
    return look()


def test_a_process_tells_what_it_did(world: World) -> None:
    """Promise: done and failed add up over its words; it speaks twice a minute and no oftener."""
    one = Heartbeat(RunnerKind.WORKER)
    for outcome in (Outcome.DONE, Outcome.DONE, Outcome.FAILED, Outcome.HELD):
        one.note(outcome)
    one.beat(world.clock())
    one.note(Outcome.DONE)
    one.beat(world.clock() + timedelta(seconds=10))
    (found,) = outside(runner_states)
    assert (found.kind, found.done, found.failed) == (RunnerKind.WORKER, 2, 1)
    one.beat(world.clock() + timedelta(seconds=31))
    (found,) = outside(runner_states)
    assert (found.done, found.failed) == (3, 1)
    assert found.started_at == world.clock()


def test_who_ends_in_order_is_missed_by_nobody(world: World) -> None:
    """Promise: an ordinary end leaves no row; a silent one is told for a day, and then forgotten."""
    orderly, killed, later = (Heartbeat(RunnerKind.CELERY) for _one in range(3))
    orderly.beat(world.clock())
    killed.beat(world.clock())
    orderly.end()
    world.clock.now += SILENT
    (found,) = outside(runner_states)
    assert not found.lives(world.clock())
    world.clock.now += KEPT
    later.beat(world.clock())
    (found,) = outside(runner_states)
    assert found.lives(world.clock())


def test_counts_survive_a_database_that_is_away(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Promise: what could not be told is told with the next word."""
    one = Heartbeat(RunnerKind.WORKER)
    one.note(Outcome.DONE)
    with monkeypatch.context() as away, pytest.raises(RuntimeError):
        away.setattr(Heartbeat, "_write", _fails)
        one.beat(world.clock())
    one.beat(world.clock())
    assert [found.done for found in outside(runner_states)] == [1]


def _fails(*_arguments: Any) -> None:
    raise RuntimeError


def state(kind: RunnerKind, minutes: int) -> RunnerState:
    return RunnerState(kind, "any:1", AT, AT + timedelta(minutes=minutes), 0, 0)


@pytest.mark.parametrize(
    "seen, minutes",
    [
        ({}, None),
        ({RunnerKind.WORKER: 3}, 3),
        ({RunnerKind.DISPATCHER: 3}, None),
        ({RunnerKind.CELERY: 3}, None),
        ({RunnerKind.DISPATCHER: 3, RunnerKind.CELERY: 2}, 2),
        ({RunnerKind.WORKER: 1, RunnerKind.DISPATCHER: 3, RunnerKind.CELERY: 2}, 2),
    ],
)
def test_a_dispatcher_alone_does_nothing(
    seen: Mapping[RunnerKind, int], minutes: int | None
) -> None:
    """Promise: the product says that work is looked after only where somebody does it: a worker, or a
    dispatcher together with a worker of Celery."""
    found = worker_seen([state(kind, number) for kind, number in seen.items()])
    assert found == (None if minutes is None else AT + timedelta(minutes=minutes))


def test_a_runner_speaks_while_it_runs(world: World) -> None:
    """Promise: the worker itself says so, with its tasks, and takes its row away at its end."""

    def note(_payload: Mapping[str, Any], _now: datetime) -> None:
        world.clock.now += timedelta(seconds=40)

    with world.inside("hangzhou"):
        enqueue("note", {}, world.clock())
    db.session.rollback()
    with running(Runner(world.app, {"note": note}, tenant_context, world.clock)):
        until(lambda: [one.done for one in outside(runner_states)] == [1])
        assert outside(lambda: worker_lives(world.clock()))
    assert outside(runner_states) == []


def test_metrics_and_doctor_tell_of_each(world: World) -> None:
    """Promise: gauges by kind, and a line of ``doctor`` for each process and for what is due."""
    silent, lives = Heartbeat(RunnerKind.CELERY), Heartbeat(RunnerKind.CELERY)
    silent.beat(world.clock())
    world.clock.now += SILENT
    lives.note(Outcome.DONE)
    lives.note(Outcome.FAILED)
    lives.beat(world.clock())
    with world.inside("ningbo"):
        enqueue("note", {}, world.clock())
    db.session.rollback()
    registry = CollectorRegistry()
    _WorkGauges(registry).read(world.clock())

    def told(name: str, **labels: str) -> float | None:
        return registry.get_sample_value(f"smartcity_{name}", {"kind": "celery", **labels})

    assert (told("runners"), told("runners_silent")) == (1, 1)
    assert (told("runner_tasks", outcome="done"), told("runner_tasks", outcome="failed")) == (1, 1)
    db.session.rollback()
    rows: Any = _doctor()
    found = {(row["check"].split()[0], row["ok"]): row["detail"] for row in rows}
    assert "Silent since" in found["celery", None]
    assert "1 done, 1 failed" in found["celery", True]
    assert "1 due, the oldest since" in found["tasks", True]


def _doctor() -> Any:
    return json.loads(CliRunner().invoke(doctor, ["--format", "json"]).output)


def test_the_operator_sees_the_processes(world: World) -> None:
    """Promise: by kind on the operator's overview and in its JSON, in both languages; a province is
    not told of the platform's own processes."""
    Heartbeat(RunnerKind.DISPATCHER).beat(world.clock())
    one = Heartbeat(RunnerKind.CELERY)
    one.note(Outcome.DONE)
    one.beat(world.clock())
    operator = world.operator()
    data: Any = operator.get("/platform/overview?format=json").json
    assert [(one["kind"], one["running"], one["done"]) for one in data["running"]["processes"]] == [
        ("dispatcher", 1, 0),
        ("celery", 1, 1),
    ]
    assert data["running"]["worker"]["running"]
    page = operator.get("/platform/overview").text
    assert "Celery workers" in page
    assert "1 running, 1 task done" in page
    admin = world.province_admin()
    found: Any = admin.get("/provinces/zhejiang/overview?format=json").json
    assert found["running"]["processes"] == []
    assert "Celery" not in admin.get("/provinces/zhejiang/overview").text
