"""Working days of mainland China: public holidays and the weekends worked in exchange for them.

The State Council announces each year's days late in the year before. For a year that the library
does not know yet, Monday to Friday are taken.
"""

from __future__ import annotations

from datetime import date, timedelta

from chinese_calendar import is_workday


def is_working_day(day: date) -> bool:
    """Whether offices work on a day."""
    try:
        return bool(is_workday(day))
    except NotImplementedError:
        return day.weekday() < 5


def working_days_after(day: date, count: int) -> date:
    """The last of so many working days after a day, which itself does not count."""
    while count:
        day += timedelta(days=1)
        count -= is_working_day(day)
    return day


def working_days_until(today: date, last: date) -> int:
    """How many working days are left after today, the last one included; 0 once it has passed."""
    days = (today + timedelta(days=n) for n in range(1, (last - today).days + 1))
    return sum(is_working_day(day) for day in days)
