"""The overview of one city, for its own staff: exact numbers, which do not leave it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from flask_babel import gettext

from smartcity_saas.clock import today_in
from smartcity_saas.configuration.city import City
from smartcity_saas.connectors.attention import outage_attention
from smartcity_saas.identity.staff.roles import StaffMember
from smartcity_saas.measures import recent_outages, series_of
from smartcity_saas.measures.so_far import days_compared, so_far
from smartcity_saas.outbox import Backlog, backlogs, worker_seen
from smartcity_saas.portals.host_words import host_attention
from smartcity_saas.portals.overviews.helped import Helped, helped_of
from smartcity_saas.portals.overviews.months import Month, days_shown, months_of
from smartcity_saas.portals.overviews.needs import Need, collected, needs_of, worker_silent
from smartcity_saas.portals.overviews.running import Running, running_of
from smartcity_saas.portals.overviews.today import TodayCard, money_card, today_cards
from smartcity_saas.tenancy.context import tenant_context


@dataclass(frozen=True)
class CityOverview:
    """What staff of a city see first."""

    city: City
    at: datetime
    today: list[TodayCard]
    needs: list[Need]
    running: Running
    months: list[Month]
    helped: list[Helped]

    @property
    def first_share(self) -> float:
        """The share at which the line of satisfaction begins: a half, or nothing where one is below."""
        intervals = [one.interval for one in self.helped if one.interval is not None]
        return 0.5 if all(interval.low >= 0.5 for interval in intervals) else 0.0

    def data(self) -> dict[str, Any]:
        """The same for a program; docs/operations.md says what the keys are."""
        return {
            "city": self.city.slug,
            "at": self.at.isoformat(),
            "day": today_in(self.city.timezone, self.at).isoformat(),
            "today": [card.data() for card in self.today],
            "needs": [need.data() for need in self.needs],
            "running": self.running.data(),
            "last_30_days": [month.data() for month in self.months],
            "satisfaction": [one.data() for one in self.helped],
        }


def city_overview(city: City, member: StaffMember, now: datetime) -> CityOverview:
    """The overview of a city, for whoever looks: what they may not open is left out.

    Outside the city it reads of the worker, the tasks that are due and the city's hosts; inside it the
    measures, and what waits from whoever tells it.
    """
    seen, backlog = worker_seen(), backlogs(now, [city.id]).get(city.id, Backlog())
    today = today_in(city.timezone, now)
    yesterday = today - timedelta(days=1)
    zones = {city.id: city.timezone}
    with tenant_context(city.id):
        sums = series_of([city.id], {*days_compared(today), *days_shown(yesterday)})
        figures, outages = so_far(zones, now, sums), recent_outages(zones, now)
        waiting = [*outage_attention(city, outages, now), *collected(now)]
        helped = helped_of(city, member, yesterday)
    months = months_of(city, member, yesterday, sums)
    waiting += host_attention(city)
    running = running_of(city, seen, backlog, outages, now)
    if not running.lives:
        waiting.append(worker_silent(seen))
    return CityOverview(
        city=city,
        at=now,
        today=[
            *today_cards(city, member, figures, outages),
            money_card(city, member, figures, gettext("Money taken")),
        ],
        needs=needs_of(city, member, waiting, now),
        running=running,
        months=months,
        helped=helped,
    )
