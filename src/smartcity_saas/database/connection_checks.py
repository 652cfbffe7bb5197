"""Whether a pooled connection to PostgreSQL still works, asked where there is reason to doubt it.

A server that stops or drops a connection says so on its socket, which costs a microsecond to look at.
One that vanishes without a word (a network that forgets idle connections) is found by a query after
some idle seconds. So a request pays for no query of its own to learn that all is well.
"""

from __future__ import annotations

import select
import time
from typing import Any

from sqlalchemy import Engine, event
from sqlalchemy.exc import InvalidatePoolError

IDLE_SECONDS = 10
"""How long a connection may lie idle and be used again without a query."""
_USED_AT = "used_at"


def check_connections(engine: Engine) -> None:
    """Check a connection as it is taken from the pool, in place of ``pool_pre_ping``.

    One that is gone is replaced, together with all that were opened before it was found.
    """

    def note_use(_connection: Any, record: Any) -> None:
        record.info[_USED_AT] = time.monotonic()

    def check(connection: Any, record: Any, _proxy: Any) -> None:
        idle = time.monotonic() - record.info.get(_USED_AT, float("-inf"))
        if idle < IDLE_SECONDS and not _has_news(connection):
            return
        try:
            engine.dialect.do_ping(connection)
        except engine.dialect.loaded_dbapi.Error as error:
            raise InvalidatePoolError("the server has dropped the connection") from error

    event.listen(engine, "connect", note_use)
    event.listen(engine, "checkin", note_use)
    event.listen(engine, "checkout", check)


def _has_news(connection: Any) -> bool:
    """Whether something lies on the socket of a connection at rest: a farewell, nearly always."""
    poll = select.poll()
    poll.register(connection.fileno(), select.POLLIN)
    return connection.closed or bool(poll.poll(0))
