"""What was done until this time of the day, today and on the last eight same weekdays."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

from smartcity_saas.clock import local_time, today_in
from smartcity_saas.measures.counting import Measure
from smartcity_saas.measures.reading import Key, series_of, until_hour
from smartcity_saas.measures.usual import FEWEST_DAYS, Usual, same_weekdays, usual_of

Weeks = dict[int, float]
"""Numbers by how many weeks ago, 0 being today; a day of which nothing is known is left out."""


@dataclass
class SoFar:
    """One service in one city until this time of the day: what was done, and money in minor units by
    currency."""

    done: Weeks = field(default_factory=dict)
    amounts: dict[str, Weeks] = field(default_factory=dict)


def days_compared(today: date) -> list[date]:
    """The days that ``so_far`` reads: today, and the same weekdays before it."""
    return [today, *same_weekdays(today)]


def so_far(
    zones: Mapping[int, str], now: datetime, sums: Mapping[Key, Mapping[date, int]] | None = None
) -> dict[Key, SoFar]:
    """What was done until this time of the day, by city and service, in two statements a time zone.

    Of the hour under way as much counts, on the days before, as of it has passed. A day is known where
    its hours are, or where nothing was done on it; one whose sum is known without its hours is not.

    Args:
        zones: The cities, each with its zone (IANA); inside a city its own alone.
        now: The time.
        sums: What ``series_of`` gave of these cities for days that ``days_compared`` are among; asked
            for by default.
    """
    cities: dict[str, list[int]] = defaultdict(list)
    for city, zone in zones.items():
        cities[zone].append(city)
    found: dict[Key, SoFar] = {}
    for zone, here in cities.items():
        found |= _in_zone(here, zone, now, sums)
    return found


def _in_zone(
    cities: Collection[int],
    zone: str,
    now: datetime,
    given: Mapping[Key, Mapping[date, int]] | None,
) -> dict[Key, SoFar]:
    local, days = local_time(now, zone), days_compared(today_in(zone, now))
    weeks = {day: place for place, day in enumerate(days)}
    sums = series_of(cities, days) if given is None else _on(weeks, cities, given)
    hours = until_hour(cities, days, local.hour, (Measure.DONE, Measure.AMOUNT))
    found: dict[Key, SoFar] = {}
    for key, whole in sums.items():
        here = hours.get(key, {})
        counted = here.get((Measure.DONE, ""), {})
        own = found[key] = SoFar()
        for day, total in whole.items():
            if day in counted or not total or not weeks[day]:
                own.done[weeks[day]] = _until(counted.get(day), weeks[day], local)
        for (measure, currency), by_day in here.items():
            if measure == Measure.AMOUNT:
                own.amounts[currency] = {
                    week: _until(by_day.get(days[week]), week, local) for week in own.done
                }
    return found


def _on(
    days: Collection[date], cities: Collection[int], sums: Mapping[Key, Mapping[date, int]]
) -> dict[Key, dict[date, int]]:
    """The sums of some cities on some days; a service of which nothing is known on them is left out."""
    kept = {
        key: {day: total for day, total in whole.items() if day in days}
        for key, whole in sums.items()
        if key[0] in cities
    }
    return {key: whole for key, whole in kept.items() if whole}


def _until(parts: tuple[int, int] | None, week: int, local: datetime) -> float:
    """What had come by this time, of the hours before and of the one under way; all of today's."""
    if parts is None:
        return 0.0
    before, during = parts
    return before + (during * local.minute / 60 if week else during)


def compared(found: Collection[Weeks]) -> tuple[float, Usual | None, int]:
    """Several cities' numbers together, beside what is usual for just these cities.

    Where some of them have no usual day yet, those that have are compared and the others left out; a
    day counts where it is known of every city that is compared.

    Returns:
        Today's sum, what is usual (None where nothing can be compared), and of how many cities.
    """
    today = [weeks for weeks in found if 0 in weeks]
    usable = [weeks for weeks in today if len(weeks) > FEWEST_DAYS]
    shared = _shared(usable)
    if len(shared) < FEWEST_DAYS:
        most = max((len(weeks) for weeks in usable), default=0)
        usable = [weeks for weeks in usable if len(weeks) == most]
        shared = _shared(usable)
    if not usable or len(shared) < FEWEST_DAYS:
        return sum(weeks[0] for weeks in today), None, len(today)
    usual = usual_of([sum(weeks[week] for weeks in usable) for week in shared])
    return sum(weeks[0] for weeks in usable), usual, len(usable)


def together(found: Sequence[Weeks]) -> Weeks:
    """The sums of several services of one city, on the days that are known of each."""
    return {
        week: sum(one[week] for one in found) for week in (0, *_shared(found)) if _all(found, week)
    }


def _shared(found: Sequence[Weeks]) -> list[int]:
    """The weeks before this one that are known of all."""
    weeks = set.intersection(*(set(one) for one in found)) if found else set()
    return sorted(weeks - {0})


def _all(found: Sequence[Weeks], week: int) -> bool:
    return bool(found) and all(week in one for one in found)
