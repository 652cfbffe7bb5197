"""What PostgreSQL adds: row-level security, and a role that cannot pass it."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from sqlalchemy import Connection, Engine, text

from smartcity_saas.database.models import Base
from smartcity_saas.database.transactions import without_statement_guard
from smartcity_saas.errors import SettingsError

APPEND_ONLY = frozenset(
    {
        "revision",
        "audit_event",
        "city_audit_event",
        "ledger_entry",
        "daily_closing",
        "scorecard_value",
    }
)
"""Tables whose rows are written once: no update, no delete, held by the database itself."""


def refuse_powerful_role(engine: Engine) -> None:
    """Refuse to serve as a role that row-level security does not hold.

    Raises:
        SettingsError: The role is a superuser, may bypass row-level security, or owns a table.
    """
    if engine.dialect.name != "postgresql":
        return
    with engine.connect() as connection:
        name, powerful = connection.execute(
            without_statement_guard(
                "SELECT rolname, rolsuper OR rolbypassrls FROM pg_roles"
                " WHERE rolname = current_user",
                "the catalog of PostgreSQL is no table of ours",
            )
        ).one()
        owned = connection.execute(
            without_statement_guard(
                "SELECT count(*) FROM pg_class WHERE relkind = 'r'"
                " AND relnamespace = current_schema()::regnamespace"
                " AND pg_has_role(current_user, relowner, 'USAGE')",
                "the catalog of PostgreSQL is no table of ours",
            )
        ).scalar_one()
    if powerful:
        raise SettingsError(
            f"The role {name!r} of DATABASE_URL is a superuser or may bypass row-level security. "
            "Use a plain role for DATABASE_URL and keep the owner in DATABASE_OWNER_URL."
        )
    if owned:
        raise SettingsError(
            f"The role {name!r} of DATABASE_URL owns {owned} tables. Run `smartcity db upgrade` "
            "with DATABASE_OWNER_URL set to another role, which will own them."
        )


def row_security(table: str) -> Iterator[str]:
    """The statements that put row-level security on one city table, for a migration on PostgreSQL.

    ``nullif`` because the setting reads as an empty string, not NULL, after a transaction.
    """
    condition = "city_id = nullif(current_setting('app.city_id', true), '')::bigint"
    yield f'ALTER TABLE "{table}" ENABLE ROW LEVEL SECURITY'
    yield f'ALTER TABLE "{table}" FORCE ROW LEVEL SECURITY'
    yield f'CREATE POLICY city ON "{table}" USING ({condition}) WITH CHECK ({condition})'


def append_only_triggers(table: str) -> Iterator[str]:
    """The statements that keep a table append-only on SQLite; PostgreSQL revokes instead."""
    for act in ("UPDATE", "DELETE"):
        yield (
            f'CREATE TRIGGER "{table}_no_{act.lower()}" BEFORE {act} ON "{table}"'
            f" BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
        )


def grant_application_role(
    connection: Connection, role: str, append_only: Collection[str] = APPEND_ONLY
) -> None:
    """Let the application's role read and write, and only append where a table says so."""
    quoted = connection.dialect.identifier_preparer.quote(role)
    schema = connection.execute(text("SELECT quote_ident(current_schema())")).scalar_one()
    connection.execute(text(f"GRANT USAGE ON SCHEMA {schema} TO {quoted}"))
    for table in Base.metadata.tables:
        acts = "SELECT, INSERT" if table in append_only else "SELECT, INSERT, UPDATE, DELETE"
        connection.execute(text(f'REVOKE ALL ON "{table}" FROM {quoted}'))
        connection.execute(text(f'GRANT {acts} ON "{table}" TO {quoted}'))
    connection.execute(text(f"GRANT SELECT ON alembic_version TO {quoted}"))
    connection.execute(text(f"GRANT USAGE ON ALL SEQUENCES IN SCHEMA {schema} TO {quoted}"))
