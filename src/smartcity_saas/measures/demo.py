"""Sample measures, in demo mode only: made-up days, so that overviews and charts have something to show."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import insert

from smartcity_saas.clock import local_time, today_in
from smartcity_saas.configuration.city import City
from smartcity_saas.database import transaction
from smartcity_saas.measures.buckets import DAY, HOUR, MINUTE
from smartcity_saas.measures.counting import Measure
from smartcity_saas.measures.folding import note_days
from smartcity_saas.measures.models import CityHour, CityMeasure

LONG, SHORT = 400, 62
"""Days of history: of the cities that the documentation shows, and of the others."""
ROWS_AT_ONCE = 5_000
TYPICAL: Mapping[str, tuple[int, int, tuple[int, ...]]] = {
    "utility_bills": (38, 180, (5, 15, MINUTE, 5 * MINUTE)),
    "hospital_appointments": (52, 0, (12 * HOUR, DAY, 2 * DAY, 4 * DAY, 7 * DAY)),
    "traffic_tickets": (17, 200, (15, MINUTE, DAY, 2 * DAY, 4 * DAY)),
    "city_credit": (6, 0, (2 * DAY, 4 * DAY, 7 * DAY)),
}
"""Of a usual day: how many, what one costs (in the currency's main unit), how long they wait."""
BUSY = tuple(range(8, 22))
"""The hours of a day in which anything is done."""
LEVELS = (5, 4, 5, 5, 3, 5, 4, 5, 5, 2, 5, 4, 5, 5, 3, 5, 4, 5, 5, 1)
"""Ratings in the order in which they come, round and round."""
MISSED_DAYS_AGO = frozenset({16, 17})
"""Days of which nothing is known, as when a machine room moved: drawn as missing."""


def fill_measures(city: City, now: datetime, *, long: bool) -> None:
    """Write a city's sample days, outside any city.

    Args:
        city: Which.
        now: The time; today has what had happened by now.
        long: More than a year, and hours; else two months of days.
    """
    today, local = today_in(city.timezone, now), local_time(now, city.timezone)
    size = 0.5 + int(city.division_code[:4]) % 37 / 24
    rows: list[dict[str, Any]] = []
    hours: list[dict[str, Any]] = []
    for service, (usual, price, waits) in TYPICAL.items():
        if city.catalog[service].is_closed:
            continue
        for back in range(LONG if long else SHORT):
            if back in MISSED_DAYS_AGO and service == "traffic_tickets":
                continue
            day = today - timedelta(days=back)
            number = _number(usual * size * (1 - back / 2_000), day)
            if not back:
                number = round(number * _passed(local) / len(BUSY))
            own = {"city_id": city.id, "day": day, "service": service}
            rows += ({**own, **row} for row in _day(day, number, price, waits))
            if long and back < 60:
                hours += (
                    {**own, **row} for row in _hours(number, price, 24 if back else local.hour + 1)
                )
    with transaction() as session:
        for model, made in ((CityMeasure, rows), (CityHour, hours)):
            for start in range(0, len(made), ROWS_AT_ONCE):
                session.execute(insert(model), made[start : start + ROWS_AT_ONCE])
        note_days((row["city_id"], row["day"]) for row in rows)


def _passed(local: datetime) -> float:
    """How many of a day's busy hours are over, of the one under way as much as has passed."""
    whole = sum(one < local.hour for one in BUSY)
    return whole + (local.minute / 60 if local.hour in BUSY else 0)


def _number(usual: float, day: date) -> int:
    """How many on a day: fewer at weekends, a little up and down."""
    swing = 1 + ((day.toordinal() * 37) % 23 - 11) / 70
    return max(0, round(usual * swing * (0.55 if day.weekday() > 4 else 1)))


def _day(day: date, number: int, price: int, waits: tuple[int, ...]) -> Iterator[dict[str, Any]]:
    seed = day.toordinal()
    failed, late, off = number * (seed % 5) // 110, number * (seed % 7) // 55, number // 19
    told = {
        (Measure.OFFERED, ""): 1,
        (Measure.BEGUN, ""): number + off,
        (Measure.DONE, ""): number - failed,
        (Measure.FAILED, ""): failed,
        (Measure.LATE, ""): late,
        (Measure.CALLED_OFF, ""): off,
        (Measure.REFUSED, "conflict"): number // 26,
        (Measure.AMOUNT, "CNY"): number * price * 100 + number * (seed % 90),
    }
    left = number
    for place, bound in enumerate(waits):
        here = left if bound == waits[-1] else (left * (5 - place % 3)) // 9
        told[Measure.WAIT, str(bound)] = here
        left -= here
    answers = number // 4
    for level, people in sample_ratings(answers, day).items():
        told[Measure.RATING, str(level)] = people
    told[Measure.NOT_SOLVED, ""] = answers // 40
    for (measure, detail), value in told.items():
        if value:
            yield {"channel": "web", "measure": measure.value, "detail": detail, "value": value}


def sample_ratings(answers: int, day: date) -> Counter[int]:
    """How many rated at each level on a day: nine of ten are satisfied, and few answers a day come to
    as many over the days as many answers do on one."""
    start = day.toordinal() * 7  # has no factor in common with the length of the round
    return Counter(LEVELS[(start + place) % len(LEVELS)] for place in range(answers))


def _hours(number: int, price: int, until: int) -> Iterator[dict[str, Any]]:
    """A day's acts over its hours, most of them in the daytime."""
    span = [hour for hour in BUSY if hour < until]
    for place, hour in enumerate(span):
        value = number // len(span) + (place < number % len(span))
        for measure in (Measure.BEGUN, Measure.DONE):
            if value:
                yield {"hour": hour, "measure": measure.value, "detail": "", "value": value}
        if value and price:
            paid = value * price * 100
            yield {"hour": hour, "measure": Measure.AMOUNT.value, "detail": "CNY", "value": paid}
