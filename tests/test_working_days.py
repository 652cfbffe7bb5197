"""The calendar of working days: public holidays, and the weekends worked in exchange for them."""

from __future__ import annotations

from datetime import date

import pytest

from smartcity_saas.working_days import is_working_day, working_days_after, working_days_until


@pytest.mark.parametrize(
    ("day", "working"),
    [
        (date(2026, 10, 1), False),  # National Day, a Thursday
        (date(2026, 10, 10), True),  # a Saturday worked in exchange
        (date(2026, 10, 11), False),
        (date(2026, 2, 14), True),  # a Saturday worked before the Spring Festival
        (date(2026, 11, 30), True),
        (date(2040, 5, 5), False),  # a Saturday of a year that nobody has announced
    ],
)
def test_working_days_are_the_calendars(day: date, *, working: bool) -> None:
    """Promise: public holidays and the weekends worked for them are known; a year that has not been
    announced has Monday to Friday."""
    assert is_working_day(day) is working


def test_days_of_the_clock_add_up() -> None:
    """Promise: so many working days after a day are so many left on that day, and none at the end."""
    for start in (date(2026, 9, 28), date(2026, 12, 25), date(2026, 2, 10)):
        for count in (1, 5, 15):
            last = working_days_after(start, count)
            assert working_days_until(start, last) == count
            assert working_days_until(last, last) == 0
            assert is_working_day(last)
