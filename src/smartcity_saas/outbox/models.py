"""What is to be done: the task in its city, and on the platform only whose turn it is."""

from __future__ import annotations

import uuid
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import CheckConstraint, Index, UniqueConstraint, Uuid, column
from sqlalchemy.orm import Mapped, mapped_column

from smartcity_saas.database import CityModel, PlatformModel, StoredEnum
from smartcity_saas.database.models import BigKey


class OutboxTask(CityModel):
    """One piece of work. ``key`` makes it unique within its kind, None where many may be.

    ``leased_until`` is set while someone works on it; ``failed_at`` once it is given up, for
    staff to see.
    """

    __tablename__ = "outbox_task"
    __table_args__ = (
        UniqueConstraint("city_id", "kind", "key"),
        Index("ix_outbox_task_city_id_failed_at", "city_id", "failed_at"),
    )

    kind: Mapped[str]
    key: Mapped[str | None]
    payload: Mapped[dict[str, Any]]
    created_at: Mapped[datetime]
    attempts: Mapped[int] = mapped_column(default=0)
    leased_until: Mapped[datetime | None]
    done_at: Mapped[datetime | None]
    failed_at: Mapped[datetime | None]
    error: Mapped[str | None]


class RunnerKind(StrEnum):
    """What a process does: tasks by itself, sending them, or those that it is sent."""

    WORKER = "worker"
    DISPATCHER = "dispatcher"
    CELERY = "celery"


class RunnerProcess(PlatformModel):
    """A process that works for all cities, as it last told of itself. ``name`` is its machine and
    process; ``done`` and ``failed`` are tasks since it started."""

    __tablename__ = "runner_process"

    id: Mapped[uuid.UUID] = mapped_column(Uuid, primary_key=True)
    kind: Mapped[RunnerKind] = mapped_column(StoredEnum(RunnerKind))
    name: Mapped[str]
    started_at: Mapped[datetime]
    seen_at: Mapped[datetime]
    done: Mapped[int]
    failed: Mapped[int]


class CityDue(PlatformModel):
    """A task of some city is due at a moment, or was given up and waits for staff: all that a
    dispatcher, a province and the operator see of it. One that was given up is not due.

    ``sent_until`` is set once a dispatcher has sent the task to the workers of a queue: until then
    no dispatcher sends it again, and after that whoever looks takes the message for lost.
    """

    __tablename__ = "city_due"
    __table_args__ = (
        Index("ix_city_due_due_at", "due_at"),
        Index("ix_city_due_failed_at", "failed_at"),
        Index(
            "ix_city_due_sent_until",
            "sent_until",
            postgresql_where=column("sent_until").is_not(None),
            sqlite_where=column("sent_until").is_not(None),
        ),
        CheckConstraint("(due_at IS NULL) = (failed_at IS NOT NULL)", name="due_or_failed"),
    )

    city_id: Mapped[int] = mapped_column(BigKey, primary_key=True, autoincrement=False)
    task_id: Mapped[uuid.UUID] = mapped_column(Uuid, primary_key=True)
    due_at: Mapped[datetime | None]
    failed_at: Mapped[datetime | None]
    sent_until: Mapped[datetime | None]
