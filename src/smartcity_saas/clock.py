"""The time, passed in, so that limits are tested by moving it; and days as a city has them.

Moments are in UTC; a day, a month or a year is always a city's. This module alone makes one of the
other (a test reads the code for other places).
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

Clock = Callable[[], datetime]

COMMON_ZONE = "Asia/Shanghai"
"""The zone (IANA) of a city that names none, and of pages that are no city's."""


def utc_now() -> datetime:
    """The present moment, aware, in UTC."""
    return datetime.now(UTC)


def today_in(zone: str, now: datetime) -> date:
    """The day that a moment belongs to in a time zone."""
    return local_time(now, zone).date()


def local_time(at: datetime, zone: str) -> datetime:
    """A moment as the clocks of a time zone show it."""
    return at.astimezone(ZoneInfo(zone))


def start_of_day(day: date, zone: str) -> datetime:
    """The moment at which a day begins in a time zone."""
    return datetime.combine(day, time(), ZoneInfo(zone))


def read_day(text: str) -> date | None:
    """A date (ISO 8601) of our century; None for anything else."""
    try:
        found = date.fromisoformat(text)
    except ValueError:
        return None
    return found if in_our_century(found) else None


def read_moment(text: str, zone: str) -> datetime | None:
    """A moment (ISO 8601) of our century, in the zone if it names none; None for anything else."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    if not in_our_century(found):
        return None
    return found if found.tzinfo else found.replace(tzinfo=ZoneInfo(zone))


def in_our_century(found: date) -> bool:
    """Whether a date is one that public services deal in; others overflow sums of days."""
    return 2000 <= found.year < 2100
