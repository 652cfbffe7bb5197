"""What OpenID providers publish (their metadata and keys), fetched by one request at a time and kept.

The key holds whose provider it is, so that nothing that one city's provider says is ever used for
another's.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Lock
from typing import Any

from smartcity_saas.identity.federation.channels import ChannelDown
from smartcity_saas.identity.federation.oauth_client import get_json

KEPT_SECONDS = 600
LOOK_AGAIN_SECONDS = 5
STALE_SECONDS = 3600
"""How old an answer may be that stands in for one that cannot be had just now."""
FAILED_SECONDS = 10
"""For how long a failure is remembered: nobody asks again before that."""
PATIENCE_SECONDS = 1.0
MOST_WAITING = 3
"""Who comes while another asks waits a moment, and only so many do: each holds a thread."""
NEVER = float("-inf")


@dataclass
class _Kept:
    found: Any = None
    at: float = NEVER
    failed_at: float = NEVER
    waiting: int = 0
    flight: Lock = field(default_factory=Lock)


class Published:
    """What providers publish, kept for ten minutes in this process.

    Args:
        monotonic: The time.
        fetch: Gets an address of an owner's provider; raises ``ChannelDown``.
    """

    def __init__(
        self,
        monotonic: Callable[[], float] = time.monotonic,
        fetch: Callable[[str, str], Any] = lambda owner, url: get_json(
            url, {}, owner=owner, strict=True
        ),
    ) -> None:
        self.monotonic = monotonic
        self.fetch = fetch
        self._kept: dict[tuple[str, str], _Kept] = {}
        self._lock = Lock()

    def get(self, owner: str, url: str, *, again: bool = False) -> Any:
        """What stands at an address; ``again`` where what is kept did not do.

        Raises:
            ChannelDown: It cannot be had, or could not be some seconds ago.
        """
        with self._lock:
            kept = self._kept.setdefault((owner, url), _Kept())
        if self._is_fresh(kept, again=again):
            return kept.found
        if self._failed(kept) or not self._board(kept):
            return self._stale(kept)
        try:
            if not self._is_fresh(kept, again=again) and not self._failed(kept):
                self._fetch(kept, owner, url)
        finally:
            kept.flight.release()
        return self._stale(kept)

    def forget(self) -> None:
        """Forget everything."""
        with self._lock:
            self._kept.clear()

    def _is_fresh(self, kept: _Kept, *, again: bool) -> bool:
        age = self.monotonic() - kept.at
        return age <= (LOOK_AGAIN_SECONDS if again else KEPT_SECONDS)

    def _failed(self, kept: _Kept) -> bool:
        return self.monotonic() - kept.failed_at < FAILED_SECONDS

    def _board(self, kept: _Kept) -> bool:
        """Whether it is ours to ask: at once, or after the one who is asking."""
        if kept.flight.acquire(blocking=False):
            return True
        with self._lock:
            if kept.waiting >= MOST_WAITING or kept.at > NEVER:
                return False
            kept.waiting += 1
        try:
            return kept.flight.acquire(timeout=PATIENCE_SECONDS)
        finally:
            with self._lock:
                kept.waiting -= 1

    def _fetch(self, kept: _Kept, owner: str, url: str) -> None:
        try:
            kept.found = self.fetch(owner, url)
            kept.at, kept.failed_at = self.monotonic(), NEVER
        except ChannelDown:
            kept.failed_at = self.monotonic()

    def _stale(self, kept: _Kept) -> Any:
        if self.monotonic() - kept.at > STALE_SECONDS:
            raise ChannelDown("published: not to be had just now")
        return kept.found


published = Published()
