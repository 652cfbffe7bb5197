"""The dispatcher: sends what is due to a queue, whose workers do it.

The rows stay the truth. A message holds the keys of a city and a task, and whatever becomes of it
(lost, doubled, late) the task is done: its row is sent again after a while, and claimed before it is
done.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any, Protocol

from sqlalchemy import func, or_, select, update

from smartcity_saas.database import db, transaction
from smartcity_saas.outbox.heartbeats import Heartbeat
from smartcity_saas.outbox.models import CityDue, RunnerKind
from smartcity_saas.outbox.queue import Outcome
from smartcity_saas.outbox.runner import MOST_AT_ONCE, Runner, by_city

SENT = timedelta(seconds=90)
"""How long a message may be under way before its task is sent again."""
MOST_OF_CITY = 16
"""Tasks of one city that are under way at one time, so that a crowd in one delays no other."""
MOST_QUEUED = 1_000
"""Messages that wait in the queue at one time. More would only grow old there: what is due waits in
the database, where the oldest of every city is found first."""

Due = tuple[int, uuid.UUID]
"""A task that is due: the key of its city, and its own."""


class TaskQueue(Protocol):
    """Where workers take tasks from."""

    def send(self, city_id: int, task_id: uuid.UUID) -> None:
        """Put a message into the queue; whatever it raises, the task is sent again later."""

    def waiting(self) -> int:
        """How many messages no worker has taken yet."""


class Dispatcher(Runner):
    """Does the days of cities as the runner does, and leaves their tasks to the workers of a queue.
    Several may run at once: each task is leased by one of them before it is sent.

    Args:
        queue: Where the workers take tasks from.
        arguments: Those of the runner.
    """

    def __init__(self, *arguments: Any, queue: TaskQueue, **options: Any) -> None:
        super().__init__(*arguments, **options, heartbeat=Heartbeat(RunnerKind.DISPATCHER))
        self.queue = queue

    def send_due(self) -> int:
        """Send what is due and not under way yet; returns how many tasks were sent."""
        room = min(MOST_AT_ONCE, MOST_QUEUED - self.queue.waiting())
        if room <= 0:
            return 0
        with self.app.app_context():
            leased = lease_due(self.clock(), room, self._over_quota.at(self.clock()))
            admitted = self._admitted(leased)
            self._send(admitted)
        return len(admitted)

    def _take_due(self, pool: ThreadPoolExecutor) -> None:
        self.send_due()

    def _admitted(self, leased: list[Due]) -> list[Due]:
        """Those that quotas let begin; the others are let go, and stay due."""
        over_quota: set[int] = set()
        admitted: list[Due] = []
        refused: list[Due] = []
        for city, task in leased:
            if city in over_quota or not self._admits(city):
                over_quota.add(city)
                refused.append((city, task))
            else:
                admitted.append((city, task))
        release(refused)
        return admitted

    def _send(self, leased: list[Due]) -> None:
        unsent = leased[::-1]
        try:
            while unsent:
                self.queue.send(*unsent[-1])
                unsent.pop()
                self.heartbeat.note(Outcome.DONE)
        finally:
            release(unsent)


def lease_due(now: datetime, most: int, left_alone: Collection[int] = ()) -> list[Due]:
    """Take tasks that are due and not under way, the oldest first, of each city no more than may be
    under way; outside any city.

    Args:
        now: The time.
        most: How many.
        left_alone: Cities of which nothing is taken.
    """
    sent = _sent(now)
    passed_over = {city for city, number in sent.items() if number >= MOST_OF_CITY}
    passed_over |= set(left_alone)
    leased: list[Due] = []
    while len(leased) < most:
        found = _free(now, most, passed_over)
        for city, tasks in by_city(found).items():
            room = min(MOST_OF_CITY - sent.get(city, 0), most - len(leased))
            leased += _lease(city, tasks[:room], now)
        if len(found) < most:
            break
        passed_over |= {city for city, _task in found}  # whoever comes behind a crowd
    return leased


def release(tasks: Collection[Due]) -> None:
    """Let others send tasks that were leased."""
    for city, ids in by_city(tasks).items():
        with transaction() as session:
            session.execute(
                update(CityDue)
                .where(CityDue.city_id == city, CityDue.task_id.in_(ids))
                .values(sent_until=None)
            )


def _sent(now: datetime) -> Mapping[int, int]:
    """How many tasks of each city are under way."""
    query = select(CityDue.city_id, func.count()).where(CityDue.sent_until > now)
    rows = db.session.execute(query.group_by(CityDue.city_id)).all()
    return {row[0]: row[1] for row in rows}


def _free(now: datetime, most: int, passed_over: Collection[int]) -> list[Due]:
    """What is due and not under way, but for some cities."""
    query = select(CityDue.city_id, CityDue.task_id).where(*_may_be_sent(now))
    if passed_over:
        query = query.where(CityDue.city_id.not_in(sorted(passed_over)))
    rows = db.session.execute(query.order_by(CityDue.due_at).limit(most))
    return [(city, task) for city, task in rows]


def _lease(city: int, tasks: list[uuid.UUID], now: datetime) -> list[Due]:
    """Those of a city's tasks that this dispatcher was the first to take: one statement on one
    city's rows, which waits for any other dispatcher's and then looks at them again."""
    with transaction() as session:
        taken = session.scalars(
            update(CityDue)
            .where(CityDue.city_id == city, CityDue.task_id.in_(tasks), *_may_be_sent(now))
            .values(sent_until=now + SENT)
            .returning(CityDue.task_id)
        ).all()
    return [(city, task) for task in tasks if task in taken]


def _may_be_sent(now: datetime) -> tuple[Any, ...]:
    return CityDue.due_at <= now, or_(CityDue.sent_until.is_(None), CityDue.sent_until <= now)
