"""Operations of migrations: isolate a table, keep one append-only, go through cities' rows."""

from __future__ import annotations

from collections.abc import Iterator

import sqlalchemy as sa
from alembic import op

from smartcity_saas.database.citus import distribution
from smartcity_saas.database.row_level_security import append_only_triggers, row_security


def isolate_city_tables(*tables: str) -> None:
    """Put row-level security on new tables of cities (PostgreSQL), and distribute them where Citus has
    distributed the others: those that the others refer to first."""
    if op.get_bind().dialect.name == "postgresql":
        for table in tables:
            for statement in row_security(table):
                op.execute(statement)
            op.execute(distribution(table))


def keep_append_only(*tables: str) -> None:
    """Let nothing change or delete rows of some tables (SQLite; PostgreSQL revokes)."""
    if op.get_bind().dialect.name == "sqlite":
        for table in tables:
            for statement in append_only_triggers(table):
                op.execute(statement)


def inside_each_city(bind: sa.Connection) -> Iterator[int]:
    """Every city's key, one after the other, with its rows open to the statements meanwhile."""
    cities = bind.execute(sa.text("SELECT id FROM document WHERE kind = 'city' ORDER BY id"))
    isolated = bind.dialect.name == "postgresql"
    for city_id in cities.scalars().all():
        if isolated:
            bind.execute(sa.text(f"SET LOCAL app.city_id = '{int(city_id)}'"))
        yield city_id
    if isolated:
        bind.execute(sa.text("SET LOCAL app.city_id = ''"))
