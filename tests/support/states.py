"""States of a test database: kept once, brought back before each test.

Bringing rows back is many times quicker than emptying every table and making the same documents
again: most of a test's time was that.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import psycopg
from psycopg import sql
from sqlalchemy import make_url

from smartcity_saas.database import db
from smartcity_saas.database.models import Base

if TYPE_CHECKING:
    from tests.support.world import World

INSTALLATION = "INSERT INTO installation (id, version, demo) VALUES (1, 0, false)"
"""The one row that a migrated database starts with."""


class States(Protocol):
    """A test database that can be brought back to what it held."""

    def keep(self, name: str) -> None:
        """Keep what every table holds now under a name."""

    def bring(self, name: str) -> bool:
        """Let every table hold what was kept under a name; False where nothing was."""


class SqliteStates:
    """States of a SQLite file, each a file beside it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        with sqlite3.connect(path) as connection:
            connection.execute("PRAGMA foreign_keys = OFF")
            triggers = connection.execute(
                "SELECT name, sql FROM sqlite_master WHERE type = 'trigger'"
            ).fetchall()
            for name, _definition in triggers:
                connection.execute(f'DROP TRIGGER "{name}"')
            for table in Base.metadata.sorted_tables:
                connection.execute(f'DELETE FROM "{table.name}"')
            connection.execute("DELETE FROM sqlite_sequence")
            for _name, definition in triggers:
                connection.execute(definition)
            connection.execute(INSTALLATION)
        connection.close()
        self.keep("empty")

    def keep(self, name: str) -> None:
        self._copy(self._path, self._file(name))

    def bring(self, name: str) -> bool:
        if not self._file(name).exists():
            return False
        self._copy(self._file(name), self._path)
        return True

    def _file(self, name: str) -> Path:
        return self._path.with_name(f"{self._path.name}-{name}")

    @staticmethod
    def _copy(source: Path, target: Path) -> None:
        with sqlite3.connect(source) as read, sqlite3.connect(target) as written:
            written.execute("PRAGMA synchronous = OFF")
            read.backup(written)
        read.close()
        written.close()


class PostgresStates:
    """States of a PostgreSQL database, each a schema of the rows alone.

    Args:
        url: The database as its superuser, whom neither triggers nor row-level security hold.
    """

    def __init__(self, url: str) -> None:
        plain = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
        self._connection = psycopg.connect(plain, autocommit=True)
        self._connection.execute("SET session_replication_role = replica")
        self._tables = [table.name for table in Base.metadata.sorted_tables]
        self._sequences = [
            name
            for (name,) in self._connection.execute(
                "SELECT sequencename FROM pg_sequences WHERE schemaname = 'public'"
            )
        ]
        self._kept: dict[str, tuple[list[str], dict[str, int]]] = {}
        self._empty()
        self._connection.execute(INSTALLATION)
        self.keep("empty")

    def close(self) -> None:
        self._connection.close()

    def keep(self, name: str) -> None:
        tables = self._held()
        run = self._connection.execute
        with self._connection.transaction():
            run(sql.SQL("CREATE SCHEMA {}").format(self._schema(name)))
            for table in tables:
                run(
                    sql.SQL("CREATE TABLE {} AS TABLE {}").format(
                        sql.Identifier(f"kept_{name}", table), sql.Identifier("public", table)
                    )
                )
        self._kept[name] = tables, self._counted()

    def bring(self, name: str) -> bool:
        if name not in self._kept:
            return False
        tables, counted = self._kept[name]
        with self._connection.transaction():
            self._empty()
            for table in tables:
                self._connection.execute(
                    sql.SQL("INSERT INTO {} OVERRIDING SYSTEM VALUE TABLE {}").format(
                        sql.Identifier("public", table), sql.Identifier(f"kept_{name}", table)
                    )
                )
            for sequence, value in counted.items():
                self._connection.execute("SELECT setval(%s, %s)", (sequence, value))
        return True

    def _schema(self, name: str) -> sql.Identifier:
        return sql.Identifier(f"kept_{name}")

    def _held(self) -> list[str]:
        """The tables with a row."""
        asked = sql.SQL(" UNION ALL ").join(
            sql.SQL("(SELECT {} FROM {} LIMIT 1)").format(
                sql.Literal(table), sql.Identifier("public", table)
            )
            for table in self._tables
        )
        return [name for (name,) in self._connection.execute(asked)]

    def _counted(self) -> dict[str, int]:
        """How far each sequence in use has counted."""
        return dict(
            self._connection.execute(
                "SELECT sequencename, last_value FROM pg_sequences"
                " WHERE schemaname = 'public' AND last_value IS NOT NULL"
            ).fetchall()
        )

    def _empty(self) -> None:
        for table in self._held():
            self._connection.execute(
                sql.SQL("DELETE FROM {}").format(sql.Identifier("public", table))
            )
        for sequence in self._counted():
            self._connection.execute("SELECT setval(%s, 1, false)", (sequence,))


def drop_connections(world: World, pid: int | None = None) -> None:
    """End every connection of the application's role, or the one of a process of the server's, as a server
    that restarts does."""
    assert isinstance(world.states, PostgresStates)
    world.states._connection.execute(
        "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity"
        " WHERE usename = %s AND pid = coalesce(%s, pid)",
        (db.engine.url.username, pid),
    )
