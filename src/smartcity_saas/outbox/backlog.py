"""What is due and what was given up, across cities: for provinces, the operator and the metrics."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import case, func, or_, select

from smartcity_saas.database import db
from smartcity_saas.outbox.models import CityDue


@dataclass(frozen=True)
class Backlog:
    """How many tasks are due and since when the oldest is; how many were given up, since when."""

    waiting: int = 0
    oldest_due: datetime | None = None
    failed: int = 0
    oldest_failed: datetime | None = None


def backlogs(now: datetime, cities: Collection[int] | None = None) -> dict[int, Backlog]:
    """The backlog of each city that has one, by its key; outside any city.

    Args:
        now: The time; what is due later does not wait yet.
        cities: Only these; all by default.
    """
    query = (
        select(
            CityDue.city_id,
            func.count(CityDue.due_at),
            func.min(CityDue.due_at),
            func.count(CityDue.failed_at),
            func.min(CityDue.failed_at),
        )
        .where(or_(CityDue.due_at <= now, CityDue.failed_at.is_not(None)))
        .group_by(CityDue.city_id)
    )
    if cities is not None:
        query = query.where(CityDue.city_id.in_(sorted(cities)))
    return {
        city: Backlog(waiting, oldest_due, failed, oldest_failed)
        for city, waiting, oldest_due, failed, oldest_failed in db.session.execute(query)
    }


def ages(now: datetime, bounds: Collection[timedelta]) -> tuple[list[int], list[int]]:
    """How many tasks of all cities are due, and how many were given up, for longer than each bound."""
    oldest = (or_(CityDue.due_at <= now, CityDue.failed_at.is_not(None)),)
    columns = [
        func.coalesce(func.sum(case((moment <= now - bound, 1), else_=0)), 0)
        for moment in (CityDue.due_at, CityDue.failed_at)
        for bound in bounds
    ]
    found = [int(number) for number in db.session.execute(select(*columns).where(*oldest)).one()]
    return found[: len(bounds)], found[len(bounds) :]
