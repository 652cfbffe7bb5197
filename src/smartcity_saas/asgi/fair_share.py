"""Places to work, given in turn to whoever waits, so that nobody's crowd holds them all."""

from __future__ import annotations

import asyncio
from collections import Counter, OrderedDict, deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

MOST_WAITING = 512
"""How many of one key may wait; whoever comes then is told at once."""


class Crowded(Exception):
    """Too many of the same key wait already."""


class FairShare:
    """So many places, of which no key ever holds more than half; the keys that wait are served in turn
    (round robin), and within a key whoever came first. It belongs to one loop.

    Args:
        places: How many there are.
        most_waiting: How many of one key may wait.
    """

    def __init__(self, places: int, most_waiting: int = MOST_WAITING) -> None:
        self.share = max(1, places // 2)
        self.most_waiting = most_waiting
        self._free = places
        self._held: Counter[str] = Counter()
        self._waiting: OrderedDict[str, deque[asyncio.Future[None]]] = OrderedDict()

    @asynccontextmanager
    async def place(self, key: str) -> AsyncIterator[None]:
        """Hold a place for the length of a block.

        Raises:
            Crowded: Too many of this key wait.
        """
        await self._enter(key)
        try:
            yield
        finally:
            self._leave(key)

    async def _enter(self, key: str) -> None:
        if self._free and self._held[key] < self.share:
            self._take(key)
            return
        line = self._waiting.setdefault(key, deque())
        if len(line) >= self.most_waiting:
            raise Crowded
        turn = asyncio.get_running_loop().create_future()
        line.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self._leave(key)
            raise

    def _take(self, key: str) -> None:
        self._free -= 1
        self._held[key] += 1

    def _leave(self, key: str) -> None:
        self._free += 1
        self._held[key] -= 1
        if not self._held[key]:
            del self._held[key]
        while self._free and (following := self._next()) is not None:
            self._take(following)

    def _next(self) -> str | None:
        """Wake the next one that waits; returns its key."""
        for key in list(self._waiting):
            line = self._waiting[key]
            while line and line[0].done():  # it left while it waited
                line.popleft()
            if line and self._held[key] < self.share:
                line.popleft().set_result(None)
                self._waiting.move_to_end(key)
                self._forget_empty(key)
                return key
            self._forget_empty(key)
        return None

    def _forget_empty(self, key: str) -> None:
        if not self._waiting[key]:
            del self._waiting[key]
