"""A breaker a city and connector: what does not answer is left alone for a while."""

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
    opened: float = 0.0
    probing: bool = False


class Breakers:
    """Opens after some failures in a row; after a while one call may try again."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self.monotonic = monotonic
        self._states: dict[object, _State] = {}
        self._lock = threading.Lock()

    def admits(self, key: object) -> bool:
        """Whether a call may be made now. Whoever is admitted reports how it went."""
        with self._lock:
            state = self._states.get(key)
            if state is None or state.failures < FAILURES:
                return True
            if state.probing or self.monotonic() - state.opened < OPEN_SECONDS:
                return False
            state.probing = True
            return True

    def forget(self) -> None:
        """Close every breaker."""
        with self._lock:
            self._states.clear()

    def succeeded(self, key: object) -> None:
        """It answered: forget its failures."""
        with self._lock:
            self._states.pop(key, None)

    def failed(self, key: object) -> None:
        """It did not answer."""
        with self._lock:
            state = self._states.setdefault(key, _State())
            state.failures += 1
            state.opened, state.probing = self.monotonic(), False
