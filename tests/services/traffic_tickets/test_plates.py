"""Tails, licences and scoring years."""

from __future__ import annotations

from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from smartcity_saas.services.traffic_tickets.plates import licence_of, scoring_year, tail_of


@given(st.text(max_size=20))
def test_whatever_is_typed_is_a_tail_or_none(typed: str) -> None:
    """Six characters, or nothing."""
    tail = tail_of(typed)
    assert tail is None or len(tail) == 6


@given(st.from_regex(r"[1-9][0-9]{16}", fullmatch=True))
def test_one_check_character_in_eleven_fits(body: str) -> None:
    """GB 11643: of the eleven that could stand last, one does."""
    assert sum(licence_of(body + last) is not None for last in "0123456789X") == 1
    assert licence_of(body.lower() + "y") is None


@given(st.dates(date(1970, 1, 1), date(2026, 1, 1)), st.dates(date(2026, 1, 2), date(2040, 1, 1)))
def test_a_day_lies_in_its_scoring_year(issued: date, today: date) -> None:
    """From the day of the first issue, twelve months, also for the 29th of February."""
    start, end = scoring_year(issued, today)
    assert start <= today < end
    assert timedelta(365) <= end - start <= timedelta(367)
    assert scoring_year(issued, end)[0] == end
