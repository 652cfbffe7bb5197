"""What cities took of their quotas: counted in memory, written by hour once a minute, kept two weeks.

A request costs no statement: each process writes what it has counted since it last wrote, in one
statement for all cities. What a process counted in its last minute ends with it.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import BigInteger, bindparam, case, delete, func, select
from sqlalchemy.orm import Mapped, mapped_column

from smartcity_saas.clock import start_of_day, today_in
from smartcity_saas.configuration.city import City
from smartcity_saas.database import CITY, PlatformModel, db, run, table_of, transaction, upsert_into
from smartcity_saas.database.models import BigKey
from smartcity_saas.outbox import RunnerKind, runner_states
from smartcity_saas.tenancy.city_quotas import (
    CALLS,
    JOBS,
    PERIODS,
    REQUESTS,
    STORAGE,
    CityQuotas,
    Use,
)
from smartcity_saas.tenancy.registry import CityRegistry
from smartcity_saas.tenancy.serving_processes import serving_now
from smartcity_saas.tenancy.storage import storage_use
from smartcity_saas.tenant_context import current_city_id
from smartcity_saas.texts import Text
from smartcity_saas.texts import lazy_gettext as _

EVERY = timedelta(minutes=1)
KEPT_DAYS = 14
RECENT = timedelta(hours=24)
"""How far back it is told that a quota was nearly or wholly used."""
NEAR, REACHED = 80, 100
"""Percent of a quota from which somebody is told."""
HOUR = timedelta(hours=1)

TITLES: dict[str, Text] = {
    REQUESTS: _("Web requests"),
    JOBS: _("Tasks"),
    CALLS: _("Calls to other systems"),
    STORAGE: _("Storage"),
}
"""Every quota, as screens name it."""


class QuotaUse(PlatformModel):
    """What one city took of one quota in one hour (UTC), all processes together.

    ``used`` is how many were admitted, ``refused`` how many were not, ``percent`` what was asked for in
    the busiest minute, of what the process that was asked may admit in one. Of storage ``used`` is the
    bytes of files, and ``percent`` how much of the quota that is, when they were last measured.
    """

    __tablename__ = "quota_use"

    city_id: Mapped[int] = mapped_column(BigKey, primary_key=True, autoincrement=False)
    began_at: Mapped[datetime] = mapped_column(primary_key=True)
    quota: Mapped[str] = mapped_column(primary_key=True)
    used: Mapped[int] = mapped_column(BigInteger)
    refused: Mapped[int] = mapped_column(BigInteger)
    percent: Mapped[int]


class RecordUse:
    """Writes what one process counted, once a minute, and learns among how many the quotas are divided;
    outside any city.

    Args:
        quotas: Those of the process.
        registry: The cities, with their quotas as they are now.
    """

    def __init__(self, quotas: CityQuotas, registry: CityRegistry) -> None:
        self.quotas = quotas
        self.registry = registry
        self._told: Mapping[tuple[int, str], Use] = {}
        self._at: datetime | None = None

    def __call__(self, now: datetime) -> None:
        """Write if it is time. What could not be written is written the next time."""
        if self._at is not None and now - self._at < EVERY:
            return
        if self._at is not None:
            counted = self.quotas.used()
            rows = list(self._rows(counted, now, (now - self._at).total_seconds()))
            if rows:
                _add(rows)
            self._told = counted
        self._at = now
        divide(self.quotas, now)

    def _rows(
        self, counted: Mapping[tuple[int, str], Use], now: datetime, seconds: float
    ) -> Iterator[dict[str, Any]]:
        """In one order in every process, so that no two wait for each other's rows."""
        for (city_id, quota), use in sorted(counted.items()):
            before = self._told.get((city_id, quota), Use(0, 0))
            used, refused = use.admitted - before.admitted, use.refused - before.refused
            city = self.registry.snapshot.by_id.get(city_id)
            if city is not None and used + refused:
                yield {
                    "city_id": city_id,
                    "began_at": _hour(now),
                    "quota": quota,
                    "used": used,
                    "refused": refused,
                    "percent": self._percent(city, quota, used + refused, seconds),
                }

    def _percent(self, city: City, quota: str, asked: int, seconds: float) -> int:
        if quota not in PERIODS:
            return 0
        return round(100 * asked / (self.quotas.rate(city, quota) * seconds))


def divide(quotas: CityQuotas, now: datetime) -> None:
    """Divide a process's quotas among all that live now; outside any city."""
    kinds = Counter(one.kind for one in runner_states() if one.lives(now))
    workers = kinds[RunnerKind.WORKER]
    quotas.divide(
        serving_now(now), workers + kinds[RunnerKind.CELERY], workers + kinds[RunnerKind.DISPATCHER]
    )


def keep_use(now: datetime) -> None:
    """The current city's day: how much its files take is written, and what is older than two weeks is
    forgotten."""
    use = storage_use()
    key = {"city_id": current_city_id(), "began_at": _hour(now), "quota": STORAGE}
    said = {"used": use.used, "percent": round(100 * use.used / use.quota)}
    with transaction() as session:
        session.execute(
            upsert_into(QuotaUse)
            .values(**key, **said, refused=0)
            .on_conflict_do_update(index_elements=list(key), set_=said)
        )
        run(_FORGET, {"before": now - timedelta(days=KEPT_DAYS + 1)})


@dataclass(frozen=True)
class DayUse:
    """One day of one quota: as a row of ``QuotaUse``, for a day of the city's own zone."""

    used: int = 0
    refused: int = 0
    percent: int = 0

    def and_then(self, quota: str, hour: Any) -> DayUse:
        """The same with a later hour."""
        if quota == STORAGE:
            measured = hour.percent or hour.used
            return DayUse(
                hour.used if measured else self.used,
                self.refused + hour.refused,
                hour.percent if measured else self.percent,
            )
        return DayUse(
            self.used + hour.used, self.refused + hour.refused, max(self.percent, hour.percent)
        )


def use_by_day(city: City, now: datetime) -> dict[str, dict[date, DayUse]]:
    """What the current city took in the last two weeks, by quota and day of its own zone; a day on
    which it took nothing is missing. Of a zone that is not whole hours from UTC, the hour in which a
    day begins counts to the day before."""
    first = today_in(city.timezone, now) - timedelta(days=KEPT_DAYS - 1)
    found: dict[str, dict[date, DayUse]] = defaultdict(dict)
    for row in run(_SINCE, {"since": start_of_day(first, city.timezone)}):
        day = today_in(city.timezone, row.began_at)
        found[row.quota][day] = found[row.quota].get(day, DayUse()).and_then(row.quota, row)
    return found


@dataclass(frozen=True)
class Strain:
    """A quota that was nearly or wholly used of late: the most percent, and how many were refused."""

    quota: str
    percent: int
    refused: int

    @property
    def is_reached(self) -> bool:
        """Whether there was nothing left."""
        return self.refused > 0 or self.percent >= REACHED


def strained(now: datetime) -> dict[int, list[Strain]]:
    """The quotas that were nearly or wholly used in the last day, by city, in one statement for all;
    outside any city."""
    recent = QuotaUse.began_at > now - RECENT
    most, refused = func.max(QuotaUse.percent), func.sum(QuotaUse.refused)
    query = (
        select(QuotaUse.city_id, QuotaUse.quota, most, refused)
        .where(recent)
        .group_by(QuotaUse.city_id, QuotaUse.quota)
        .having((most >= NEAR) | (refused > 0))
    )
    found: dict[int, list[Strain]] = defaultdict(list)
    for city_id, quota, percent, number in db.session.execute(query):
        found[city_id].append(Strain(quota, percent, int(number)))
    return found


def own_strains(now: datetime) -> list[Strain]:
    """The current city's; storage as it is this moment."""
    rows = run(_STRAINS, {"since": now - RECENT})
    found = {row.quota: Strain(row.quota, row.percent, int(row.refused)) for row in rows}
    use = storage_use()
    refused = found[STORAGE].refused if STORAGE in found else 0
    found[STORAGE] = Strain(STORAGE, round(100 * use.used / use.quota), refused)
    return [one for one in found.values() if one.percent >= NEAR or one.refused]


def _hour(now: datetime) -> datetime:
    return now.replace(minute=0, second=0, microsecond=0)


def _add(rows: list[dict[str, Any]]) -> None:
    statement = upsert_into(QuotaUse)
    new = statement.excluded
    statement = statement.on_conflict_do_update(
        index_elements=["city_id", "began_at", "quota"],
        set_={
            "used": QuotaUse.used + new.used,
            "refused": QuotaUse.refused + new.refused,
            "percent": case((new.percent > QuotaUse.percent, new.percent), else_=QuotaUse.percent),
        },
    )
    with transaction() as session:
        session.execute(statement, rows)


_use = table_of(QuotaUse).c
_SINCE = (
    select(_use.began_at, _use.quota, _use.used, _use.refused, _use.percent)
    .where(_use.city_id == CITY, _use.began_at >= bindparam("since", type_=_use.began_at.type))
    .order_by(_use.began_at)
)
_STRAINS = (
    select(
        _use.quota,
        func.max(_use.percent).label("percent"),
        func.sum(_use.refused).label("refused"),
    )
    .where(_use.city_id == CITY, _use.began_at > bindparam("since", type_=_use.began_at.type))
    .group_by(_use.quota)
)
_FORGET = delete(table_of(QuotaUse)).where(
    _use.city_id == CITY, _use.began_at < bindparam("before", type_=_use.began_at.type)
)
