"""That the worker lives: it says so twice a minute, and readiness looks."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import or_, select, update

from smartcity_saas.configuration.models import Installation
from smartcity_saas.database import db, transaction

EVERY = timedelta(seconds=30)
SILENT = timedelta(minutes=3)


def say_alive(now: datetime) -> None:
    """Note that the worker lives, unless that was noted half a minute ago."""
    due = or_(Installation.worker_seen_at.is_(None), Installation.worker_seen_at < now - EVERY)
    if db.session.scalar(select(Installation.id).where(due)) is None:
        return
    with transaction() as session:
        session.execute(update(Installation).values(worker_seen_at=now))


def worker_lives(now: datetime) -> bool:
    """Whether the worker has been seen in the last minutes."""
    seen = worker_seen()
    return seen is not None and now - seen < SILENT


def worker_seen() -> datetime | None:
    """When the worker last said that it lives; None for never."""
    return db.session.scalar(select(Installation.worker_seen_at).where(Installation.id == 1))
