"""Rate limits: attempts are counted within a window of time, and too many are refused."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from flask_babel import lazy_ngettext
from sqlalchemy import delete, select, update

from smartcity_saas.database import CityModel, db, insert_once, transaction, upsert_into
from smartcity_saas.errors import Throttled

WINDOW = timedelta(minutes=5)
DAY = timedelta(days=1)
LONG_MINUTES = 120
"""Beyond this a wait is told in hours."""


@dataclass(frozen=True)
class RateLimit:
    """How many attempts a window allows, how many are left in it, and in how many seconds it
    ends."""

    most: int
    left: int
    reset: int


def count_attempt(
    model: type[Any], key: str, most: int, now: datetime, window: timedelta = WINDOW
) -> RateLimit:
    """Count one attempt, in a transaction of its own.

    Args:
        model: ``StaffAttempt`` or, inside a city, ``ResidentAttempt``.
        key: What is counted, such as an address or a name.
        most: How many a window allows.
        now: The time.
        window: How long a window is; five minutes by default.

    Raises:
        Throttled: That many have been made already.
    """
    with transaction() as session:
        _make_row(model, key[:200], now + window)
        row = session.scalars(select(model).where(model.key == key[:200]).with_for_update()).one()
        if row.window_ends <= now:
            row.count, row.window_ends = 0, now + window
        row.count += 1
        count, ends = row.count, row.window_ends
    return limit_of(count, most, (ends - now).total_seconds())


def limit_of(count: int, most: int, until_end: float) -> RateLimit:
    """What is left after so many attempts of a window that ends in some seconds.

    Raises:
        Throttled: They are more than the window allows.
    """
    seconds = max(1, round(until_end))
    if count > most:
        raise Throttled(_said(-(-seconds // 60)), seconds)
    return RateLimit(most, most - count, seconds)


def _said(minutes: int) -> Any:
    if minutes > LONG_MINUTES:
        return lazy_ngettext(
            "Too many attempts. Try again in %(num)s hour.",
            "Too many attempts. Try again in %(num)s hours.",
            -(-minutes // 60),
        )
    return lazy_ngettext(
        "Too many attempts. Try again in %(num)s minute.",
        "Too many attempts. Try again in %(num)s minutes.",
        minutes,
    )


def _make_row(model: type[Any], key: str, ends: datetime) -> None:
    """The row of a key, made once however many come in the same moment."""
    values = {"key": key, "count": 0, "window_ends": ends}
    if issubclass(model, CityModel):
        insert_once(model, ("key",), **values)
        return
    statement = upsert_into(model).values(**values)
    db.session.execute(statement.on_conflict_do_nothing(index_elements=["key"]))


def give_back(model: type[Any], key: str) -> None:
    """Take back one attempt that turned out well: many people may share an address."""
    with transaction() as session:
        session.execute(
            update(model)
            .where(model.key == key[:200], model.count > 0)
            .values(count=model.count - 1)
        )


def forget(model: type[Any], key: str) -> None:
    """Start counting anew, after a success."""
    with transaction() as session:
        row = session.scalars(select(model).where(model.key == key[:200])).one_or_none()
        if row is not None:
            session.delete(row)


def forget_old_attempts(model: type[Any], now: datetime) -> None:
    """Delete the counts whose windows have ended: of residents, those of the current city."""
    with transaction() as session:
        session.execute(delete(model).where(model.window_ends <= now))
