"""The rules of booking, as properties."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

from hypothesis import given
from hypothesis import strategies as st

from smartcity_saas.services.hospital_appointments.rules import Rules

ZONES = st.sampled_from(["Asia/Shanghai", "Asia/Urumqi", "Europe/Berlin", "America/New_York"])
MOMENTS = st.datetimes(datetime(2020, 1, 1), datetime(2035, 1, 1)).map(
    lambda at: at.replace(tzinfo=UTC)
)


@given(ZONES, MOMENTS, st.integers(1, 60), st.times(time(0), time(23, 59)))
def test_the_next_release_is_the_next(zone: str, now: datetime, days: int, at: time) -> None:
    """It lies ahead, within a day (and an hour where clocks change), and opens a day that is
    not open yet; the day before it is."""
    rules = Rules(zone, days_ahead=days, release_time=at.replace(second=0, microsecond=0))
    release, day = rules.next_release(now)
    assert now < release <= now + timedelta(hours=25)
    assert not rules.is_released(day, now)
    assert rules.is_released(day, release)
    assert rules.is_released(day - timedelta(days=1), now)
    assert rules.days(now)[0] == rules.today(now)


@given(ZONES, MOMENTS, st.integers(0, 14), st.times())
def test_the_deadline_is_never_after_the_appointment(
    zone: str, starts_at: datetime, days: int, at: time
) -> None:
    """Whatever the city says."""
    rules = Rules(zone, cancel_days=days, cancel_time=at)
    assert rules.cancel_until(starts_at) <= starts_at


@given(st.lists(MOMENTS, max_size=8), MOMENTS, st.integers(0, 5), st.integers(1, 400))
def test_missed_appointments_are_forgiven(
    missed: list[datetime], now: datetime, most: int, within: int
) -> None:
    """Few or old ones block nobody; a block always ends; with 0 there is none."""
    rules = Rules("Asia/Shanghai", no_shows=most, no_show_days=within, blocked_days=30)
    until = rules.blocked_until(missed, now)
    recent = [at for at in missed if at > now - timedelta(days=within)]
    if not most or len(recent) < most:
        assert until is None
    if until is not None:
        assert now < until <= max(recent) + timedelta(days=30)
        assert rules.blocked_until(missed, until) is None


@given(st.integers(1, 400), st.integers(15, 480), st.integers(5, 120))
def test_places_have_times_within_the_session(capacity: int, minutes: int, slot: int) -> None:
    """In order, from its start, none after its end; and spread: no slot has twice as many as
    another and one more."""
    start = datetime(2026, 11, 26, 0, tzinfo=UTC)
    rules = Rules("Asia/Shanghai", slot_minutes=slot)
    times = rules.place_times(start, start + timedelta(minutes=minutes), capacity)
    assert len(times) == capacity
    assert times == sorted(times)
    assert times[0] == start
    assert times[-1] < start + timedelta(minutes=minutes)
    counts = [times.count(at) for at in set(times)]
    assert max(counts) - min(counts) <= 1


CHANGES = [
    ("America/New_York", date(2026, 3, 8)),
    ("America/New_York", date(2026, 11, 1)),
    ("Europe/Berlin", date(2026, 3, 29)),
    ("Europe/Berlin", date(2026, 10, 25)),
    ("Australia/Lord_Howe", date(2026, 10, 4)),
    ("Asia/Shanghai", date(2026, 3, 8)),
]


@given(
    st.sampled_from(CHANGES), st.integers(0, 20), st.integers(2, 12), st.integers(1, 30),
    st.integers(10, 60),
)  # fmt: skip
def test_places_where_the_clocks_change(
    change: tuple[str, date], begins: int, halves: int, capacity: int, slot: int
) -> None:
    """Spread over the time that passes: no more places at one time than the spread gives, none
    outside the session, whichever way the clocks go."""
    zone, day = change
    rules = Rules(zone, slot_minutes=slot)
    starts_at = rules.local(day, time(begins // 4))
    ends_at = rules.local(day, time(begins // 4 + halves // 2, 30 * (halves % 2)))
    passes = ends_at.astimezone(UTC) - starts_at.astimezone(UTC)
    if passes <= timedelta():
        return
    times = rules.place_times(starts_at, ends_at, capacity)
    assert times == sorted(times)
    assert times[0] == starts_at.astimezone(UTC)
    assert times[-1] < ends_at.astimezone(UTC)
    slots = -(-passes // timedelta(minutes=slot))
    assert max(times.count(at) for at in times) <= -(-capacity // slots)


def test_six_places_across_the_hour_that_is_skipped() -> None:
    """Two hours pass between 1 and 4 o'clock: six places at four times, by UTC."""
    rules = Rules("America/New_York")
    day = date(2026, 3, 8)
    times = rules.place_times(rules.local(day, time(1)), rules.local(day, time(4)), 4)
    assert [f"{at:%H:%M}" for at in times] == ["06:00", "06:30", "07:00", "07:30"]


def test_settings_become_rules() -> None:
    """Every setting reaches its rule."""
    rules = Rules.of(
        {
            "days_ahead": 3,
            "release_time": "18:00",
            "cancel": {"days_before": 2, "time": "12:30"},
            "limits": {"per_department": 2, "per_patient": 9},
            "no_shows": {"most": 1, "within_days": 10, "blocked_days": 5},
            "offer_minutes": 20,
            "most_waiting": 7,
            "slot_minutes": 15,
        },
        "Asia/Shanghai",
    )
    assert rules == Rules("Asia/Shanghai", 3, time(18), 2, time(12, 30), 2, 9, 1, 10, 5, 20, 7, 15)
    assert rules.opens_at(date(2026, 11, 30)).isoformat() == "2026-11-27T18:00:00+08:00"
