"""Today beside the usual day."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask import url_for

from smartcity_saas.configuration.city import City
from smartcity_saas.identity.staff.roles import StaffMember
from smartcity_saas.measures import RecentOutage
from smartcity_saas.measures.reading import Key
from smartcity_saas.measures.so_far import SoFar, Weeks, together
from smartcity_saas.measures.usual import Deviation, Usual, usual_of
from smartcity_saas.tenancy.city_services import city_services
from smartcity_saas.texts import Text
from smartcity_saas.web import charts
from smartcity_saas.web.languages import local


@dataclass(frozen=True, kw_only=True)
class TodayCard:
    """One number of today. ``value`` is None where nothing is known of today, or where it is too
    small to leave the city (``small``). ``currency`` is that of money, in minor units. ``cities`` says
    of how many cities, of how many, where it is a sum."""

    title: Text
    icon: str
    url: str
    service: str | None
    value: int | None
    usual: Usual | None
    currency: str = ""
    since: datetime | None = None
    small: bool = False
    cities: tuple[int, int] | None = None

    @property
    def deviation(self) -> Deviation:
        """How it stands to the usual day."""
        if self.value is None or self.usual is None:
            return Deviation.UNKNOWN
        return self.usual.deviation(self.value)

    @property
    def strip(self) -> charts.Strip | None:
        """The value on its strip."""
        if self.value is None or self.usual is None:
            return None
        usual = self.usual
        return charts.strip(self.value, usual.low, usual.high, usual.middle, usual.width)

    def data(self) -> dict[str, Any]:
        """The same for a program."""
        usual = self.usual
        return {
            "service": self.service,
            "measure": "amount" if self.currency else "done",
            "currency": self.currency or None,
            "value": self.value,
            "small": self.small,
            "usual": usual
            and {
                "low": usual.low,
                "middle": round(usual.middle),
                "high": usual.high,
                "days": usual.days,
            },
            "deviation": self.deviation.value,
            "outage_since": self.since.isoformat() if self.since else None,
            **({"cities": list(self.cities)} if self.cities else {}),
        }


def today_cards(
    city: City,
    member: StaffMember,
    found: Mapping[Key, SoFar],
    outages: Mapping[Key, RecentOutage],
) -> list[TodayCard]:
    """The cards of one city: a service each, those that are paused or have had anything too, and the
    money taken."""
    cards = []
    for name, service in city_services(city).items():
        own = found.get((city.id, name), SoFar())
        if city.catalog[name].is_closed and not own.done:
            continue
        outage = outages.get((city.id, name))
        cards.append(
            TodayCard(
                title=local(service.title),
                icon=service.icon,
                url=service_url(city, member, name),
                service=name,
                value=_whole(own.done),
                usual=_usual(own.done),
                since=outage.since if outage else None,
            )
        )
    return cards


def money_card(
    city: City, member: StaffMember, found: Mapping[Key, SoFar], title: Text
) -> TodayCard:
    """The money that came in today, in the city's currency, over all services."""
    currency = city.currency
    parts = [own.amounts[currency] for own in found.values() if currency in own.amounts]
    weeks = together(parts) if parts else _nothing(found)
    may = member.may("city.finance", reading=True)
    return TodayCard(
        title=title,
        icon="cash",
        url=f"/cities/{city.slug}/payments" if may else f"/cities/{city.slug}",
        service=None,
        value=_whole(weeks),
        usual=_usual(weeks),
        currency=currency,
    )


def service_url(city: City, member: StaffMember, name: str) -> str:
    """Where a service is looked after: its desk, for whoever may see it, else the catalog."""
    service = city_services(city)[name]
    if service.desk_landing and member.may("city.desk", service=name, reading=True):
        return url_for(service.desk_landing, city=city.slug, **service.landing_arguments)
    return f"/cities/{city.slug}"


def _nothing(found: Mapping[Key, SoFar]) -> Weeks:
    """Nothing taken on the days of which anything is known."""
    return {week: 0.0 for own in found.values() for week in own.done}


def _whole(weeks: Weeks) -> int | None:
    return round(weeks[0]) if 0 in weeks else None


def _usual(weeks: Weeks) -> Usual | None:
    return usual_of([value for week, value in weeks.items() if week])
