"""Quotas that nodes share: one bucket in Redis, taken from in batches; each node's part without it."""

from __future__ import annotations

import http.client
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest

from smartcity_saas.configuration.models import ServingProcess
from smartcity_saas.database import transaction
from smartcity_saas.outbox import Heartbeat, RunnerKind
from smartcity_saas.redis_store import RedisStore
from smartcity_saas.tenancy.city_quotas import CALLS, JOBS, REQUESTS, CityQuotas
from smartcity_saas.tenancy.quota_use import divide
from smartcity_saas.tenancy.serving_processes import Presence
from smartcity_saas.tenancy.shared_buckets import LENT_PART, Bucket, SharedBuckets
from tests.support.brokers import RedisServer, redis_server
from tests.support.documents import HANGZHOU
from tests.support.nodes import two_nodes
from tests.support.served import free_port, two_cities
from tests.support.world import World

SECRET = "s" * 40
NODES = 2
SMALL = HANGZHOU + "quotas: {requests_per_minute: 600}\n"
BURST = 100
"""Ten seconds' worth."""
SLOW = Bucket(60, 3600, 3600)
"""A token a minute, sixty at once: no test is so slow that it would fill again meanwhile."""


@pytest.fixture(scope="module")
def server() -> Iterator[RedisServer]:
    with redis_server() as running:
        yield running


@pytest.fixture
def store(server: RedisServer) -> RedisStore:
    """An empty Redis."""
    found = RedisStore(server.url, SECRET)
    found._client.flushall()
    return found


def at_once(fetch: Callable[[], None]) -> None:
    fetch()


def node(store: RedisStore, clock: Callable[[], float] = time.monotonic) -> SharedBuckets:
    return SharedBuckets(store, clock, at_once)


def admitted(nodes: list[SharedBuckets], number: int, city_id: int = 1) -> int:
    """How many of so many are admitted, by each node in turn."""
    return sum(nodes[turn % len(nodes)].take(city_id, "x", SLOW) == 0 for turn in range(number))


def test_two_nodes_admit_one_quota_together(store: RedisStore) -> None:
    """As much as one node alone would, and a batch more for each at the most; the next city's bucket is
    its own."""
    nodes = [node(store) for _one in range(NODES)]
    assert 60 <= admitted(nodes, 400) <= 60 + 2 * NODES * SLOW.batch
    assert admitted(nodes, 30, city_id=2) == 30
    assert (nodes[0].take(1, "x", SLOW) or 0) > 1


def test_a_batch_costs_one_round_trip(store: RedisStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """A city that asks a thousand times a second asks Redis some ten times."""
    asked = []
    run = store.run

    def counting(*arguments: object) -> object:
        asked.append(arguments)
        return run(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(store, "run", counting)
    one, large = node(store), Bucket(60_000, 60, 10)
    assert all(one.take(1, "x", large) == 0 for _request in range(1_000))
    assert len(asked) <= 2 * 1_000 / large.batch + 2


def test_what_was_lent_is_paid_for(store: RedisStore) -> None:
    """While nothing is fetched a process lends itself a part of the bucket and no more; the bucket has
    it less afterwards."""
    waiting: list[Callable[[], None]] = []
    slow = SharedBuckets(store, begin=waiting.append)
    answers = [slow.take(1, "x", SLOW) for _request in range(20)]
    assert answers == [0.0] * 15 + [None] * 5
    assert len(waiting) == 1
    waiting[0]()
    other = node(store)
    rest = sum(other.take(1, "x", SLOW) == 0 for _request in range(200))
    assert 60 - 15 - 2 * SLOW.batch <= rest <= 60 - 15 + 2 * SLOW.batch


def test_a_flushed_redis_gives_a_full_bucket(store: RedisStore) -> None:
    """What was counted is gone, and nobody is refused for that."""
    now = [50.0]
    one = node(store, lambda: now[0])
    assert admitted([one], 200) < 70
    store._client.flushall()
    now[0] += 3600  # what this process was told to wait for is over
    assert admitted([one], 50) == 50


def test_a_redis_that_is_away_leaves_each_process_its_part(world: World) -> None:
    """Nothing fails: whatever was lent before that was known, and then half a quota in each of two."""
    world.save(SMALL)
    away = RedisStore(f"redis://127.0.0.1:{free_port()}/0", SECRET)
    quotas = CityQuotas(2, lambda: 50.0, SharedBuckets(away, begin=at_once))
    city = world.city("hangzhou")
    taken = sum(quotas.take(city, REQUESTS) == 0 for _request in range(3 * BURST))
    assert BURST / 2 <= taken <= BURST / 2 + 2


@pytest.mark.processes
def test_two_web_nodes_share_a_quota(tmp_path: Path, server: RedisServer) -> None:
    """One process alone admits all of it, where its part would be half or less; what one node has admitted
    the other does not admit again; and with Redis killed both answer on."""
    shell = two_cities(tmp_path, SMALL, SMARTCITY_REDIS=server.url, SMARTCITY_WORKERS="2")
    with two_nodes(shell) as (first, second):
        begun = time.monotonic()
        assert flood(first.port, BURST) == [200] * BURST
        with ThreadPoolExecutor(1) as beside:
            more = beside.submit(flood, first.port, 3 * BURST)
            both = flood(second.port, 3 * BURST) + more.result()
        assert 429 in both
        lent = 2 * NODES * BURST // LENT_PART
        assert both.count(200) <= 10 * (time.monotonic() - begun) + lent
        server.stop()
        try:
            assert set(flood(first.port, 20) + flood(second.port, 20)) <= {200, 429}
            assert flood(second.port, 20, "ningbo.localhost") == [200] * 20
        finally:
            server.start()


def flood(port: int, number: int, host: str = "hangzhou.localhost") -> list[int]:
    """Ask one node for a page that nobody keeps; what it answered."""
    line = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    found = []
    for _request in range(number):
        line.request("GET", "/services/traffic-tickets?flood", headers={"Host": host})
        answer = line.getresponse()
        answer.read()
        found.append(answer.status)
    line.close()
    return found


def test_without_redis_a_quota_is_divided_among_the_processes_that_live(world: World) -> None:
    """Of all nodes: those that serve, those that do tasks, those that begin them; one that has been
    silent is no part, and a node never takes fewer than its own processes for all."""
    now = world.clock()
    quotas = CityQuotas(1)
    for _process in range(3):
        Presence(world.clock).say(1)
    for kind in (RunnerKind.WORKER, RunnerKind.WORKER, RunnerKind.CELERY):
        Heartbeat(kind).beat(now)
    divide(quotas, now)
    assert quotas.parts == {REQUESTS: 3, CALLS: 6, JOBS: 2}
    divide(quotas, now + timedelta(seconds=60))
    assert quotas.parts == {REQUESTS: 1, CALLS: 4, JOBS: 2}
    with transaction() as session:
        session.query(ServingProcess).delete()
    divide(quotas, now + timedelta(minutes=10))
    assert quotas.parts == {REQUESTS: 1, CALLS: 2, JOBS: 1}
    many = CityQuotas(4)
    divide(many, now)
    assert many.parts[REQUESTS] == 4
