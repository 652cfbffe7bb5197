"""How often programs may call: counted in Redis where the installation has one."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime, timedelta

from smartcity_saas.identity.rate_limits import RateLimit, count_attempt, limit_of
from smartcity_saas.identity.residents.models import ResidentAttempt
from smartcity_saas.product import product
from smartcity_saas.redis_store import RedisAway

MILLISECOND = timedelta(milliseconds=1)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

_COUNT_CALL = """
local ends = tonumber(redis.call('HGET', KEYS[1], 'ends') or 0)
local now = tonumber(ARGV[1])
if ends <= now then
  ends = now + tonumber(ARGV[2])
  redis.call('HSET', KEYS[1], 'count', 0, 'ends', string.format('%d', ends))
  redis.call('PEXPIRE', KEYS[1], ARGV[2])
end
return {redis.call('HINCRBY', KEYS[1], 'count', 1), ends}
"""
"""The same window as the database's: it begins with the first call, by the callers' clock."""


def count_call(key: str, most: int, now: datetime, window: timedelta) -> RateLimit:
    """Count one call of a program in the current city: in Redis where the installation has one, else in
    the database. What guards a secret (a password, a code, a plate) is counted by ``count_attempt``,
    which forgets nothing.

    Where Redis is flushed or goes away, counting begins anew: within one window twice as many at most.

    Raises:
        Throttled: That many have been made already.
    """
    store = product().redis
    if store is not None:
        with suppress(RedisAway):
            count, ends = store.run(
                _COUNT_CALL, store.city_key("limit", key), _milliseconds(now), window // MILLISECOND
            )
            return limit_of(count, most, (ends - _milliseconds(now)) / 1000)
    return count_attempt(ResidentAttempt, key, most, now, window)


def _milliseconds(moment: datetime) -> int:
    return (moment - EPOCH) // MILLISECOND
