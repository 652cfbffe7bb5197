"""Hearing that another process has committed a change, as each engine tells it.

A notice only says that a look is worth while. One that is lost costs time, never truth: whoever
serves looks by itself as well.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator

from sqlalchemy import URL, Engine

from smartcity_saas.database.transactions import db, without_statement_guard

CHANNEL = "city_registry"
FILE_SECONDS = 0.025
"""How often SQLite's file is looked at, which costs some microseconds and no lock."""


def tell_of_change() -> None:
    """Tell whoever listens, once the present transaction commits. On SQLite its file tells."""
    if db.engine.dialect.name == "postgresql":
        db.session.execute(without_statement_guard(f"NOTIFY {CHANNEL}", "it names no table"))


def change_notices(engine: Engine, seconds: float) -> Iterator[None]:
    """Yield once a change can be heard, after each that is heard, and after so many seconds without
    any, until the connection ends.

    Raises:
        psycopg.Error: PostgreSQL's ended, or cannot be made.
        sqlite3.Error: SQLite's did.
    """
    if engine.dialect.name == "postgresql":
        return _listening(engine, seconds)
    return _watching(engine.url, seconds)


def _listening(engine: Engine, seconds: float) -> Iterator[None]:
    arguments, options = engine.dialect.create_connect_args(engine.url)
    with engine.dialect.loaded_dbapi.connect(*arguments, **options, autocommit=True) as connection:
        connection.execute(f"LISTEN {CHANNEL}")
        yield
        while True:
            for _notice in connection.notifies(timeout=seconds, stop_after=1):
                pass
            yield


def _watching(url: URL, seconds: float) -> Iterator[None]:
    """``PRAGMA data_version`` moves when another connection has committed (sqlite.org/pragma)."""
    connection = sqlite3.connect(url.database or ":memory:")
    try:
        seen, told_at = -1, 0.0
        while True:
            version = connection.execute("PRAGMA data_version").fetchone()[0]
            if version != seen or time.monotonic() - told_at >= seconds:
                seen, told_at = version, time.monotonic()
                yield
            time.sleep(FILE_SECONDS)
    finally:
        connection.close()
