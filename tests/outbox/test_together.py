"""Tasks of one city that are done together: asked side by side, written by one transaction."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any

import pytest
from sqlalchemy import event, func, select

from smartcity_saas.database import db
from smartcity_saas.outbox import (
    Ask,
    AskingTask,
    CityDue,
    OutboxTask,
    Outcome,
    PermanentFailure,
    enqueue,
    failed_tasks,
    queue,
    run_task,
)
from smartcity_saas.outbox.queue import LEASE, MOST_ATTEMPTS, MOST_TOGETHER
from smartcity_saas.outbox.runner import TOGETHER, Runner
from smartcity_saas.tenancy.context import tenant_context
from smartcity_saas.tenant_context import current_city_id
from tests.support.browser import fresh
from tests.support.runners import at_once
from tests.support.world import World


class Refused(PermanentFailure):
    """What another system says for good."""

    reason = "HTTP 400"


class Office:
    """Another system, and a task that asks it and writes a row for each answer."""

    def __init__(self, answer: Callable[[int], Any] = lambda number: number) -> None:
        self.answer = answer
        self.wrong: set[int] = set()
        self.applied: Counter[tuple[int, int]] = Counter()

    @property
    def tasks(self) -> Mapping[str, Any]:
        return {"ask": AskingTask(self.ask, self.apply), "written": lambda payload, now: None}

    def ask(self, payloads: Sequence[Mapping[str, Any]], _now: datetime) -> list[Ask]:
        return [partial(self.asked, current_city_id(), one["n"]) for one in payloads]

    def asked(self, city_id: int, number: int) -> Any:
        assert current_city_id() == city_id
        return self.answer(number)

    def apply(self, payload: Mapping[str, Any], answer: Any, now: datetime) -> None:
        self.applied[current_city_id(), payload["n"]] += 1
        enqueue("written", {"n": answer}, now)
        if payload["n"] in self.wrong:
            raise RuntimeError("told to")


def owed(
    world: World, numbers: Sequence[int], city: str = "hangzhou", kind: str = "ask"
) -> list[Any]:
    db.session.rollback()
    with world.inside(city):
        return [enqueue(kind, {"n": number}, world.clock()) for number in numbers]


def written(world: World, city: str = "hangzhou") -> list[int]:
    """What the answers wrote."""
    db.session.rollback()
    with world.inside(city):
        rows = db.session.scalars(select(OutboxTask).where(OutboxTask.kind == "written"))
        return sorted(row.payload["n"] for row in rows)


def runner(world: World, office: Office) -> Runner:
    return Runner(world.app, office.tasks, tenant_context, world.clock)


def work(world: World, office: Office) -> int:
    db.session.rollback()
    return fresh(runner(world, office).run_due)  # type: ignore[arg-type, return-value]


def test_questions_are_asked_side_by_side(world: World) -> None:
    """Promise: a city's tasks that wait for another system wait at the same time, each in its own city, and
    are noted as done with what comes of the answers: by one commit and not one each."""
    here = threading.Barrier(TOGETHER)

    def answer(number: int) -> int:
        here.wait(60)
        return number

    office = Office(answer)
    owed(world, range(TOGETHER))
    owed(world, range(TOGETHER), "ningbo")
    commits: list[Any] = []
    note = commits.append
    event.listen(db.engine, "commit", note)
    try:
        assert work(world, office) == 2 * TOGETHER
    finally:
        event.remove(db.engine, "commit", note)
    assert len(commits) < 2 * TOGETHER
    for city in ("hangzhou", "ningbo"):
        assert written(world, city) == list(range(TOGETHER))
    assert set(office.applied.values()) == {1}


def test_one_that_fails_costs_the_others_nothing(world: World) -> None:
    """Promise: whoever gets no answer, or whose answer cannot be written, is tried again; the others are
    done all the same, each once."""

    def answer(number: int) -> int:
        if number == 1:
            raise TimeoutError
        if number == 2:
            raise Refused
        return number

    office = Office(answer)
    office.wrong = {4}
    owed(world, range(6))
    assert work(world, office) == 3
    assert written(world) == [0, 3, 5]
    with world.inside("hangzhou"):
        (refused,) = failed_tasks()
        assert refused.error == "Refused: HTTP 400"
    office.wrong, office.answer = set(), lambda number: number
    world.clock.move(minutes=1)
    work(world, office)
    assert written(world) == [0, 1, 3, 4, 5]
    world.clock.move(hours=2)
    work(world, office)
    assert written(world) == [0, 1, 3, 4, 5]


def test_what_cannot_be_asked_at_all_is_tried_again(world: World) -> None:
    """Promise: where no question can be made (a secret is gone), no task is lost."""
    office = Office()
    ask, office.ask = office.ask, lambda payloads, now: 1 / 0  # type: ignore[method-assign]
    owed(world, range(3))
    assert work(world, office) == 0
    office.ask = ask  # type: ignore[method-assign]
    world.clock.move(minutes=1)
    work(world, office)
    assert written(world) == [0, 1, 2]


@pytest.mark.parametrize("guarded", [True, False])
def test_tasks_done_together_are_one_runners(
    world: World, monkeypatch: pytest.MonkeyPatch, guarded: bool
) -> None:
    """Promise: of runners that have seen the same tasks one does them. Without the condition of the claim,
    the control, both do."""
    office = Office()
    keys = owed(world, range(4))
    both_have_seen = threading.Barrier(2)
    due = Runner._due

    def seen(one: Runner) -> Any:
        found = due(one)
        db.session.rollback()
        both_have_seen.wait(60)
        return found

    def claim_anything(task_ids: Any, _kinds: Any, _now: datetime) -> Any:
        return db.session.scalars(select(OutboxTask).where(OutboxTask.id.in_(task_ids))).all()

    monkeypatch.setattr(Runner, "_due", seen)
    if not guarded:
        monkeypatch.setattr(queue, "_claim_together", claim_anything)
    at_once(*(runner(world, office).run_due for _one in range(2)))
    assert len(written(world)) == (4 if guarded else 8)
    assert len(keys) == 4


def test_a_claim_together_counts_each_try(world: World) -> None:
    """Promise: a worker that dies over several tasks lets them go by their lease, each with a try less;
    after a few they have their tries alone, and are given up and shown."""
    keys = owed(world, range(2))
    for _death in range(MOST_TOGETHER):
        with world.inside("hangzhou"):
            claimed = queue._claim_together(keys, ["ask"], world.clock())
            assert {one.id for one in claimed} == set(keys)
            assert not queue._claim_together(keys, ["ask"], world.clock())
        db.session.rollback()
        due = db.session.scalars(select(CityDue.due_at)).all()
        assert all(one >= world.clock() + LEASE for one in due)  # type: ignore[operator]
        world.clock.move(hours=2)
    office = Office()
    for _death in range(MOST_ATTEMPTS - MOST_TOGETHER):
        with world.inside("hangzhou"):
            assert not queue._claim_together(keys, ["ask"], world.clock())
            assert all(queue._claim(key, world.clock()) for key in keys)
        world.clock.move(hours=2)
    assert work(world, office) == 0
    with world.inside("hangzhou"):
        assert [one.error for one in failed_tasks()] == [queue.LOST] * 2
    assert not office.applied


def test_other_kinds_are_done_one_by_one(world: World) -> None:
    """Promise: what stands among tasks that ask is done too, and a quota counts each of them."""
    office = Office()
    owed(world, [1, 2])
    world.clock.move(seconds=1)
    owed(world, [7], kind="written")
    world.clock.move(seconds=1)
    owed(world, [3])
    left = [3]

    def admit(_city_id: int) -> float:
        left[0] -= 1
        return 0.0 if left[0] >= 0 else 30.0

    db.session.rollback()
    one = Runner(world.app, office.tasks, tenant_context, world.clock, admit=admit)
    assert fresh(one.run_due) == 3  # type: ignore[comparison-overlap]
    with world.inside("hangzhou"):
        undone = select(func.count(OutboxTask.id)).where(OutboxTask.kind == "ask")
        assert db.session.scalar(undone.where(OutboxTask.done_at.is_(None))) == 1


def test_alone_it_is_one_task_as_any_other(world: World) -> None:
    """Promise: a worker of a queue, which is sent one task, does both of its parts."""
    office = Office()
    (key,) = owed(world, [5])
    with world.inside("hangzhou"):
        assert run_task(office.tasks, key, world.clock()) is Outcome.DONE
        assert run_task(office.tasks, key, world.clock()) is Outcome.HELD
    assert written(world) == [5]
    office.wrong = {6}
    (key,) = owed(world, [6])
    with world.inside("hangzhou"):
        assert run_task(office.tasks, key, world.clock()) is Outcome.FAILED
    assert written(world) == [5]
