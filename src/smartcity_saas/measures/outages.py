"""Back offices that gave no answer lately, by the spans of five minutes that were counted.

Only calls are counted, and only where a resident or a task needs one: an office that nobody asks is
silent and not down, and one that failed an hour ago may answer by now.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from smartcity_saas.clock import read_moment, today_in
from smartcity_saas.measures.counting import OUTAGE_MINUTES, Measure
from smartcity_saas.measures.questions import Window
from smartcity_saas.measures.reading import Key, details_of

LATELY = timedelta(hours=1)
"""What failed longer ago than this is not told as an outage any more."""
TOGETHER = timedelta(minutes=30)
"""Failures no further apart than this are one outage."""
STILL = timedelta(minutes=15)
"""An office that failed in this last while is told as down."""


@dataclass(frozen=True)
class RecentOutage:
    """An outage of a back office that is going on, or ended within the last hour.

    ``since`` and ``until`` are the moments, in the city's zone, at which its first span began and
    its last one ended.
    """

    since: datetime
    until: datetime

    def is_down(self, now: datetime) -> bool:
        """Whether it failed just now."""
        return now - self.until < STILL


def recent_outages(zones: Mapping[int, str], now: datetime) -> dict[Key, RecentOutage]:
    """The outages of the last hour, by city and service.

    Args:
        zones: The cities, each with its zone (IANA); inside a city its own alone.
        now: The time.
    """
    today = {city: today_in(zone, now) for city, zone in zones.items()}
    if not today:
        return {}
    window = Window(min(today.values()) - timedelta(days=1), max(today.values()))
    spans = details_of(zones, window, Measure.OUTAGE)
    found = {
        key: outage_at(_moments(counted, zones[key[0]]), now) for key, counted in spans.items()
    }
    return {key: outage for key, outage in found.items() if outage is not None}


def _moments(counted: Iterable[tuple[date, str]], zone: str) -> list[datetime]:
    read = (read_moment(f"{day.isoformat()}T{began}", zone) for day, began in counted)
    return [moment for moment in read if moment is not None]


def outage_at(spans: Iterable[datetime], now: datetime) -> RecentOutage | None:
    """The outage that spans without answer make up at a moment; None where the last is long over.

    Args:
        spans: When each of them began, in any order.
        now: The time.
    """
    began = sorted(span for span in spans if span <= now)
    length = timedelta(minutes=OUTAGE_MINUTES)
    if not began or now - (began[-1] + length) > LATELY:
        return None
    since = until = began.pop()
    while began and since - began[-1] <= TOGETHER:
        since = began.pop()
    return RecentOutage(since, until + length)
