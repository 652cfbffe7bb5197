"""The time, passed in, so that limits are tested by moving it; and days as a city has them.

Moments are in UTC; a day, a month or a year is always a city's. This module alone makes one of the
other (a test reads the code for other places).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

Clock = Callable[[], datetime]
GRACE = timedelta(days=1)
MOST_AHEAD = timedelta(days=2 * 366)
FIRST_YEAR, END_YEAR = 2000, 2100
"""The years that public services deal in, from the first to before the end."""

_MARKS = str.maketrans({"/": "-", ".": "-", "年": "-", "月": "-", "日": None})
_DAY = re.compile(r"([0-9]{4})-([0-9]{1,2})-([0-9]{1,2})|([0-9]{4})([0-9]{2})([0-9]{2})")
_MONTH = re.compile(r"([0-9]{4})-([0-9]{1,2})-?")
_MOMENT = re.compile(
    r"(?P<day>[^\sT]+)[\sT]+(?P<hour>[0-9]{1,2}):"
    r"(?P<rest>[0-9]{2}(?::[0-9]{2}(?:\.[0-9]+)?)?(?:Z|[+-][0-9]{2}:?[0-9]{2})?)"
)

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


def is_skipped(day: date, at: time, zone: str) -> bool:
    """Whether there is no such time on a day, since the clocks of a time zone go forward over it."""
    typed = datetime.combine(day, at, ZoneInfo(zone))
    return local_time(typed.astimezone(UTC), zone).replace(tzinfo=None) != typed.replace(
        tzinfo=None
    )


def is_repeated(at: datetime) -> bool:
    """Whether a moment in its zone shows a time that another one shows on the same day, since the
    clocks go back."""
    return at.replace(fold=0).utcoffset() != at.replace(fold=1).utcoffset()


def read_day(text: str, *, first_year: int = FIRST_YEAR) -> date | None:
    """A date of our century as people and spreadsheets write it: ``2026-11-03`` (ISO 8601),
    ``2026/11/3``, ``2026.11.3``, ``2026年11月3日``, ``20261103``; None for anything else.

    Args:
        text: What was written.
        first_year: The earliest year that is meant, where that is no year of our century: people
            give the day on which they were born.
    """
    found = _DAY.fullmatch(_plain(text))
    if found is None:
        return None
    year, month, day = filter(None, found.groups())
    return _date(year, month, day, first_year)


def read_month(text: str) -> date | None:
    """A month written like a date without its day, as its first day; None for anything else."""
    found = _MONTH.fullmatch(_plain(text))
    return _date(found[1], found[2], "1") if found else None


def read_moment(text: str, zone: str) -> datetime | None:
    """A date and a time of day (``2026-11-20T08:15``, ``2026/11/20 8:15:30+08:00``) of our century,
    in the zone if it names none; None for anything else, a date without its time too."""
    found = _MOMENT.fullmatch(unicodedata.normalize("NFKC", text))
    day = read_day(found["day"]) if found else None
    if found is None or day is None:
        return None
    try:
        at = time.fromisoformat(f"{found['hour']:0>2}:{found['rest']}")
    except ValueError:
        return None
    return datetime.combine(day, at.replace(tzinfo=None), at.tzinfo or ZoneInfo(zone))


def is_past(found: date, zone: str, now: datetime) -> bool:
    """Whether something can have happened on a day, or at a moment: it lies after now by a day at
    most, which clocks that go fast and files of another zone are given."""
    if isinstance(found, datetime):
        return found <= now + GRACE
    return found <= today_in(zone, now + GRACE)


def is_near(found: date, zone: str, now: datetime) -> bool:
    """Whether a day that may lie ahead is one that somebody means: two years off at most."""
    return found <= today_in(zone, now + MOST_AHEAD)


def has_passed(text: str, zone: str, now: datetime) -> bool:
    """Whether a moment (ISO 8601, in the zone if it names none) is over; False for what is none."""
    found = read_moment(text, zone)
    return found is not None and found <= now


def in_our_century(found: date) -> bool:
    """Whether a date is one that public services deal in; others overflow sums of days."""
    return FIRST_YEAR <= found.year < END_YEAR


def _plain(text: str) -> str:
    return unicodedata.normalize("NFKC", text).translate(_MARKS)


def _date(year: str, month: str, day: str, first_year: int = FIRST_YEAR) -> date | None:
    try:
        found = date(int(year), int(month), int(day))
    except ValueError:
        return None
    return found if first_year <= found.year < END_YEAR else None
