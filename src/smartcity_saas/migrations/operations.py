"""What a migration says to wall a table."""

from __future__ import annotations

from alembic import op

from smartcity_saas.database.roles import append_only_triggers, row_security


def wall_city_tables(*tables: str) -> None:
    """Put row-level security on tables of cities (PostgreSQL)."""
    if op.get_bind().dialect.name == "postgresql":
        for table in tables:
            for statement in row_security(table):
                op.execute(statement)


def keep_append_only(*tables: str) -> None:
    """Let nothing change or delete rows of some tables (SQLite; PostgreSQL revokes)."""
    if op.get_bind().dialect.name == "sqlite":
        for table in tables:
            for statement in append_only_triggers(table):
                op.execute(statement)
