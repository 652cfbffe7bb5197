"""Did it help: how many of those who rated were satisfied."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from smartcity_saas.configuration.city import City
from smartcity_saas.identity.staff.roles import StaffMember
from smartcity_saas.measures import Totals, Window, published
from smartcity_saas.measures.intervals import Interval, share_interval
from smartcity_saas.measures.reading import periods_of
from smartcity_saas.portals.overviews.months import DAYS
from smartcity_saas.portals.overviews.today import service_url
from smartcity_saas.tenancy.city_services import city_services
from smartcity_saas.web.languages import local


@dataclass(frozen=True)
class Helped:
    """One service: who answered, the share that was satisfied with its interval, and the share of the
    thirty days before. Shares are None under 30 answers."""

    title: str
    url: str
    service: str
    answers: int
    share: float | None
    before: float | None

    @property
    def interval(self) -> Interval | None:
        """Where the true share lies, 95 times in 100."""
        return share_interval(self.share, self.answers) if self.share is not None else None

    def data(self) -> dict[str, Any]:
        """The same for a program."""
        interval = self.interval
        return {
            "service": self.service,
            "answers": self.answers,
            "satisfied": _rounded(self.share),
            "low": _rounded(interval.low if interval else None),
            "high": _rounded(interval.high if interval else None),
            "before": _rounded(self.before),
        }


def helped_of(city: City, member: StaffMember, yesterday: date) -> list[Helped]:
    """The satisfaction with each service of the current city over thirty days, in one statement."""
    window = Window.ending(yesterday, DAYS)
    periods = periods_of([city.id], [window.before, window])
    found = {name: periods.get((city.id, name), {}) for name in city_services(city)}
    return [
        _helped(city, member, name, own.get(1, Totals()), own.get(0, Totals()))
        for name, own in found.items()
        if not city.catalog[name].is_closed or 1 in own
    ]


def _helped(city: City, member: StaffMember, name: str, now: Totals, then: Totals) -> Helped:
    return Helped(
        title=local(city_services(city)[name].title),
        url=service_url(city, member, name),
        service=name,
        answers=now.answers,
        share=published(now).satisfied,
        before=published(then).satisfied,
    )


def _rounded(share: float | None) -> float | None:
    return round(share, 4) if share is not None else None
