"""Calls of programs counted in Redis: the same answers as the database's, and the database where Redis
is not there."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, select

from smartcity_saas import redis_store
from smartcity_saas.database import db
from smartcity_saas.errors import SettingsError, TenantIsolationError, Throttled
from smartcity_saas.identity.api_clients.call_limits import count_call
from smartcity_saas.identity.rate_limits import RateLimit
from smartcity_saas.identity.residents.models import ResidentAttempt
from smartcity_saas.redis_store import RedisAway, RedisStore
from smartcity_saas.settings import Settings
from smartcity_saas.tenancy.context import tenant_context
from tests.support.brokers import RedisServer, redis_server
from tests.support.browser import fresh
from tests.support.product import other_parts
from tests.support.world import World

MINUTE = timedelta(minutes=1)
SECRET = "s" * 40


@pytest.fixture(scope="module")
def server() -> Iterator[RedisServer]:
    with redis_server() as running:
        yield running


@pytest.fixture
def shared(world: World, server: RedisServer) -> Iterator[RedisStore]:
    """The product with a Redis, which is empty."""
    store = RedisStore(server.url, SECRET)
    store._client.flushall()
    with other_parts(world.app, redis=store):
        yield store


def call(world: World, city: str = "hangzhou", most: int = 3) -> RateLimit | str:
    db.session.rollback()
    with world.inside(city):
        try:
            return count_call("api:address:192.0.2.1", most, world.clock(), MINUTE)
        except Throttled as error:
            return f"{error.detail} {error.retry_after}"


def counted_in_the_database(world: World) -> int:
    db.session.rollback()
    with world.inside("hangzhou"):
        return db.session.scalar(select(func.coalesce(func.sum(ResidentAttempt.count), 0))) or 0


def story(world: World) -> list[RateLimit | str]:
    """Five calls over half a minute, then others in the next window."""
    told = []
    for seconds in (0, 10, 10, 9, 1, 29.5, 1, 0):
        world.clock.move(seconds=seconds)
        told.append(call(world))
    return told


def test_redis_answers_as_the_database_does(world: World, shared: RedisStore) -> None:
    """Promise: whoever calls cannot tell where it is counted: what is left, the refusals and the end of
    the window are the same."""
    begun = world.clock.now
    by_redis = story(world)
    assert counted_in_the_database(world) == 0
    world.clock.now = begun
    with other_parts(world.app, redis=None):
        assert story(world) == by_redis
    assert {type(one) for one in by_redis} == {RateLimit, str}


def test_cities_do_not_count_each_other(world: World, shared: RedisStore) -> None:
    """Promise: isolation holds in Redis too: the same caller begins anew in another city, outside of any
    nothing is counted, and no key says who called."""
    while not isinstance(call(world), str):
        pass
    assert call(world, "ningbo") == RateLimit(3, 2, 60)
    with pytest.raises(TenantIsolationError):
        shared.city_key("limit", "any")
    keys: list[bytes] = list(shared._client.scan_iter("*"))  # type: ignore[arg-type]
    cities = {str(world.city_id(city)).encode() for city in ("hangzhou", "ningbo")}
    assert {key.split(b":")[1] for key in keys} == cities
    assert not any(b"192.0.2" in key or b"address" in key for key in keys)


def test_a_crowd_is_let_in_exactly(world: World, shared: RedisStore) -> None:
    """Promise: forty at once on many threads: so many as are allowed, and no one more."""
    city = world.city_id("hangzhou")
    now = world.clock()

    def one(_number: int) -> bool:
        with world.app.app_context(), tenant_context(city):
            try:
                count_call("api:client:c-1", 25, now, MINUTE)
            except Throttled:
                return False
            return True

    db.session.rollback()
    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(lambda number: fresh(one, number), range(40))) == 25


def test_flushed_it_counts_anew_and_no_more_than_twice(world: World, shared: RedisStore) -> None:
    """Promise, as docs/operations.md has it: what is lost with Redis is the count of one window."""
    allowed = 0
    for number in range(12):
        if number == 6:
            shared._client.flushall()
        allowed += isinstance(call(world), RateLimit)
    assert allowed == 6


def test_gone_it_costs_one_short_wait(
    world: World, server: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Promise: a Redis that is away opens nothing and stops nothing: the database counts, Redis is asked
    once in a while, and is used again when it is back."""
    asked: list[float] = []
    store = RedisStore(server.url, SECRET)
    client: Any = store._client
    client.flushall()

    def away(*_arguments: Any) -> Any:
        asked.append(time.monotonic())
        raise ConnectionError("away")

    with other_parts(world.app, redis=store):
        with monkeypatch.context() as gone:
            gone.setattr(client, "eval", away)
            assert [isinstance(call(world), RateLimit) for _one in range(5)] == [True] * 3 + [
                False
            ] * 2
        assert len(asked) == 1
        assert counted_in_the_database(world) == 5
        with pytest.raises(RedisAway):
            store.run("return 1", "any")
        monkeypatch.setattr(redis_store, "AWAY_SECONDS", 0.0)
        store._away_until = time.monotonic()
        assert isinstance(call(world), RateLimit)
        assert counted_in_the_database(world) == 5


def test_a_redis_that_hangs_is_not_waited_for(world: World) -> None:
    """Promise: one that takes the connection and says nothing ends in a short time, as one that is away
    does."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        store = RedisStore(f"redis://127.0.0.1:{silent.getsockname()[1]}/0", SECRET)
        with other_parts(world.app, redis=store):
            assert isinstance(call(world), RateLimit)
        assert counted_in_the_database(world) == 1


@pytest.mark.parametrize("name", ["SMARTCITY_REDIS", "SMARTCITY_BROKER"])
@pytest.mark.parametrize(
    "address", ["localhost:6379", "http://any", "redis://", "sqlite:///x", "filesystem://"]
)
def test_an_address_that_is_none_stops_the_start(name: str, address: str) -> None:
    """Promise: a broker or Redis that cannot be meant is refused at the start, by the variable's name,
    without the password in it."""
    secret = f"{address}?password=geheim"
    with pytest.raises(SettingsError, match=name) as refused:
        Settings.from_environment({"SMARTCITY_DEMO": "1", name: secret.replace("redis://?", "?")})
    assert "geheim" not in str(refused.value.detail)
