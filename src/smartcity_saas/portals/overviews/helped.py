"""Did it help: how many of those who rated were satisfied."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from smartcity_saas.configuration.city import City
from smartcity_saas.identity.staff.roles import StaffMember
from smartcity_saas.measures import Totals, Window, published, totals_of
from smartcity_saas.measures.intervals import Interval, share_interval
from smartcity_saas.measures.reading import Key
from smartcity_saas.portals.overviews.months import DAYS
from smartcity_saas.portals.overviews.today import service_url
from smartcity_saas.product import product
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
    """The satisfaction with each service of the current city over thirty days, in two statements."""
    window = Window.ending(yesterday, DAYS)
    now, then = totals_of([city.id], window), totals_of([city.id], window.before)
    return [
        _helped(city, member, name, now, then)
        for name in product().services
        if not city.catalog[name].is_closed or (city.id, name) in now
    ]


def _helped(
    city: City,
    member: StaffMember,
    name: str,
    now: Mapping[Key, Totals],
    then: Mapping[Key, Totals],
) -> Helped:
    totals = now.get((city.id, name), Totals())
    return Helped(
        title=local(product().services[name].title),
        url=service_url(city, member, name),
        service=name,
        answers=totals.answers,
        share=published(totals).satisfied,
        before=published(then.get((city.id, name), Totals())).satisfied,
    )


def _rounded(share: float | None) -> float | None:
    return round(share, 4) if share is not None else None
