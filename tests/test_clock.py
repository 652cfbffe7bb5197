"""Days and moments as people, spreadsheets and programs write them."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smartcity_saas.clock import is_near, is_past, read_day, read_moment, read_month

ZONE = "Asia/Shanghai"
NOW = datetime(2026, 11, 28, 20, tzinfo=UTC)
"""It is the 29th in the city."""


@given(st.dates(date(2000, 1, 1), date(2099, 12, 31)))
def test_a_day_in_every_usual_form(day: date) -> None:
    """ISO 8601 and what a Chinese spreadsheet shows and saves."""
    y, m, d = day.year, day.month, day.day
    for text in (
        day.isoformat(),
        f"{y}/{m}/{d}",
        f"{y}.{m:02}.{d}",
        f"{y}年{m}月{d}日",
        day.strftime("%Y%m%d"),
        "".join(chr(ord(c) + 0xFEE0) if c.isdigit() else c for c in day.isoformat()),
    ):
        assert read_day(text) == day
        assert read_day(f"{text}\n") is None
    assert read_month(f"{y}-{m:02}") == read_month(f"{y}年{m}月") == day.replace(day=1)


@pytest.mark.parametrize(
    "text",
    ["", "11/3/2026", "3.11.2026", "26/11/3", "2026-11", "2026-02-30", "1999-12-31", "46329"],
)
def test_what_is_no_day(text: str) -> None:
    """What could be another day, or a spreadsheet's own number of one, is none."""
    assert read_day(text) is None


def test_a_day_of_birth_lies_before_our_century() -> None:
    """Promise: who asks for the years before 2000 is given them, and nobody else."""
    assert read_day("1985年3月1日", first_year=1900) == date(1985, 3, 1)
    assert read_day("1899-12-31", first_year=1900) is None
    assert read_day("2100-01-01", first_year=1900) is None
    assert read_day("1985-03-01") is None


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-20T08:15",
        "2026/11/20 8:15",
        "2026-11-20T08:15:00+08:00",
        "2026-11-20T00:15Z",
        "2026年11月20日 8:15:00",
    ],
)
def test_a_moment_in_every_usual_form(text: str) -> None:
    """In the city's zone if it names none."""
    assert read_moment(text, ZONE) == datetime(2026, 11, 20, 0, 15, tzinfo=UTC)


@pytest.mark.parametrize(
    "text", ["", "2026-11-20", "2026/11/20", "2026-11-20T08", "2026-11-20T25:00", "08:15"]
)
def test_a_moment_wants_its_time(text: str) -> None:
    """A day alone is no moment: midnight would be a guess."""
    assert read_moment(text, ZONE) is None


def test_a_day_s_grace() -> None:
    """What has happened lies after now by a day at most, by the city's own days; what is to come
    by two years."""
    today = date(2026, 11, 29)
    assert is_past(today + timedelta(1), ZONE, NOW)
    assert not is_past(today + timedelta(2), ZONE, NOW)
    assert is_past(NOW + timedelta(hours=24), ZONE, NOW)
    assert not is_past(NOW + timedelta(hours=25), ZONE, NOW)
    assert is_near(today + timedelta(700), ZONE, NOW)
    assert not is_near(today.replace(year=2062), ZONE, NOW)
