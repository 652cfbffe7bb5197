"""PostgreSQL with Citus: what a distributed database needs beside the schema (docs/scale.md)."""

from __future__ import annotations

from sqlalchemy import Engine

from smartcity_saas.database.transactions import without_statement_guard
from smartcity_saas.errors import SettingsError

_CATALOG = "the catalog of PostgreSQL is no table of ours"
FIRST_TABLE = "resident"
"""The table that is distributed first; all others are placed beside its shards."""


def is_distributed(engine: Engine) -> bool:
    """Whether the database has Citus.

    Raises:
        SQLAlchemyError: It does not answer.
    """
    if engine.dialect.name != "postgresql":
        return False
    query = "SELECT EXISTS (SELECT FROM pg_extension WHERE extname = 'citus')"
    with engine.connect() as connection:
        return bool(connection.execute(without_statement_guard(query, _CATALOG)).scalar_one())


def refuse_silent_workers(engine: Engine) -> None:
    """Refuse a cluster whose workers are not told the city of a transaction: row-level security there
    would show nothing to anybody.

    Raises:
        SettingsError: Citus does not hand the setting on.
    """
    query = "SELECT current_setting('citus.propagate_set_commands', true)"
    with engine.connect() as connection:
        setting = connection.execute(without_statement_guard(query, _CATALOG)).scalar_one()
    if (fault := propagation_fault(setting)) is not None:
        raise SettingsError(fault)


def propagation_fault(setting: str | None) -> str | None:
    """What is wrong with ``citus.propagate_set_commands``; None where it is as it must be."""
    if setting == "local":
        return None
    return (
        f"citus.propagate_set_commands is {setting or 'not set'}: workers do not learn the city of a "
        "transaction, and every city is empty. Set it to 'local' on every node (docs/scale.md)."
    )


def distribution(table: str) -> str:
    """The statement that distributes a new table of cities where the others are; elsewhere, on plain
    PostgreSQL too, it does nothing."""
    return (
        "DO $$ BEGIN IF to_regclass('pg_dist_partition') IS NOT NULL THEN"
        f" IF EXISTS (SELECT FROM pg_dist_partition WHERE logicalrelid = to_regclass('{FIRST_TABLE}'))"
        f" THEN PERFORM create_distributed_table('\"{table}\"'::regclass, 'city_id',"
        f" colocate_with => '{FIRST_TABLE}'); END IF; END IF; END $$"
    )
