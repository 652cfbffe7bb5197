"""Token buckets that the nodes of an installation share in Redis, taken from in small batches.

A process holds some tokens of each bucket in advance, and gives the last ones back to nobody: a request
takes one without a round trip. When they run low a thread fetches more; meanwhile a process lends
itself some, which are paid for as the next ones are fetched. So over time all nodes together admit what
the bucket gives, and in one moment as much more as was on its way.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from smartcity_saas.redis_store import AWAY_SECONDS, RedisAway, RedisStore

BATCH_SECONDS = 0.2
"""How long a batch lasts a process that alone takes the whole rate."""
LENT_PART = 4
"""The part of a full bucket that a process lends itself while Redis takes its time."""
MICROSECOND = 1_000_000

_FETCH = """
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local interval = ARGV[1] / ARGV[2]
local burst = math.max(tonumber(ARGV[3]), interval)
local full_at = math.max(tonumber(redis.call('GET', KEYS[1]) or 0), now)
full_at = full_at + ARGV[5] * interval
local room = math.floor((now + burst - full_at) / interval + 0.001)
local granted = math.max(0, math.min(tonumber(ARGV[4]), room))
full_at = full_at + granted * interval
if full_at > now then
  local lasts = math.ceil((full_at - now) / 1000) + 1
  redis.call('SET', KEYS[1], string.format('%.2f', full_at), 'PX', lasts)
end
return {granted, math.ceil(math.max(0, full_at + interval - now - burst))}
"""
"""The bucket of ``token_buckets.py`` by Redis's own clock, which all nodes share: what was lent is taken
in any case, then as many more as there are of those that are wanted; and in how many microseconds there
will be another one."""


@dataclass(frozen=True, slots=True)
class Bucket:
    """What a bucket gives: so many tokens in so many seconds, and at once those of ``burst_seconds``."""

    number: int
    seconds: float
    burst_seconds: float

    @property
    def batch(self) -> int:
        """How many a process fetches at a time."""
        return max(1, int(self.number / self.seconds * BATCH_SECONDS))

    @property
    def most_lent(self) -> int:
        """How many a process lends itself while it fetches."""
        return max(self.batch, int(self.number / self.seconds * self.burst_seconds) // LENT_PART)


@dataclass(slots=True)
class _Held:
    """What a process holds of one bucket: its tokens (below 0: lent), whether more are being fetched,
    and until when there are none."""

    tokens: int = 0
    fetching: bool = False
    empty_until: float = 0.0


class SharedBuckets:
    """Buckets by key, in one process among several.

    Args:
        store: The Redis.
        monotonic: The clock of this process (seconds).
        begin: Has a fetch done; by a thread of its own unless told otherwise.
    """

    def __init__(
        self,
        store: RedisStore,
        monotonic: Callable[[], float] = time.monotonic,
        begin: Callable[[Callable[[], None]], None] | None = None,
    ) -> None:
        self.store = store
        self.monotonic = monotonic
        self._begin = begin or _Fetcher()
        self._held: dict[tuple[int, str], _Held] = {}
        self._away_until = 0.0
        self._lock = threading.Lock()

    def take(self, city_id: int, name: str, bucket: Bucket) -> float | None:
        """Take one token of a city's bucket, without waiting for Redis.

        Returns:
            0 if it was taken; else in how many seconds there will be one; None if Redis is away, or
            too slow to say.
        """
        with self._lock:
            held = self._held.setdefault((city_id, name), _Held())
            now = self.monotonic()
            answer = self._taken(held, bucket, now)
            fetch = (
                held.tokens * 2 <= bucket.batch
                and not held.fetching
                and now >= max(held.empty_until, self._away_until)
            )
            held.fetching = held.fetching or fetch
        if fetch:
            self._begin(lambda: self._fetch(city_id, name, held, bucket))
        return answer

    def _taken(self, held: _Held, bucket: Bucket, now: float) -> float | None:
        if held.tokens > 0:
            held.tokens -= 1
            return 0.0
        if now < self._away_until:
            return None
        if now < held.empty_until:
            return held.empty_until - now
        if held.tokens > -bucket.most_lent:
            held.tokens -= 1
            return 0.0
        return None

    def _fetch(self, city_id: int, name: str, held: _Held, bucket: Bucket) -> None:
        lent = max(0, -held.tokens)
        try:
            granted, wait = self._ask(self.store.key_of(city_id, "quota", name), bucket, lent)
        except RedisAway:
            with self._lock:
                held.fetching, held.tokens = False, 0
                self._away_until = self.monotonic() + AWAY_SECONDS
            return
        with self._lock:
            held.fetching = False
            held.tokens += lent + granted
            if not granted:
                held.empty_until = self.monotonic() + wait / MICROSECOND

    def _ask(self, key: str, bucket: Bucket, lent: int) -> Any:
        return self.store.run(
            _FETCH,
            key,
            int(bucket.seconds * MICROSECOND),
            bucket.number,
            int(bucket.burst_seconds * MICROSECOND),
            bucket.batch,
            lent,
        )


class _Fetcher:
    """A thread that begins with the first fetch, so that a process which forks before that has none."""

    def __init__(self) -> None:
        self._waiting: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._begun = False

    def __call__(self, fetch: Callable[[], None]) -> None:
        self._waiting.put(fetch)
        with self._lock:
            if not self._begun:
                self._begun = True
                threading.Thread(target=self._go_on, name="quotas", daemon=True).start()

    def _go_on(self) -> None:
        while True:
            self._waiting.get()()
