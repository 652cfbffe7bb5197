"""What cities took of their quotas: counted without a statement, written by hour, kept two weeks, told."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import event, func, select
from sqlalchemy.exc import OperationalError

from smartcity_saas.clock import today_in
from smartcity_saas.database import db, transaction
from smartcity_saas.errors import TenantIsolationError
from smartcity_saas.tenancy import quota_use
from smartcity_saas.tenancy.city_quotas import CALLS, REQUESTS, STORAGE, CityQuotas
from smartcity_saas.tenancy.quota_use import (
    DayUse,
    QuotaUse,
    RecordUse,
    keep_use,
    strained,
    use_by_day,
)
from tests.support.documents import HANGZHOU
from tests.support.storage import fill_storage
from tests.support.world import World

SMALL = HANGZHOU + "quotas: {requests_per_minute: 60, storage_megabytes: 1}\n"


def process(world: World, processes: int = 1) -> tuple[CityQuotas, RecordUse]:
    """Another process of the installation, which has begun to count."""
    quotas = CityQuotas(processes, lambda: 50.0)
    record = RecordUse(quotas, world.app.registry)
    record(world.clock())
    return quotas, record


def take(world: World, quotas: CityQuotas, slug: str, number: int, quota: str = REQUESTS) -> None:
    for _one in range(number):
        quotas.take(world.city(slug), quota)


def today(world: World, slug: str) -> dict[str, DayUse]:
    """What a city took today, by quota."""
    city = world.city(slug)
    with world.inside(slug):
        found = use_by_day(city, world.clock())
    day = today_in(city.timezone, world.clock())
    return {quota: days[day] for quota, days in found.items() if day in days}


def test_counting_costs_no_statement_and_a_minute_costs_one(world: World) -> None:
    """A request is counted in memory; all cities of a minute are written together."""
    world.save(SMALL)
    quotas, record = process(world)
    asked: list[str] = []

    def note(*arguments: Any) -> None:
        asked.append(arguments[2])

    event.listen(db.engine, "before_cursor_execute", note)
    try:
        take(world, quotas, "hangzhou", 13)
        take(world, quotas, "ningbo", 5)
        record(world.clock())
        assert asked == []
        world.clock.move(minutes=1)
        record(world.clock())
        assert sum("quota_use" in one for one in asked) == 1
    finally:
        event.remove(db.engine, "before_cursor_execute", note)
    assert today(world, "hangzhou") == {REQUESTS: DayUse(10, 3, 22)}
    assert today(world, "ningbo") == {REQUESTS: DayUse(5, 0, 0)}


def test_processes_add_to_the_same_hour(world: World) -> None:
    """Whichever process answers: what they admitted is one sum, and the busiest minute is that of the
    process that was asked most."""
    world.save(SMALL)
    (one, tells), (other, tells_too) = process(world, 2), process(world, 2)
    take(world, one, "hangzhou", 4)
    take(world, other, "hangzhou", 2)
    take(world, other, "hangzhou", 1, CALLS)
    world.clock.move(minutes=1)
    tells(world.clock())
    tells_too(world.clock())
    assert today(world, "hangzhou")[REQUESTS] == DayUse(6, 0, 13)
    assert today(world, "hangzhou")[CALLS].used == 1
    world.clock.move(minutes=1)
    tells(world.clock())
    assert today(world, "hangzhou")[REQUESTS] == DayUse(6, 0, 13)


def test_what_could_not_be_written_is_written_later(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A database that is away costs no count."""
    quotas, record = process(world)
    take(world, quotas, "ningbo", 7)
    world.clock.move(minutes=1)

    def away(rows: Any) -> None:
        raise OperationalError("insert", None, Exception())

    with monkeypatch.context() as patched:
        patched.setattr(quota_use, "_add", away)
        with pytest.raises(OperationalError):
            record(world.clock())
    record(world.clock())
    assert today(world, "ningbo")[REQUESTS].used == 7


def test_a_day_writes_storage_and_forgets_what_is_old(world: World) -> None:
    """The city's own rows older than two weeks go; the neighbour's stay until its own day."""
    world.save(SMALL)
    for slug in ("hangzhou", "ningbo"):
        with world.inside(slug):
            keep_use(world.clock() - timedelta(days=16))
    fill_storage(world, "hangzhou", 850_000)
    with world.inside("hangzhou"):
        keep_use(world.clock())
    assert today(world, "hangzhou") == {STORAGE: DayUse(850_000, 0, 85)}
    rows = db.session.execute(
        select(QuotaUse.city_id, func.count()).group_by(QuotaUse.city_id)
    ).all()
    assert dict(map(tuple, rows)) == {world.city_id("hangzhou"): 1, world.city_id("ningbo"): 1}


def test_a_day_is_the_citys_own(world: World) -> None:
    """What was taken at 23:30 in the city's zone is not today's at half past midnight."""
    zone = world.city("ningbo").timezone
    start = datetime.fromisoformat(f"{today_in(zone, world.clock())}T23:30:00+08:00")
    world.clock.now = start
    quotas, record = process(world)
    take(world, quotas, "ningbo", 2)
    world.clock.move(minutes=1)
    record(world.clock())
    assert today(world, "ningbo")[REQUESTS].used == 2
    world.clock.move(hours=1)
    assert today(world, "ningbo") == {}


def test_staff_and_operator_are_told_from_eighty_percent(world: World) -> None:
    """Near and reached are told on the city's overview, with the page that says more, and on the
    operator's and the province's, by one statement for all; a city far from its quotas is not."""
    world.save(SMALL)
    quotas, record = process(world)
    take(world, quotas, "hangzhou", 13)
    take(world, quotas, "ningbo", 5)
    world.clock.move(minutes=1)
    record(world.clock())
    fill_storage(world, "hangzhou", 800_000)
    found = strained(world.clock())
    assert list(found) == [world.city_id("hangzhou")]
    staff = world.city_staff()
    needs: Any = staff.get("/cities/hangzhou/overview?format=json").json
    told = {one["kind"]: one for one in needs["needs"] if one["kind"].startswith("quotas.")}
    assert told["quotas.reached"]["title"] == "Web requests: 3 refused, beyond the quota"
    assert told["quotas.near"]["title"] == "Storage: 80% of the quota used"
    assert told["quotas.near"]["url"] == "/cities/hangzhou/use"
    data: Any = world.operator().get("/platform/overview?format=json").json
    reasons = {one["city"]: {need["kind"] for need in one["needs"]} for one in data["cities"]}
    assert "quotas.reached" in reasons["hangzhou"]
    assert not any(kind.startswith("quotas.") for kind in reasons["ningbo"])
    world.clock.move(hours=25)
    assert strained(world.clock()) == {}


def test_a_city_reads_and_writes_its_own_use_alone(world: World) -> None:
    """The rows stand on the platform's side, and inside a city the statement guard binds them to it."""
    row = {"began_at": world.clock(), "quota": STORAGE, "used": 1, "refused": 0, "percent": 1}
    ningbo = world.city_id("ningbo")
    with world.inside("hangzhou"):
        with pytest.raises(TenantIsolationError):
            db.session.execute(select(QuotaUse.used))
        with pytest.raises(TenantIsolationError), transaction() as session:
            session.add(QuotaUse(city_id=ningbo, **row))
            session.flush()
    assert strained(world.clock()) == {}
