"""The tasks of the current city: written, claimed, done, tried again, given up."""

from __future__ import annotations

import random
import uuid
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

import structlog
from sqlalchemy import Update, delete, or_, select, update

from smartcity_saas.database import db, insert_once, transaction
from smartcity_saas.outbox.models import CityDue, OutboxTask
from smartcity_saas.tenant_context import current_city_id
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


class PermanentFailure(Exception):
    """The other side will not have it, however often it is asked. ``reason`` is shown to staff."""

    reason = ""


class Postponed(Exception):
    """The other side asked to be left alone for some ``seconds``; 0 where it said nothing."""

    seconds: float = 0.0


log = structlog.get_logger(__name__)


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
    with transaction() as session:
        task_id = insert_once(
            OutboxTask,
            ("kind", "key"),
            kind=kind,
            key=key,
            payload=dict(payload),
            created_at=now,
        )
        if task_id is not None:
            city_id = current_city_id()
            session.add(CityDue(city_id=city_id, task_id=task_id, due_at=due_at or now))
            session.flush()
    return task_id


def run_task(tasks: Mapping[str, Task], task_id: uuid.UUID, now: datetime) -> bool:
    """Claim one task and do it; a failure, whatever it is, is noted and tried again later, with
    longer pauses.

    Returns:
        Whether it was done. False also where someone else holds it.
    """
    task = _claim(task_id, now)
    if task is None:
        return False
    try:
        with span(task.kind, "CONSUMER", messaging__message__id=str(task_id)):
            tasks[task.kind](task.payload, now)
    except BaseException as error:  # whatever it is, the other tasks go on
        db.session.rollback()
        log.warning("task_failed", kind=task.kind, task=str(task_id), exc_info=error)
        _note_failure(task, error, now)
        if isinstance(error, KeyboardInterrupt):
            raise
        return False
    _finish(task_id, now)
    return True


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


def _claim(task_id: uuid.UUID, now: datetime) -> OutboxTask | None:
    """Take a task for the length of a lease; whoever dies with it lets it go by that. The try counts
    from here, and the next one is put off at once: a task that ends its worker says nothing later."""
    with transaction() as session:
        task = session.scalars(
            update(OutboxTask)
            .where(
                OutboxTask.id == task_id,
                OutboxTask.done_at.is_(None),
                OutboxTask.failed_at.is_(None),
                or_(OutboxTask.leased_until.is_(None), OutboxTask.leased_until <= now),
            )
            .values(leased_until=now + LEASE, attempts=OutboxTask.attempts + 1)
            .returning(OutboxTask)
            .execution_options(populate_existing=True)
        ).one_or_none()
        if task is None:
            return None
        if task.attempts > MOST_ATTEMPTS:
            log.error("task_lost", kind=task.kind, task=str(task_id))
            _give_up(task_id, LOST, now)
            return None
        _put_off(task_id, now + max(LEASE, _pause(task.attempts)))
    return task


def _finish(task_id: uuid.UUID, now: datetime) -> None:
    with transaction() as session:
        session.execute(
            update(OutboxTask)
            .where(OutboxTask.id == task_id)
            .values(done_at=now, leased_until=None, error=None)
        )
        _forget_due(task_id)


def _note_failure(task: OutboxTask, error: BaseException, now: datetime) -> None:
    with transaction() as session:
        if isinstance(error, PermanentFailure) or task.attempts >= MOST_ATTEMPTS:
            _give_up(task.id, _told(error), now)
            return
        session.execute(
            update(OutboxTask)
            .where(OutboxTask.id == task.id)
            .values(leased_until=None, error=_told(error))
        )
        seconds = error.seconds if isinstance(error, Postponed) else 0.0
        _put_off(task.id, now + max(_pause(task.attempts), timedelta(seconds=seconds)))


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
    db.session.execute(_due(task_id).values(due_at=None, failed_at=now))


def _put_off(task_id: uuid.UUID, until: datetime) -> None:
    db.session.execute(_due(task_id).values(due_at=until, failed_at=None))


def _due(task_id: uuid.UUID) -> Update:
    return update(CityDue).where(CityDue.city_id == current_city_id(), CityDue.task_id == task_id)


def _pause(attempts: int) -> timedelta:
    """Twice as long each time, with jitter, so that what fell together rises apart."""
    longest: timedelta = min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** min(attempts, 20))
    jitter: float = random.uniform(0.5, 1)  # noqa: S311 -- no secret
    return longest * jitter


def _forget_due(task_id: uuid.UUID) -> None:
    db.session.execute(
        delete(CityDue).where(CityDue.city_id == current_city_id(), CityDue.task_id == task_id)
    )
