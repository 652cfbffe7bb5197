"""What a city took of its quotas, today and in the last two weeks."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from flask import render_template
from flask.typing import ResponseReturnValue

from smartcity_saas.clock import today_in
from smartcity_saas.configuration.city import City
from smartcity_saas.portals.city.blueprint import ROOT, blueprint, shell
from smartcity_saas.portals.overviews.answer import page_or_json
from smartcity_saas.tenancy.city_quotas import STORAGE
from smartcity_saas.tenancy.context import tenant_context
from smartcity_saas.tenancy.current import city_by_slug, current_time
from smartcity_saas.tenancy.quota_use import KEPT_DAYS, NEAR, TITLES, DayUse, Strain, use_by_day
from smartcity_saas.tenancy.storage import StorageUse, storage_use
from smartcity_saas.texts import Text
from smartcity_saas.web import charts


@dataclass(frozen=True)
class QuotaDays:
    """One quota with its days, the newest last; None on a day of which nothing is known."""

    name: str
    title: Text
    quota: int
    days: dict[date, DayUse | None]

    @property
    def today(self) -> DayUse:
        """What was taken so far today."""
        return list(self.days.values())[-1] or DayUse()

    @property
    def strain(self) -> Strain:
        """How near the quota was today."""
        return Strain(self.name, self.today.percent, self.today.refused)

    @property
    def refused(self) -> int:
        """How many were refused in all these days."""
        return sum(one.refused for one in self.days.values() if one is not None)

    @property
    def is_storage(self) -> bool:
        """Whether it is said in bytes, and stays used."""
        return self.name == STORAGE

    @property
    def chart(self) -> charts.ShareChart:
        """The drawing: of each day how much of the quota was used."""
        return charts.share_chart(
            [None if one is None else one.percent for one in self.days.values()]
        )

    def data(self) -> dict[str, Any]:
        """The same for a program."""
        return {
            "quota": self.name,
            "limit": self.quota,
            "days": [
                {"day": day.isoformat(), "used": one and one.used}
                | {"percent": one and one.percent, "refused": one and one.refused}
                for day, one in self.days.items()
            ],
        }


@blueprint.page(f"{ROOT}/use", permission="city.see")
def use(city: str) -> ResponseReturnValue:
    """Requests, tasks, calls and storage, each against its quota; as JSON for programs."""
    around = shell(city)
    found = _quotas(city_by_slug(city), current_time())
    return page_or_json(
        {"city": city, "quotas": [one.data() for one in found]},
        lambda: render_template(
            "city/use.html",
            quotas=found,
            near=NEAR,
            columns=[(str(one.title), "num") for one in found],
            **around,
        ),
    )


def _quotas(city: City, now: datetime) -> list[QuotaDays]:
    with tenant_context(city.id):
        taken, files = use_by_day(city, now), storage_use()
    today = today_in(city.timezone, now)
    days = [today - timedelta(days=back) for back in reversed(range(KEPT_DAYS))]
    found = []
    for name, title in TITLES.items():
        own = taken.get(name, {})
        known: dict[date, DayUse | None] = {day: own.get(day) for day in days}
        if name == STORAGE:
            known[today] = _measured(files, own.get(today))
        else:
            known = {day: one or DayUse() for day, one in known.items()}
        found.append(QuotaDays(name, title, getattr(city.quotas, name), known))
    return found


def _measured(files: StorageUse, today: DayUse | None) -> DayUse:
    percent = round(100 * files.used / files.quota)
    return DayUse(files.used, today.refused if today else 0, percent)
