"""What a city takes of its quotas: admitted by them, and counted in this process.

Where the installation has a Redis all processes take from one bucket (``shared_buckets``). Without one,
and while it is away, each admits its part of a rate, by how many there are: a quota of 600 requests a
minute is 300 in each of two. A server spreads connections evenly enough for that over a minute; a few
busy connections may be refused a little early, and never does a city take more than its quota. Calls are
made by what serves and by what does tasks; tasks are begun by workers, or by Celery's dispatchers.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from smartcity_saas.configuration.city import City
from smartcity_saas.tenancy.shared_buckets import Bucket, SharedBuckets
from smartcity_saas.token_buckets import TokenBuckets

REQUESTS = "requests_per_minute"
JOBS = "jobs_per_hour"
CALLS = "outbound_calls_per_minute"
STORAGE = "storage_megabytes"


@dataclass(frozen=True)
class Period:
    """The seconds that a rate is said for, and those whose tokens may be taken at once."""

    seconds: float
    burst_seconds: float


PERIODS = {REQUESTS: Period(60, 10), JOBS: Period(3600, 60), CALLS: Period(60, 10)}


class Use(NamedTuple):
    """How often a city was admitted and refused."""

    admitted: int
    refused: int


class CityQuotas:
    """The buckets and counts of every city in one process.

    Args:
        processes: How many of this node serve requests.
        monotonic: The clock of the buckets (seconds).
        shared: The buckets of all processes together; None where there is no Redis.
    """

    def __init__(
        self,
        processes: int = 1,
        monotonic: Callable[[], float] = time.monotonic,
        shared: SharedBuckets | None = None,
    ) -> None:
        self.processes = processes
        self.shared = shared
        self.parts: dict[str, int] = {}
        self.divide(processes, 1, 1)
        self.buckets = TokenBuckets(monotonic)
        self._counted: Counter[tuple[int, str, bool]] = Counter()
        self._lock = threading.Lock()

    def take(self, city: City, quota: str, *, reserved: bool = False) -> float:
        """Take one of what a quota counts.

        Args:
            city: Whose.
            quota: ``REQUESTS``, ``JOBS`` or ``CALLS``.
            reserved: From a second bucket as large, which the first cannot empty.

        Returns:
            0 if it was admitted; else in how many seconds it would be.
        """
        wait = self._from_all(city, quota, reserved)
        if wait is None:
            rate = self.rate(city, quota)
            burst = rate * PERIODS[quota].burst_seconds
            wait = self.buckets.take((city.id, quota, reserved), rate, burst)
        with self._lock:
            self._counted[city.id, quota, wait > 0] += 1
        return wait

    def divide(self, serving: int, workers: int, beginning: int) -> None:
        """Say among how many processes a rate is divided where no Redis is asked.

        Args:
            serving: How many serve requests, on all nodes; never fewer than on this one.
            workers: How many do tasks.
            beginning: How many begin tasks.
        """
        serving = max(serving, self.processes)
        self.parts = {
            REQUESTS: serving,
            CALLS: serving + max(1, workers),
            JOBS: max(1, beginning),
        }

    def _from_all(self, city: City, quota: str, reserved: bool) -> float | None:
        if self.shared is None:
            return None
        period = PERIODS[quota]
        bucket = Bucket(getattr(city.quotas, quota), period.seconds, period.burst_seconds)
        return self.shared.take(city.id, f"{quota}:{'reserved' * reserved}", bucket)

    def rate(self, city: City, quota: str) -> float:
        """How many a second this process may admit by itself."""
        return float(getattr(city.quotas, quota)) / PERIODS[quota].seconds / self.parts[quota]

    def refuse(self, city_id: int, quota: str) -> None:
        """Count a refusal that was decided elsewhere."""
        with self._lock:
            self._counted[city_id, quota, True] += 1

    def used(self) -> dict[tuple[int, str], Use]:
        """What every city has been admitted and refused since this process began, by its key and quota."""
        with self._lock:
            counted = dict(self._counted)
        return {
            (city, quota): Use(
                counted.get((city, quota, False), 0), counted.get((city, quota, True), 0)
            )
            for city, quota, _refused in counted
        }
