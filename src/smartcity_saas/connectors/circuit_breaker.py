"""Breakers: what does not answer is left alone for a while, or for as long as it asks."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

FAILURES = 5
OPEN_SECONDS = 30.0


@dataclass
class _State:
    failures: int = 0
    until: float = 0.0
    probing: bool = False


class CircuitBreakers:
    """Opens after some failures in a row; after a while one call may try again."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self.monotonic = monotonic
        self._states: dict[object, _State] = {}
        self._lock = threading.Lock()

    def admits(self, key: object) -> bool:
        """Whether a call may be made now. Whoever is admitted reports how it went."""
        with self._lock:
            state = self._states.get(key)
            if state is None:
                return True
            if state.probing or self.monotonic() < state.until:
                return False
            state.probing = state.failures >= FAILURES
            return True

    def seconds_left(self, key: object) -> float:
        """For how long no call is admitted yet."""
        with self._lock:
            state = self._states.get(key)
            return max(0.0, state.until - self.monotonic()) if state else 0.0

    def forget(self) -> None:
        """Close every breaker."""
        with self._lock:
            self._states.clear()

    def succeeded(self, key: object) -> None:
        """It answered: forget its failures."""
        with self._lock:
            self._states.pop(key, None)

    def failed(self, key: object, seconds: float = 0.0) -> None:
        """It did not answer, or asked to be left alone for some seconds."""
        with self._lock:
            state = self._states.setdefault(key, _State())
            state.failures, state.probing = state.failures + 1, False
            pause = OPEN_SECONDS if state.failures >= FAILURES else 0.0
            state.until = max(state.until, self.monotonic() + max(pause, seconds))
