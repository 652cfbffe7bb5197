"""Counting attempts within a window of time, and refusing what is too many."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from flask_babel import lazy_gettext as _
from sqlalchemy import select

from smartcity_saas.database import command
from smartcity_saas.errors import Throttled

WINDOW = timedelta(minutes=5)


def attempt(model: type[Any], key: str, most: int, now: datetime) -> None:
    """Count one attempt, in a transaction of its own.

    Args:
        model: ``StaffAttempt`` or, inside a city, ``ResidentAttempt``.
        key: What is counted, such as an address or a name.
        most: How many a window of five minutes allows.
        now: The time.

    Raises:
        Throttled: That many have been made already.
    """
    with command() as session:
        row = session.scalars(
            select(model).where(model.key == key[:200]).with_for_update()
        ).one_or_none()
        if row is None:
            row = model(key=key[:200], count=0, window_ends=now + WINDOW)
            session.add(row)
        if row.window_ends <= now:
            row.count, row.window_ends = 0, now + WINDOW
        row.count += 1
        refused, ends = row.count > most, row.window_ends
    if refused:
        seconds = max(1, round((ends - now).total_seconds()))
        raise Throttled(
            _("Too many attempts. Try again in %(minutes)s minutes.", minutes=-(-seconds // 60)),
            seconds,
        )


def forget(model: type[Any], key: str) -> None:
    """Start counting anew, after a success."""
    with command() as session:
        row = session.scalars(select(model).where(model.key == key[:200])).one_or_none()
        if row is not None:
            session.delete(row)
