"""What is due and what was given up, across cities: for provinces, the operator and the metrics."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import bindparam, case, func, or_, select

from smartcity_saas.database import db, run, table_of
from smartcity_saas.outbox.models import CityDue

_due = table_of(CityDue)
_BACKLOGS = (
    select(
        _due.c.city_id,
        func.count(_due.c.due_at),
        func.min(_due.c.due_at),
        func.count(_due.c.failed_at),
        func.min(_due.c.failed_at),
    )
    .where(or_(_due.c.due_at <= bindparam("now"), _due.c.failed_at.is_not(None)))
    .group_by(_due.c.city_id)
)
_BACKLOGS_OF = _BACKLOGS.where(_due.c.city_id.in_(bindparam("cities", expanding=True)))


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
    values = {"now": now}
    if cities is None:
        rows = run(_BACKLOGS, values)
    else:
        rows = run(_BACKLOGS_OF, {**values, "cities": sorted(cities)})
    return {city: Backlog(*found) for city, *found in rows}


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
