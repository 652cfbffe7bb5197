"""The tasks of the city that we are in: written, claimed, done, tried again, given up."""

from __future__ import annotations

import random
import uuid
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

import structlog
from sqlalchemy import delete, or_, select, update

from smartcity_saas import scope
from smartcity_saas.database import command, db, insert_once
from smartcity_saas.outbox.models import CityDue, OutboxTask

LEASE = timedelta(seconds=60)
FIRST_PAUSE = timedelta(seconds=5)
LONGEST_PAUSE = timedelta(hours=1)
MOST_ATTEMPTS = 40
KEPT = timedelta(days=60)

Task = Callable[[Mapping[str, Any], datetime], None]
"""What a task does, inside its city: its payload and the time. It may run more than once."""

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
    with command() as session:
        task_id = insert_once(
            OutboxTask,
            ("kind", "key"),
            kind=kind,
            key=key,
            payload=dict(payload),
            created_at=now,
        )
        if task_id is not None:
            city_id = scope.city_id()
            session.add(CityDue(city_id=city_id, task_id=task_id, due_at=due_at or now))
            session.flush()
    return task_id


def run_task(tasks: Mapping[str, Task], task_id: uuid.UUID, now: datetime) -> bool:
    """Claim one task and do it; a failure is noted and tried again later, with longer pauses.

    Returns:
        Whether it was done. False also where someone else holds it.
    """
    task = _claim(task_id, now)
    if task is None:
        return False
    try:
        tasks[task.kind](task.payload, now)
    except Exception as error:  # whatever it is, the other tasks go on
        db.session.rollback()
        log.warning("task_failed", kind=task.kind, task=str(task_id), exc_info=error)
        _try_again(task, error, now)
        return False
    _finish(task_id, now)
    return True


def failed_tasks(limit: int = 500) -> list[OutboxTask]:
    """What was given up in the city that we are in, the newest first."""
    query = select(OutboxTask).where(OutboxTask.failed_at.is_not(None))
    return list(db.session.scalars(query.order_by(OutboxTask.failed_at.desc()).limit(limit)))


def try_failed_again(now: datetime) -> int:
    """Put tasks that were given up back in line; returns how many."""
    with command() as session:
        found = session.scalars(
            select(OutboxTask).where(OutboxTask.failed_at.is_not(None)).with_for_update()
        ).all()
        for task in found:
            task.failed_at, task.attempts, task.leased_until = None, 0, None
            session.add(CityDue(city_id=scope.city_id(), task_id=task.id, due_at=now))
    return len(found)


def forget_done(now: datetime) -> None:
    """Delete tasks that were done long ago."""
    with command() as session:
        session.execute(delete(OutboxTask).where(OutboxTask.done_at < now - KEPT))


def _claim(task_id: uuid.UUID, now: datetime) -> OutboxTask | None:
    """Take a task for the length of a lease; whoever dies with it lets it go by that."""
    with command() as session:
        return session.scalars(
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


def _finish(task_id: uuid.UUID, now: datetime) -> None:
    with command() as session:
        session.execute(
            update(OutboxTask)
            .where(OutboxTask.id == task_id)
            .values(done_at=now, leased_until=None, error=None)
        )
        _forget_due(task_id)


def _try_again(task: OutboxTask, error: Exception, now: datetime) -> None:
    given_up = task.attempts >= MOST_ATTEMPTS
    with command() as session:
        session.execute(
            update(OutboxTask)
            .where(OutboxTask.id == task.id)
            .values(
                leased_until=None,
                failed_at=now if given_up else None,
                error=type(error).__name__,
            )
        )
        if given_up:
            _forget_due(task.id)
        else:
            session.execute(
                update(CityDue)
                .where(CityDue.city_id == scope.city_id(), CityDue.task_id == task.id)
                .values(due_at=now + _pause(task.attempts))
            )


def _pause(attempts: int) -> timedelta:
    """Twice as long each time, with jitter, so that what fell together rises apart."""
    longest: timedelta = min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** min(attempts, 20))
    jitter: float = random.uniform(0.5, 1)  # noqa: S311 -- no secret
    return longest * jitter


def _forget_due(task_id: uuid.UUID) -> None:
    db.session.execute(
        delete(CityDue).where(CityDue.city_id == scope.city_id(), CityDue.task_id == task_id)
    )
