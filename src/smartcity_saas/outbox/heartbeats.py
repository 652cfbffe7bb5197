"""That the processes live which work for all cities: each says so twice a minute, with what it did."""

from __future__ import annotations

import os
import socket
import threading
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import uuid_utils.compat
from sqlalchemy import delete, select

from smartcity_saas.database import run, table_of, transaction, upsert_into
from smartcity_saas.outbox.models import RunnerKind, RunnerProcess
from smartcity_saas.outbox.queue import Outcome

EVERY = timedelta(seconds=30)
SILENT = timedelta(minutes=3)
KEPT = timedelta(days=1)
"""How long one that ended without a word is told of."""
_process = table_of(RunnerProcess)
_STATES = select(
    *(_process.c[name] for name in ("kind", "name", "started_at", "seen_at", "done", "failed"))
).order_by(_process.c.kind, _process.c.name)


class Heartbeat:
    """One process's row: made at its first word, taken away when it ends in order."""

    def __init__(self, kind: RunnerKind) -> None:
        self.kind = kind
        self.id = uuid_utils.compat.uuid7()
        self.name = f"{socket.gethostname()}:{os.getpid()}"
        self._lock = threading.Lock()
        self._outcomes: Counter[Outcome] = Counter()
        self._next: datetime | None = None

    def note(self, outcome: Outcome) -> None:
        """Count what became of a task."""
        with self._lock:
            self._outcomes[outcome] += 1

    def beat(self, now: datetime) -> None:
        """Say that the process lives, unless it did half a minute ago; outside any city. Rows of those
        that ended without a word are forgotten after a day."""
        if self._next is not None and now < self._next:
            return
        with self._lock:
            counted, self._outcomes = self._outcomes, Counter()
        try:
            self._write(counted, now)
        except BaseException:
            with self._lock:
                self._outcomes += counted
            raise
        self._next = now + EVERY

    def end(self) -> None:
        """Take the row away: the process ends as it was told to."""
        with transaction() as session:
            session.execute(delete(RunnerProcess).where(RunnerProcess.id == self.id))

    def _write(self, counted: Counter[Outcome], now: datetime) -> None:
        done, failed = counted[Outcome.DONE], counted[Outcome.FAILED]
        statement = upsert_into(RunnerProcess).values(
            id=self.id,
            kind=self.kind,
            name=self.name,
            started_at=now,
            seen_at=now,
            done=done,
            failed=failed,
        )
        again = {
            "seen_at": now,
            "done": RunnerProcess.done + statement.excluded.done,
            "failed": RunnerProcess.failed + statement.excluded.failed,
        }
        with transaction() as session:
            session.execute(statement.on_conflict_do_update(index_elements=["id"], set_=again))
            session.execute(delete(RunnerProcess).where(RunnerProcess.seen_at < now - KEPT))


@dataclass(frozen=True)
class RunnerState:
    """A process as it last told of itself; ``done`` and ``failed`` count tasks since it started, those
    sent where it is a dispatcher."""

    kind: RunnerKind
    name: str
    started_at: datetime
    seen_at: datetime
    done: int
    failed: int

    def lives(self, now: datetime) -> bool:
        """Whether it has been seen in the last minutes."""
        return now - self.seen_at < SILENT


def runner_states() -> list[RunnerState]:
    """The processes that live, or ended without a word within a day; outside any city."""
    return [RunnerState(*row) for row in run(_STATES)]


def worker_seen(states: Sequence[RunnerState] | None = None) -> datetime | None:
    """When work was last known to be looked after; None for never. A worker does it alone; a
    dispatcher and a worker of Celery do it together.

    Args:
        states: What ``runner_states`` gave; asked anew by default.
    """
    seen: dict[RunnerKind, datetime] = {}
    for one in runner_states() if states is None else states:
        seen[one.kind] = max(one.seen_at, seen.get(one.kind, one.seen_at))
    found = [seen[RunnerKind.WORKER]] if RunnerKind.WORKER in seen else []
    if RunnerKind.DISPATCHER in seen and RunnerKind.CELERY in seen:
        found.append(min(seen[RunnerKind.DISPATCHER], seen[RunnerKind.CELERY]))
    return max(found, default=None)


def worker_lives(now: datetime) -> bool:
    """Whether the work after commits is looked after."""
    seen = worker_seen()
    return seen is not None and now - seen < SILENT
