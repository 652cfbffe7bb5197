"""The tasks of the current city: written, claimed, done, tried again, given up."""

from __future__ import annotations

import random
import uuid
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from enum import Enum
from typing import Any

from sqlalchemy import Row, bindparam, delete, insert, or_, select, update

from smartcity_saas.database import (
    CITY,
    db,
    insert_once,
    insert_rows,
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
KEPT = timedelta(days=60)

LOST = "WorkerLost"
"""Stands for an error where a worker ended without a word as often as a task is tried."""

Task = Callable[[Mapping[str, Any], datetime], None]
"""What a task does, inside its city: its payload and the time. It may run more than once. Whatever it
raises is tried again later, ``PermanentFailure`` is not, and ``Postponed`` not before its time."""


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
_TURN = _DUE.c.city_id == CITY, _DUE.c.task_id == bindparam("task")
_BECOMES_DUE = insert(_DUE)
_CLAIM = (
    update(_TASKS)
    .where(
        *_TASK,
        _TASKS.c.done_at.is_(None),
        _TASKS.c.failed_at.is_(None),
        or_(_TASKS.c.leased_until.is_(None), _TASKS.c.leased_until <= bindparam("now")),
    )
    .values(leased_until=bindparam("until"), attempts=_TASKS.c.attempts + 1)
    .returning(_TASKS.c.kind, _TASKS.c.payload, _TASKS.c.attempts)
)
_DONE = update(_TASKS).where(*_TASK).values(done_at=bindparam("now"), leased_until=None, error=None)
_LATER = (
    update(_DUE).where(*_TURN).values(due_at=bindparam("until"), failed_at=None, sent_until=None)
)
_GIVEN_UP = (
    update(_DUE).where(*_TURN).values(due_at=None, failed_at=bindparam("now"), sent_until=None)
)
_NOT_DUE = delete(_DUE).where(*_TURN)

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


def run_task(tasks: Mapping[str, Task], task_id: uuid.UUID, now: datetime) -> Outcome:
    """Claim one task and do it; a failure, whatever it is, is noted and tried again later, with
    longer pauses.

    Returns:
        Whether it was done, failed, or is done already or held by someone else.
    """
    task = _claim(task_id, now)
    if task is None:
        return Outcome.HELD
    attempt = task.attempts
    try:
        with span(task.kind, "CONSUMER", messaging__message__id=str(task_id)):
            tasks[task.kind](task.payload, now)
    except BaseException as error:  # whatever it is, the other tasks go on
        db.session.rollback()
        log.warning("task_failed", kind=task.kind, task=str(task_id), exc_info=error)
        _note_failure(task_id, attempt, error, now)
        if isinstance(error, KeyboardInterrupt):
            raise
        return Outcome.FAILED
    _finish(task_id, now)
    return Outcome.DONE


def failed_tasks(limit: int = 500) -> list[OutboxTask]:
    """What was given up in the current city, the newest first."""
    query = select(OutboxTask).where(OutboxTask.failed_at.is_not(None))
    return list(db.session.scalars(query.order_by(OutboxTask.failed_at.desc()).limit(limit)))


def try_failed_again(now: datetime) -> int:
    """Put tasks that were given up back in line; returns how many."""
    with transaction() as session:
        found = session.scalars(
            select(OutboxTask).where(OutboxTask.failed_at.is_not(None)).with_for_update()
        ).all()
        for task in found:
            task.failed_at, task.attempts, task.leased_until = None, 0, None
            _put_off(task.id, now)
    return len(found)


def forget_done(now: datetime) -> None:
    """Delete tasks that were done long ago."""
    with transaction() as session:
        session.execute(delete(OutboxTask).where(OutboxTask.done_at < now - KEPT))


def _claim(task_id: uuid.UUID, now: datetime) -> Row[Any] | None:
    """Take a task for the length of a lease; whoever dies with it lets it go by that. The try counts
    from here, and the next one is put off at once: a task that ends its worker says nothing later.

    Returns:
        Its kind, payload and the number of this try.
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
        _put_off(task_id, now + max(LEASE, _pause(task.attempts)))
    return task


def _finish(task_id: uuid.UUID, now: datetime) -> None:
    with transaction():
        send_together()
        run(_DONE, {"task": task_id, "now": now})
        run(_NOT_DUE, {"task": task_id})


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
        _put_off(task_id, now + max(_pause(attempt), timedelta(seconds=seconds)))


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


def _put_off(task_id: uuid.UUID, until: datetime) -> None:
    run(_LATER, {"task": task_id, "until": until})


def _pause(attempts: int) -> timedelta:
    """Twice as long each time, with jitter, so that what fell together rises apart."""
    longest: timedelta = min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** min(attempts, 20))
    jitter: float = random.uniform(0.5, 1)  # noqa: S311 -- no secret
    return longest * jitter
