"""Counts a day: the only thing of a city that provinces and the operator see across cities."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from datetime import date, datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Mapped, mapped_column

from smartcity_saas import scope
from smartcity_saas.database import PlatformModel, command, db, upsert_into
from smartcity_saas.database.models import BigKey


class CityCount(PlatformModel):
    """How often something was done in one city on one day."""

    __tablename__ = "city_count"

    city_id: Mapped[int] = mapped_column(BigKey, primary_key=True, autoincrement=False)
    day: Mapped[date] = mapped_column(primary_key=True)
    metric: Mapped[str] = mapped_column(primary_key=True)
    value: Mapped[int] = mapped_column(default=0)


def count(metric: str, now: datetime, times: int = 1) -> None:
    """Count something done in the city that we are in, in its own transaction."""
    city_id, day = scope.city_id(), now.date()
    key = ["city_id", "day", "metric"]
    with command() as session:
        session.execute(
            upsert_into(CityCount)
            .values(city_id=city_id, day=day, metric=metric, value=times)
            .on_conflict_do_update(index_elements=key, set_={"value": CityCount.value + times})
        )


def daily(
    city_ids: Collection[int], metric: str, last: date, days: int = 30
) -> dict[int, list[int]]:
    """A series of days for each city, the oldest first, zeros where nothing was counted."""
    first = last - timedelta(days=days - 1)
    found: dict[int, list[int]] = defaultdict(lambda: [0] * days)
    rows = db.session.execute(
        select(CityCount.city_id, CityCount.day, CityCount.value).where(
            CityCount.city_id.in_(list(city_ids)),
            CityCount.metric == metric,
            CityCount.day >= first,
            CityCount.day <= last,
        )
    )
    for city_id, day, value in rows:
        found[city_id][(day - first).days] = value
    return {city_id: found[city_id] for city_id in city_ids}
