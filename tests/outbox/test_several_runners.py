"""Several embedded runners at once, on one database: each task is done by one of them."""

from __future__ import annotations

import threading
import uuid
from collections import Counter
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

import pytest
from sqlalchemy import func, select

from smartcity_saas.database import db
from smartcity_saas.measures.models import MeasureEvent
from smartcity_saas.notifications.models import Message
from smartcity_saas.outbox import OutboxTask, enqueue, queue
from smartcity_saas.outbox.runner import Runner
from smartcity_saas.tenancy.context import tenant_context
from smartcity_saas.tenant_context import current_city_id
from smartcity_saas.worker import make_runner
from tests.support.browser import fresh
from tests.support.runners import at_once
from tests.support.world import World

CITIES = ("hangzhou", "ningbo", "shanghai")


@pytest.mark.parametrize("guarded", [True, False])
def test_each_task_is_done_by_one_runner(
    world: World, monkeypatch: pytest.MonkeyPatch, guarded: bool
) -> None:
    """Promise: runners that have seen the same tasks do each once. Without the condition of the claim,
    the control, a task is done by both."""
    for city in CITIES:
        with world.inside(city):
            for number in range(4):
                enqueue("note", {"number": number}, world.clock())
    done: Counter[tuple[int, int]] = Counter()
    both_have_seen = threading.Barrier(2)
    due = Runner._due

    def seen(runner: Runner) -> Mapping[int, list[uuid.UUID]]:
        found = due(runner)
        db.session.rollback()
        both_have_seen.wait(60)
        return found

    def note(payload: Mapping[str, Any], _now: datetime) -> None:
        done[current_city_id(), payload["number"]] += 1

    monkeypatch.setattr(Runner, "_due", seen)
    if not guarded:
        monkeypatch.setattr(queue, "_claim", _claim_anything)
    at_once(
        *(
            Runner(world.app, {"note": note}, tenant_context, world.clock).run_due
            for _one in range(2)
        )
    )
    assert len(done) == 12
    assert set(done.values()) == {1 if guarded else 2}


def _claim_anything(task_id: uuid.UUID, _now: datetime) -> OutboxTask:
    """The control: a claim that looks at nothing."""
    return db.session.scalars(select(OutboxTask).where(OutboxTask.id == task_id)).one()


def test_a_day_that_two_runners_begin_is_one_day(world: World) -> None:
    """Promise: the day's work, which every runner does in every city, leaves the same behind however
    many do it, and at the same moment: it is idempotent in the database."""
    runners = [fresh(lambda: make_runner(world.app)) for _one in range(2)]
    city = world.city_id("hangzhou")
    begin = threading.Barrier(2)

    def day(runner: Runner) -> None:
        begin.wait(60)
        runner._run_day(city, date(2026, 11, 28))

    at_once(*(lambda one=one: day(one) for one in runners))
    assert [runner._seeded for runner in runners] == [{city: date(2026, 11, 28)}] * 2
    with world.inside("hangzhou"):
        keys = db.session.scalars(select(OutboxTask.key)).all()
        messages = db.session.scalar(select(func.count()).select_from(Message))
    assert len(keys) == len(set(keys))
    assert messages == 0
    db.session.rollback()
    offered = db.session.scalars(select(MeasureEvent.service)).all()
    assert set(Counter(offered).values()) == {2}, (
        "told as one: OFFERED is a day on which there is any"
    )
