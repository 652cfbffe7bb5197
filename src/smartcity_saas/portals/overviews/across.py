"""Many cities at a glance, for a province and the operator: by platform rows alone, and with small
counts left out, since they leave the city here."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from flask_babel import gettext, ngettext

from smartcity_saas.catalog.service import Service
from smartcity_saas.configuration.city import City
from smartcity_saas.configuration.host_ownership import troubled_hosts
from smartcity_saas.configuration.states import HostState
from smartcity_saas.measures import RecentOutage, recent_outages, suppressed
from smartcity_saas.measures.reading import Key
from smartcity_saas.measures.so_far import SoFar, Weeks, compared, so_far, together
from smartcity_saas.measures.usual import Deviation, Usual, usual_of
from smartcity_saas.outbox import Backlog, backlogs, runner_states, worker_seen
from smartcity_saas.outbox.heartbeats import SILENT
from smartcity_saas.portals.host_words import STATES
from smartcity_saas.portals.live_checks import city_issues
from smartcity_saas.portals.overviews.running import Running, processes_of
from smartcity_saas.portals.overviews.today import TodayCard
from smartcity_saas.tenancy.city_services import city_services
from smartcity_saas.tenancy.quota_attention import strain_words
from smartcity_saas.tenancy.quota_use import TITLES, Strain, strained
from smartcity_saas.texts import Text
from smartcity_saas.web.formats import moment_of
from smartcity_saas.web.languages import local

OVERDUE = timedelta(minutes=10)
"""Tasks that have been due for longer than this wait too long."""


@dataclass(frozen=True)
class Reason:
    """Why a city needs someone: for programs a kind, for people words, and how it looks."""

    kind: str
    text: Text
    tone: str


@dataclass(frozen=True)
class CityState:
    """One city: why it needs someone, and what was done today, None where that is too small to leave
    it (``small``) or nothing is known."""

    city: City
    reasons: tuple[Reason, ...]
    today: int | None
    small: bool
    usual: Usual | None

    @property
    def deviation(self) -> Deviation:
        """How today stands to the usual day."""
        if self.today is None or self.usual is None:
            return Deviation.UNKNOWN
        return self.usual.deviation(self.today)

    @property
    def order(self) -> tuple[int, int, str]:
        """Those with faults first, then those with warnings, the more the earlier."""
        errors = sum(one.tone == "error" for one in self.reasons)
        return -errors, -len(self.reasons), self.city.division_code

    def data(self) -> dict[str, Any]:
        """The same for a program."""
        return {
            "city": self.city.slug,
            "needs": [{"kind": one.kind, "text": str(one.text)} for one in self.reasons],
            "done_today": self.today,
            "small": self.small,
            "deviation": self.deviation.value,
        }


@dataclass(frozen=True)
class Across:
    """What a province or the operator sees first."""

    at: datetime
    today: list[TodayCard]
    running: Running
    cities: list[CityState]

    @property
    def needing(self) -> list[CityState]:
        """The cities that need someone."""
        return [one for one in self.cities if one.reasons]

    def data(self) -> dict[str, Any]:
        """The same for a program; docs/operations.md says what the keys are."""
        return {
            "at": self.at.isoformat(),
            "today": [card.data() for card in self.today],
            "running": self.running.data(),
            "cities": [one.data() for one in self.cities],
        }


def across(
    cities: Sequence[City],
    broken: Mapping[str, Any],
    now: datetime,
    url: str,
    *,
    with_processes: bool = False,
) -> Across:
    """The overview of some cities, in seven statements whatever their number.

    Args:
        cities: Those within the reach of whoever looks.
        broken: By slug why the newest revision of a city is not served.
        now: The time.
        url: Where the cards lead to.
        with_processes: Tell the platform's own processes too: for the operator.
    """
    zones = {city.id: city.timezone for city in cities if city.is_live}
    figures, outages = so_far(zones, now), recent_outages(zones, now)
    tasks, runners = backlogs(now, [city.id for city in cities]), runner_states()
    seen = worker_seen(runners)
    processes = processes_of(runners, now) if with_processes else ()
    states = _states(cities, broken, figures, outages, tasks, strained(now), troubled_hosts(), now)
    return Across(
        at=now,
        today=_cards(cities, figures, url),
        running=Running(seen, seen is not None and now - seen < SILENT, _sum(tasks), {}, processes),
        cities=sorted(states, key=lambda one: one.order),
    )


def _cards(cities: Sequence[City], figures: Mapping[Key, SoFar], url: str) -> list[TodayCard]:
    """A card for each service; the cities' own sums stand beside them, so their sum is known too."""
    services: dict[str, Service] = {}
    for city in cities:
        services |= city_services(city)
    found = {
        name: [figures[city.id, name].done for city in cities if (city.id, name) in figures]
        for name in services
    }
    sums = {name: compared(weeks) for name, weeks in found.items() if weeks}
    values = {name: round(value) for name, (value, _usual, _number) in sums.items()}
    told = suppressed(values, total_known=True)
    return [
        TodayCard(
            title=local(services[name].title),
            icon=services[name].icon,
            url=url,
            service=name,
            value=told[name],
            usual=usual if told[name] is not None else None,
            small=told[name] is None,
            cities=(number, len(found[name])),
        )
        for name, (_value, usual, number) in sums.items()
    ]


def _states(
    cities: Sequence[City],
    broken: Mapping[str, Any],
    figures: Mapping[Key, SoFar],
    outages: Mapping[Key, RecentOutage],
    tasks: Mapping[int, Backlog],
    strains: Mapping[int, Sequence[Strain]],
    hosts: Mapping[int, Sequence[tuple[str, HostState]]],
    now: datetime,
) -> Iterator[CityState]:
    own = {city.id: _all_services(city, figures) for city in cities}
    today = {city: round(weeks[0]) for city, weeks in own.items() if 0 in weeks}
    told = suppressed(today, total_known=True)
    for city in cities:
        value = told.get(city.id)
        usual = usual_of([number for week, number in own[city.id].items() if week])
        state = CityState(
            city,
            (),
            value,
            city.id in today and value is None,
            usual if value is not None else None,
        )
        reasons = (
            *_faults(city, broken, outages, tasks.get(city.id, Backlog()), now),
            *_hosts(hosts.get(city.id, ())),
            *_strains(strains.get(city.id, ())),
            *_warnings(city, state.deviation, tasks.get(city.id, Backlog()), now),
        )
        yield CityState(city, reasons, state.today, state.small, state.usual)


def _faults(
    city: City,
    broken: Mapping[str, Any],
    outages: Mapping[Key, RecentOutage],
    backlog: Backlog,
    now: datetime,
) -> Iterator[Reason]:
    if city.slug in broken:
        yield Reason("configuration.broken", gettext("An earlier revision is in use"), "error")
    for (key, name), outage in outages.items():
        if key == city.id and name in city_services(city):
            yield Reason("connectors.down", _outage(name, outage, city, now), "error")
    if backlog.failed:
        words = ngettext("%(num)s task failed", "%(num)s tasks failed", backlog.failed)
        yield Reason("outbox.failed", words, "error")


def _outage(name: str, outage: RecentOutage, city: City, now: datetime) -> str:
    title = local(city_services(city)[name].title)
    if outage.is_down(now):
        since = moment_of(outage.since, city.timezone)
        return str(gettext("%(service)s: no answer since %(since)s", service=title, since=since))
    until = moment_of(outage.until, city.timezone)
    return str(gettext("%(service)s: no answer until %(until)s", service=title, until=until))


def _hosts(hosts: Sequence[tuple[str, HostState]]) -> Iterator[Reason]:
    for host, state in hosts:
        words, tone, _icon = STATES[state]
        yield Reason(f"hosts.{state.value}", f"{host}: {words}", tone)


def _strains(strains: Sequence[Strain]) -> Iterator[Reason]:
    for one in strains:
        if one.quota in TITLES:
            kind = "quotas.reached" if one.is_reached else "quotas.near"
            yield Reason(kind, strain_words(one), "warn")


def _warnings(
    city: City, deviation: Deviation, backlog: Backlog, now: datetime
) -> Iterator[Reason]:
    if backlog.oldest_due is not None and now - backlog.oldest_due > OVERDUE:
        since = moment_of(backlog.oldest_due, city.timezone)
        words = gettext("Tasks have been waiting since %(since)s", since=since)
        yield Reason("outbox.waiting", words, "warn")
    if deviation is Deviation.FAR_FEWER:
        yield Reason("measures.far_fewer", gettext("Far fewer than usual today"), "warn")
    for flag in city.flags:
        yield Reason("configuration.flag", flag.message, "warn")
    for issue in city_issues(city):
        yield Reason("readiness", issue, "warn")


def _all_services(city: City, figures: Mapping[Key, SoFar]) -> Weeks:
    found = [own.done for (key, _name), own in figures.items() if key == city.id and 0 in own.done]
    return together(found)


def _sum(tasks: Mapping[int, Backlog]) -> Backlog:
    found = tasks.values()
    return Backlog(
        sum(one.waiting for one in found),
        min((one.oldest_due for one in found if one.oldest_due), default=None),
        sum(one.failed for one in found),
        min((one.oldest_failed for one in found if one.oldest_failed), default=None),
    )
