"""Migrating under load: a migration that cannot have its lock at once makes way and comes again.

A statement that waits for a table's lock lets nobody else at the table meanwhile (PostgreSQL's locks
are given in the order in which they were asked for), so it may wait a second only.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from psycopg.errors import DeadlockDetected, LockNotAvailable, QueryCanceled
from sqlalchemy.exc import OperationalError

from smartcity_saas.errors import SettingsError
from smartcity_saas.logs import get_logger
from smartcity_saas.migrations import migrate_to

TIMEOUTS = {"lock_timeout": "1s", "statement_timeout": "15min"}
"""What a migration's connection is set to: how long it waits for a lock, and how long one statement
may take."""
PAUSES = (1, 2, 4, *[8] * 20)
"""Seconds between one try and the next: three minutes in all."""

log = get_logger(__name__)


def migrate_to_heads(sleep: Callable[[float], None] = time.sleep) -> None:
    """Apply what is not applied. Each migration stands alone, so a second try goes on where the
    first one stopped.

    Raises:
        SettingsError: A lock could not be had, or a statement took too long; says what to do.
    """
    for pause in PAUSES:
        try:
            migrate_to("heads")
        except OperationalError as error:
            _refuse_too_slow(error)
            log.warning("migration.waits_for_a_lock", seconds=pause)
            sleep(pause)
        else:
            return
    raise SettingsError(
        "A migration needs a table that a long transaction holds. It has changed nothing, those "
        "before it are done. See which one in pg_stat_activity (xact_start), let it end or end it, "
        "then run smartcity db upgrade again; everything is served meanwhile."
    )


def _refuse_too_slow(error: OperationalError) -> None:
    if isinstance(error.orig, QueryCanceled):
        raise SettingsError(
            f"A statement of a migration took longer than {TIMEOUTS['statement_timeout']} and was "
            "undone; those before it are done."
        ) from None
    if not isinstance(error.orig, LockNotAvailable | DeadlockDetected):
        raise error
