"""A task that kills its worker: given up after its tries, and the other cities' work is done."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any

import pytest
from sqlalchemy import select

from smartcity_saas.database import db
from smartcity_saas.outbox import Ask, AskingTask, CityDue, OutboxTask, enqueue, failed_tasks
from smartcity_saas.outbox.queue import LOST, MOST_ATTEMPTS, MOST_TOGETHER
from smartcity_saas.outbox.runner import Runner
from smartcity_saas.tenancy.context import tenant_context
from tests.support.browser import fresh
from tests.support.runners import is_killed_by, killed
from tests.support.world import World

pytestmark = pytest.mark.faults


def _ask(payloads: Sequence[Mapping[str, Any]], now: datetime) -> list[Ask]:
    return [partial(killed, one, now) if one["kills"] else lambda: None for one in payloads]


ASKS = AskingTask(_ask, lambda _payload, _answer, _now: None)


def works_and_dies(world: World) -> bool:
    """Do what is due in a process of its own; whether that was killed."""
    tasks = {"kills": killed, "note": lambda _payload, _now: None, "asks": ASKS}
    runner = Runner(world.app, tasks, tenant_context, world.clock)
    return is_killed_by(lambda: fresh(runner.run_due))


def test_a_task_that_kills_its_worker_is_given_up(world: World) -> None:
    """Killed (SIGKILL) at each try, with longer pauses between; then staff see it, and no worker
    dies of it any more."""
    with world.inside("hangzhou"):
        enqueue("kills", {}, world.clock())
    deaths = 0
    while True:
        db.session.rollback()
        due = list(db.session.scalars(select(CityDue.due_at).where(CityDue.failed_at.is_(None))))
        if not due:
            break
        world.clock.now = max(world.clock.now, *due)
        deaths += works_and_dies(world)
        assert deaths <= MOST_ATTEMPTS
    assert deaths == MOST_ATTEMPTS
    with world.inside("hangzhou"):
        assert [task.error for task in failed_tasks()] == [LOST]
    with world.inside("ningbo"):
        enqueue("note", {}, world.clock())
    assert not works_and_dies(world)
    db.session.rollback()
    assert [one.due_at for one in db.session.scalars(select(CityDue))] == [None], "given up"


def test_a_task_that_kills_its_worker_takes_few_tries_of_others(world: World) -> None:
    """Promise: tasks that are done together with one that kills (SIGKILL) do not die with it at each try:
    soon it is alone, and they are done."""
    with world.inside("hangzhou"):
        for number in range(4):
            enqueue("asks", {"kills": number == 1}, world.clock())
    for _death in range(MOST_TOGETHER):
        assert works_and_dies(world)
        world.clock.move(hours=2)
    for _look in range(4):
        works_and_dies(world)
        world.clock.move(hours=2)
    with world.inside("hangzhou"):
        undone = db.session.scalars(select(OutboxTask).where(OutboxTask.done_at.is_(None))).all()
        assert [task.payload for task in undone] == [{"kills": True}]
