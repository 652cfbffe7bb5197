"""Counts a day: the only thing of a city that provinces and the operator see across cities."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Mapped, mapped_column

from smartcity_saas.clock import today_in
from smartcity_saas.database import PlatformModel, db, transaction, upsert_into
from smartcity_saas.database.models import BigKey
from smartcity_saas.tenancy.current import current_city
from smartcity_saas.tenant_context import current_city_id


class CityCount(PlatformModel):
    """How often something was done in one city on one day of its own zone."""

    __tablename__ = "city_count"

    city_id: Mapped[int] = mapped_column(BigKey, primary_key=True, autoincrement=False)
    day: Mapped[date] = mapped_column(primary_key=True)
    metric: Mapped[str] = mapped_column(primary_key=True)
    value: Mapped[int] = mapped_column(default=0)


def count(metric: str, now: datetime, times: int = 1) -> None:
    """Count something done in the current city, on the city's own day."""
    city_id, day = current_city_id(), today_in(current_city().timezone, now)
    key = ["city_id", "day", "metric"]
    with transaction() as session:
        session.execute(
            upsert_into(CityCount)
            .values(city_id=city_id, day=day, metric=metric, value=times)
            .on_conflict_do_update(index_elements=key, set_={"value": CityCount.value + times})
        )


def daily(last_days: Mapping[int, date], metric: str, days: int = 30) -> dict[int, list[int]]:
    """A series of days for each city, the oldest first, zeros where nothing was counted.

    Args:
        last_days: The cities, each with the last day of its series: today in its own zone.
        metric: What was counted.
        days: How many.
    """
    firsts = {city: last - timedelta(days=days - 1) for city, last in last_days.items()}
    found: dict[int, list[int]] = {city: [0] * days for city in last_days}
    if not last_days:
        return found
    rows = db.session.execute(
        select(CityCount.city_id, CityCount.day, CityCount.value).where(
            CityCount.city_id.in_(list(last_days)),
            CityCount.metric == metric,
            CityCount.day >= min(firsts.values()),
            CityCount.day <= max(last_days.values()),
        )
    )
    for city_id, day, value in rows:
        place = (day - firsts[city_id]).days
        if 0 <= place < days:
            found[city_id][place] = value
    return found
