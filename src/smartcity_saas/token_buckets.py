"""Token buckets: how many things of a kind may happen in a time, kept as one moment each.

A bucket is kept by the moment at which it will be full again (the generic cell rate algorithm of
ITU-T I.371, which decides as a leaky bucket does): one number, and nothing that has to run.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Hashable


class TokenBuckets:
    """Buckets by key; one that has never been asked is full."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self.monotonic = monotonic
        self._full_at: dict[Hashable, float] = {}
        self._lock = threading.Lock()

    def take(self, key: Hashable, rate: float, burst: float) -> float:
        """Take one token.

        Args:
            key: Whose bucket.
            rate: Tokens a second that come back.
            burst: Tokens that a full bucket has, at least 1.

        Returns:
            0 if it was taken; else in how many seconds there will be one.
        """
        with self._lock:
            now = self.monotonic()
            full_at = max(self._full_at.get(key, now), now) + 1 / rate
            wait = full_at - now - max(1.0, burst) / rate
            if wait > _ROUNDING:
                return wait
            self._full_at[key] = full_at
            return 0.0

    def forget(self) -> None:
        """Fill every bucket."""
        with self._lock:
            self._full_at.clear()


_ROUNDING = 1e-9
