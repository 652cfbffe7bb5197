"""The tasks of the current city: written, claimed, done, tried again, given up."""

from __future__ import annotations

import random
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from itertools import groupby
from operator import attrgetter
from typing import Any, cast

from sqlalchemy import Integer, Row, bindparam, delete, insert, or_, select, update

from smartcity_saas.database import (
    CITY,
    db,
    insert_once,
    insert_rows,
    load,
    run,
    send_together,
    table_of,
    transaction,
)
from smartcity_saas.logs import get_logger
from smartcity_saas.outbox.models import CityDue, OutboxTask
from smartcity_saas.tracing import span

LEASE = timedelta(seconds=60)
FIRST_PAUSE = timedelta(seconds=5)
LONGEST_PAUSE = timedelta(hours=1)
MOST_ATTEMPTS = 40
MOST_TOGETHER = 3
"""Tries that a task has together with others; then it has its tries alone, so that one which ends its
worker takes no others with it."""
KEPT = timedelta(days=60)

LOST = "WorkerLost"
"""Stands for an error where a worker ended without a word as often as a task is tried."""

Payload = Mapping[str, Any]
Task = Callable[[Payload, datetime], None]
"""What a task does, inside its city: its payload and the time. It may run more than once. Whatever it
raises is tried again later, ``PermanentFailure`` is not, and ``Postponed`` not before its time."""
Ask = Callable[[], Any]


@dataclass(frozen=True)
class AskingTask:
    """A task in two parts, so that several of one city can be done together: they ask side by side, and
    one transaction writes what comes of their answers.

    Attributes:
        ask: Of payloads and the time makes what asks another system for each of them. What it makes
            is called once, outside any transaction, in any thread that is inside the city.
        apply: Does the rest, with a payload, its answer and the time, in the transaction that notes
            the task as done. What fails there together is done again one by one.
    """

    ask: Callable[[Sequence[Payload], datetime], Sequence[Ask]]
    apply: Callable[[Payload, Any, datetime], None]


Tasks = Mapping[str, Task | AskingTask]
"""What is registered, by kind."""


class Outcome(Enum):
    """What became of a task: true if it is done; ``HELD`` where it was not this worker's to do."""

    DONE = "done"
    FAILED = "failed"
    HELD = "held"

    def __bool__(self) -> bool:
        return self is Outcome.DONE


class PermanentFailure(Exception):
    """The other side will not have it, however often it is asked. ``reason`` is shown to staff."""

    reason = ""


class Postponed(Exception):
    """The other side asked to be left alone for some ``seconds``; 0 where it said nothing."""

    seconds: float = 0.0


_TASKS, _DUE = table_of(OutboxTask), table_of(CityDue)
_TASK = _TASKS.c.city_id == CITY, _TASKS.c.id == bindparam("task")
_THESE = _TASKS.c.city_id == CITY, _TASKS.c.id.in_(bindparam("tasks", expanding=True))
_FREE = (
    _TASKS.c.done_at.is_(None),
    _TASKS.c.failed_at.is_(None),
    or_(_TASKS.c.leased_until.is_(None), _TASKS.c.leased_until <= bindparam("now")),
)
_CLAIMED = {"leased_until": bindparam("until"), "attempts": _TASKS.c.attempts + 1}
_FAILED = (
    select(_TASKS)
    .where(_TASKS.c.city_id == CITY, _TASKS.c.failed_at.is_not(None))
    .order_by(_TASKS.c.failed_at.desc())
    .limit(bindparam("most", type_=Integer()))
)
_TOLD = _TASKS.c.id, _TASKS.c.kind, _TASKS.c.payload, _TASKS.c.attempts
_TURN = _DUE.c.city_id == CITY, _DUE.c.task_id == bindparam("task")
_TURNS = _DUE.c.city_id == CITY, _DUE.c.task_id.in_(bindparam("tasks", expanding=True))
_BECOMES_DUE = insert(_DUE)
_CLAIM = update(_TASKS).where(*_TASK, *_FREE).values(_CLAIMED).returning(*_TOLD)
_CLAIM_THESE = (
    update(_TASKS)
    .where(
        *_THESE,
        *_FREE,
        _TASKS.c.kind.in_(bindparam("kinds", expanding=True)),
        _TASKS.c.attempts < MOST_TOGETHER,
    )
    .values(_CLAIMED)
    .returning(*_TOLD)
)
_DONE = (
    update(_TASKS).where(*_THESE).values(done_at=bindparam("now"), leased_until=None, error=None)
)
_LATER = (
    update(_DUE).where(*_TURNS).values(due_at=bindparam("until"), failed_at=None, sent_until=None)
)
_GIVEN_UP = (
    update(_DUE).where(*_TURN).values(due_at=None, failed_at=bindparam("now"), sent_until=None)
)
_NOT_DUE = delete(_DUE).where(*_TURNS)

log = get_logger(__name__)


def enqueue(
    kind: str,
    payload: Mapping[str, Any],
    now: datetime,
    *,
    due_at: datetime | None = None,
    key: str | None = None,
) -> uuid.UUID | None:
    """Write a task in the transaction of its cause.

    Args:
        kind: The registered name of what is to be done.
        payload: Keys of rows, as JSON. Never personal data.
        now: The time.
        due_at: Not before this; at once by default.
        key: A task of this kind and key is written once, ever.

    Returns:
        The task's key, None if one of this kind and key was there.
    """
    with transaction():
        task_id = insert_once(
            OutboxTask,
            ("kind", "key"),
            kind=kind,
            key=key,
            payload=dict(payload),
            created_at=now,
        )
        if task_id is not None:
            insert_rows(_BECOMES_DUE, [{"task_id": task_id, "due_at": due_at or now}])
    return task_id


def run_task(tasks: Tasks, task_id: uuid.UUID, now: datetime) -> Outcome:
    """Claim one task and do it; a failure, whatever it is, is noted and tried again later, with
    longer pauses.

    Returns:
        Whether it was done, failed, or is done already or held by someone else.
    """
    task = _claim(task_id, now)
    if task is None:
        return Outcome.HELD
    try:
        with span(task.kind, "CONSUMER", messaging__message__id=str(task_id)):
            kind = tasks[task.kind]
            if isinstance(kind, AskingTask):
                (ask,) = kind.ask([task.payload], now)
                _apply(kind, task, ask(), now)
            else:
                kind(task.payload, now)
    except BaseException as error:  # whatever it is, the other tasks go on
        return _failed(task, error, now)
    if not isinstance(kind, AskingTask):
        _finish([task_id], now)
    return Outcome.DONE


@dataclass(frozen=True)
class Asked:
    """A task that was claimed, and the answer that it got, or why it got none."""

    kind: AskingTask
    task: Row[Any]
    answer: Any = None
    error: BaseException | None = None


def ask_together(
    tasks: Tasks,
    task_ids: Sequence[uuid.UUID],
    now: datetime,
    begin: Callable[[Ask], Ask],
) -> list[Asked]:
    """Claim those of some tasks that can be done together, and let them ask side by side.

    Args:
        tasks: What is registered.
        task_ids: Tasks of the current city that are due.
        now: The time.
        begin: Lets another thread that is inside the city ask, and gives what waits for the answer.

    Returns:
        Those that were claimed, for ``write_together``; the others are left as they were.
    """
    kinds = [name for name, task in tasks.items() if isinstance(task, AskingTask)]
    if not kinds or len(task_ids) < 2:
        return []
    claimed = sorted(_claim_together(task_ids, kinds, now), key=_in_one_order)
    found: list[Asked] = []
    for name, group in groupby(claimed, key=attrgetter("kind")):
        kind, rows = cast(AskingTask, tasks[name]), list(group)
        try:
            waiting = [begin(ask) for ask in kind.ask([row.payload for row in rows], now)]
        except BaseException as error:
            found += [Asked(kind, row, error=error) for row in rows]
        else:
            pairs = zip(rows, waiting, strict=True)
            found += [_answered(kind, row, wait) for row, wait in pairs]
    return found


def write_together(asked: Sequence[Asked], now: datetime) -> list[Outcome]:
    """Write what comes of some answers: all at once, or one by one where that fails."""
    failed = [_failed(one.task, one.error, now) for one in asked if one.error is not None]
    answered = [one for one in asked if one.error is None]
    if len(answered) > 1:
        try:
            _apply_together(answered, now)
        except Exception as error:
            log.info("tasks_one_by_one", error=type(error).__name__)
            db.session.rollback()
        else:
            return [*failed, *(Outcome.DONE for _one in answered)]
    return [*failed, *(_apply_alone(one, now) for one in answered)]


def _answered(kind: AskingTask, task: Row[Any], wait: Ask) -> Asked:
    try:
        return Asked(kind, task, wait())
    except BaseException as error:
        return Asked(kind, task, error=error)


def _apply_together(answered: Sequence[Asked], now: datetime) -> None:
    number = len(answered)
    with (
        span("tasks", "CONSUMER", messaging__batch__message_count=number),
        transaction(),
    ):
        for one in answered:
            one.kind.apply(one.task.payload, one.answer, now)
        _note_done([one.task.id for one in answered], now)


def _apply_alone(one: Asked, now: datetime) -> Outcome:
    try:
        with span(one.task.kind, "CONSUMER", messaging__message__id=str(one.task.id)):
            _apply(one.kind, one.task, one.answer, now)
    except BaseException as error:
        return _failed(one.task, error, now)
    return Outcome.DONE


def _apply(kind: AskingTask, task: Row[Any], answer: Any, now: datetime) -> None:
    with transaction():
        kind.apply(task.payload, answer, now)
        _note_done([task.id], now)


def _in_one_order(task: Row[Any]) -> tuple[str, list[tuple[str, Any]]]:
    """By kind and payload: several workers lock the rows of the same things in the same order."""
    return task.kind, sorted(task.payload.items())


def _failed(task: Row[Any], error: BaseException, now: datetime) -> Outcome:
    db.session.rollback()
    log.warning("task_failed", kind=task.kind, task=str(task.id), exc_info=error)
    _note_failure(task.id, task.attempts, error, now)
    if isinstance(error, KeyboardInterrupt):
        raise error
    return Outcome.FAILED


def failed_tasks(limit: int = 500) -> list[OutboxTask]:
    """What was given up in the current city, the newest first."""
    return load(OutboxTask, _FAILED, {"most": limit})


def try_failed_again(now: datetime) -> int:
    """Put tasks that were given up back in line; returns how many."""
    with transaction() as session:
        found = session.scalars(
            select(OutboxTask).where(OutboxTask.failed_at.is_not(None)).with_for_update()
        ).all()
        for task in found:
            task.failed_at, task.attempts, task.leased_until = None, 0, None
            _put_off([task.id], now)
    return len(found)


def forget_done(now: datetime) -> None:
    """Delete tasks that were done long ago."""
    with transaction() as session:
        session.execute(delete(OutboxTask).where(OutboxTask.done_at < now - KEPT))


def _claim(task_id: uuid.UUID, now: datetime) -> Row[Any] | None:
    """Take a task for the length of a lease; whoever dies with it lets it go by that. The try counts
    from here, and the next one is put off at once: a task that ends its worker says nothing later.

    Returns:
        Its key, kind, payload and the number of this try.
    """
    with transaction():
        task = run(_CLAIM, {"task": task_id, "now": now, "until": now + LEASE}).one_or_none()
        if task is None:
            return None
        if task.attempts > MOST_ATTEMPTS:
            log.error("task_lost", kind=task.kind, task=str(task_id))
            _give_up(task_id, LOST, now)
            return None
        send_together()
        _put_off([task_id], now + max(LEASE, _pause(task.attempts)))
    return task


def _claim_together(
    task_ids: Sequence[uuid.UUID], kinds: Sequence[str], now: datetime
) -> Sequence[Row[Any]]:
    """Take those of some tasks that are of some kinds, as ``_claim`` takes one; what has had its
    tries together is left to that."""
    values = {"tasks": task_ids, "kinds": kinds, "now": now, "until": now + LEASE}
    with transaction():
        claimed = run(_CLAIM_THESE, values).all()
        if claimed:
            send_together()
            _put_off([task.id for task in claimed], now + LEASE)
    return claimed


def _finish(task_ids: Sequence[uuid.UUID], now: datetime) -> None:
    with transaction():
        _note_done(task_ids, now)


def _note_done(task_ids: Sequence[uuid.UUID], now: datetime) -> None:
    send_together()
    run(_DONE, {"tasks": task_ids, "now": now})
    run(_NOT_DUE, {"tasks": task_ids})


def _note_failure(task_id: uuid.UUID, attempt: int, error: BaseException, now: datetime) -> None:
    """Note why an attempt failed. Whoever was so late that another one has begun notes nothing: that
    one's outcome counts."""
    with transaction() as session:
        mine = (OutboxTask.attempts == attempt, OutboxTask.done_at.is_(None))
        held = session.execute(
            update(OutboxTask)
            .where(OutboxTask.id == task_id, *mine)
            .values(leased_until=None, error=_told(error))
            .returning(OutboxTask.id)
        ).one_or_none()
        if held is None:
            return
        if isinstance(error, PermanentFailure) or attempt >= MOST_ATTEMPTS:
            _give_up(task_id, _told(error), now)
            return
        seconds = error.seconds if isinstance(error, Postponed) else 0.0
        _put_off([task_id], now + max(_pause(attempt), timedelta(seconds=seconds)))


def _told(error: BaseException) -> str:
    """What staff may read of an error: its kind, and what the other side said. Never its text, which
    may hold anything."""
    reason = error.reason if isinstance(error, PermanentFailure) else ""
    return f"{type(error).__name__}: {reason}"[:200] if reason else type(error).__name__


def _give_up(task_id: uuid.UUID, error: str, now: datetime) -> None:
    db.session.execute(
        update(OutboxTask)
        .where(OutboxTask.id == task_id)
        .values(leased_until=None, failed_at=now, error=error)
    )
    run(_GIVEN_UP, {"task": task_id, "now": now})


def _put_off(task_ids: Sequence[uuid.UUID], until: datetime) -> None:
    run(_LATER, {"tasks": task_ids, "until": until})


def _pause(attempts: int) -> timedelta:
    """Twice as long each time, with jitter, so that what fell together rises apart."""
    longest: timedelta = min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** min(attempts, 20))
    jitter: float = random.uniform(0.5, 1)  # noqa: S311 -- no secret
    return longest * jitter
