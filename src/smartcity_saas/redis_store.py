"""A Redis that several machines share: asked briefly, and left alone while it does not answer.

What stands there may be gone at any moment. Whoever uses it has another way, which is slower.
"""

from __future__ import annotations

import hashlib
import threading
import time
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from smartcity_saas.errors import SettingsError
from smartcity_saas.tenant_context import current_city_id

if TYPE_CHECKING:
    from collections.abc import Callable

    from redis import Redis

TIMEOUT_SECONDS = 0.2
"""How long a connection, and then an answer, is waited for."""
AWAY_SECONDS = 5.0
"""How long a Redis that has not answered is not asked again, and then by one caller first."""


class RedisAway(Exception):
    """It does not answer, or has not a moment ago."""


class RedisStore:
    """The shared Redis of an installation.

    Args:
        address: ``redis://`` or ``rediss://``.
        secret: Of the installation; keys are known by a keyed hash alone, so that neither addresses nor
            keys of people stand in Redis.

    Raises:
        SettingsError: The package is not installed.
    """

    def __init__(self, address: str, secret: str) -> None:
        if find_spec("redis") is None:
            raise SettingsError("SMARTCITY_REDIS is set: `pip install 'smartcity-saas[redis]'`.")
        self._client = _connected(address)
        self._secret = hashlib.sha256(secret.encode()).digest()
        self._away_until = 0.0
        self._lock = threading.Lock()

    def city_key(self, kind: str, name: str) -> str:
        """The key of something of the current city's.

        Raises:
            TenantIsolationError: There is no tenant context.
        """
        return self.key_of(current_city_id(), kind, name)

    def key_of(self, city_id: int, kind: str, name: str) -> str:
        """The key of something of a city's, for what counts for all cities outside any."""
        mark = hashlib.blake2b(name.encode(), key=self._secret, digest_size=20).hexdigest()
        return f"smartcity:{city_id}:{kind}:{mark}"

    def run(self, script: str, key: str, *arguments: int) -> Any:
        """Run a script of Lua on one key: as one act, whoever else comes in that moment.

        Raises:
            RedisAway: It does not answer, or not in time; whether it has done it is not known.
        """
        return self._ask(lambda: self._client.eval(script, 1, key, *arguments))

    def _ask(self, question: Callable[[], Any]) -> Any:
        from redis.exceptions import RedisError  # an extra

        self._refuse_while_away()
        try:
            answer = question()
        except (RedisError, OSError) as error:
            self._away_until = time.monotonic() + AWAY_SECONDS
            raise RedisAway from error
        self._away_until = 0.0
        return answer

    def _refuse_while_away(self) -> None:
        """After a failure nobody asks for a while, and then one caller, for all the others."""
        with self._lock:
            now = time.monotonic()
            if now < self._away_until:
                raise RedisAway
            if self._away_until:
                self._away_until = now + AWAY_SECONDS


def _connected(address: str) -> Redis:
    from redis import Redis  # an extra
    from redis.backoff import NoBackoff
    from redis.retry import Retry

    return Redis.from_url(
        address,
        socket_connect_timeout=TIMEOUT_SECONDS,
        socket_timeout=TIMEOUT_SECONDS,
        retry=Retry(NoBackoff(), 0),
    )
