"""Migrations that are applied while the release before serves: read by squawk, and patient."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa
from alembic.migration import MigrationContext
from alembic.operations import Operations
from sqlalchemy import Engine, event, make_url

from smartcity_saas.app import create_app
from smartcity_saas.cli.operations import upgrade_database
from smartcity_saas.errors import SettingsError
from smartcity_saas.health import applied_migrations
from smartcity_saas.migrations import migrate_to
from smartcity_saas.migrations.patience import PAUSES, TIMEOUTS, migrate_to_heads
from smartcity_saas.settings import Settings
from smartcity_saas.tenancy.flask_app import SiteFlask
from tests.support import postgres
from tests.support.documents import KEY
from tests.support.later_release import EXPANSION, LATER, add_migration

BASELINE = (
    "0026_sent_until",
    "city_credit_0002",
    "hospital_appointments_0004",
    "traffic_tickets_0002",
    "utility_bills_0003",
)
"""The migrations of before the rule; nobody upgrades past these under load."""
LINES_ONLY = "prefer-text-field,prefer-bigint-over-int,prefer-identity,prefer-robust-stmts"
"""Rules of squawk that are about taste: sizes of texts are checked by the models, and alembic knows
what has been applied."""


@pytest.fixture
def app(tmp_path: Path) -> Iterator[SiteFlask]:
    """The product on an empty database of its own, on PostgreSQL."""
    superuser = os.environ.get(postgres.VARIABLE)
    if not superuser:
        pytest.skip("PostgreSQL is not installed")
    with postgres.test_database(superuser) as made:
        settings = Settings(demo=True, secret_key=KEY, master_key=KEY, testing=True)
        settings = replace(settings, database_url=made.application, owner_url=made.owner)
        found = create_app(settings, serving=False)
        with found.app_context():
            yield found


@contextmanager
def recorded() -> Iterator[list[str]]:
    """What changes the schema, as it is sent."""
    sent: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        if statement.lstrip().split(None, 1)[0].upper() in ("CREATE", "ALTER", "DROP", "TRUNCATE"):
            sent.append(f"{statement.strip()};")

    event.listen(Engine, "before_cursor_execute", note)
    try:
        yield sent
    finally:
        event.remove(Engine, "before_cursor_execute", note)


def found_by_squawk(statements: list[str], folder: Path) -> str:
    """What squawk has against statements that are sent in one transaction, with our timeouts."""
    timeouts = [f"SET {name} = '{value}';" for name, value in TIMEOUTS.items()]
    file = folder / "migrations.sql"
    file.write_text("\n".join([*timeouts, *statements]), "utf-8")
    squawk = Path(sys.executable).with_name("squawk")
    words = ["--pg-version", "15", "--assume-in-transaction", "--exclude", LINES_ONLY, file]
    done = subprocess.run(
        [squawk, "--reporter", "gcc", *words], capture_output=True, text=True, timeout=60
    )
    return done.stdout + done.stderr


def statements_after_the_baseline() -> list[str]:
    for revision in BASELINE:
        migrate_to(revision)
    with recorded() as sent:
        migrate_to_heads()
    return sent


def test_new_migrations_only_expand(app: SiteFlask, tmp_path: Path) -> None:
    """Nothing that stops the release before, or holds a table for long: taken away is only what
    the release before does not use any more (docs/operations.md, Changing the schema)."""
    assert found_by_squawk(statements_after_the_baseline(), tmp_path) == ""


@pytest.mark.parametrize(
    "change,rule",
    [
        (EXPANSION, ""),
        (EXPANSION.replace("nullable=True", "nullable=False"), "adding-required-field"),
        ('op.create_index("ix_meter", "utility_bill", ["usage"])', "concurrent-index"),
        ('op.drop_column("utility_bill", "usage")', "ban-drop-column"),
        ('op.alter_column("utility_bill", "usage", new_column_name="used")', "renaming-column"),
        ('op.alter_column("utility_bill", "usage", type_=sa.Text())', "changing-column-type"),
        ('op.create_check_constraint("ck_x", "utility_bill", "amount > 0")', "not-valid"),
        ('op.drop_table("utility_bill")', "ban-drop-table"),
    ],
)
def test_what_is_no_expansion_is_noticed(tmp_path: Path, change: str, rule: str) -> None:
    """Each kind of statement that would be felt while the release before serves."""
    said = found_by_squawk([offline(change)], tmp_path)
    assert rule in said
    assert bool(said) == bool(rule)


def offline(change: str) -> str:
    """The SQL of one operation of Alembic on PostgreSQL."""
    text = io.StringIO()
    context = MigrationContext.configure(
        dialect_name="postgresql", opts={"as_sql": True, "output_buffer": text}
    )
    exec(change, {"op": Operations(context), "sa": sa})
    return text.getvalue()


def test_a_migration_makes_way_and_comes_again(
    app: SiteFlask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A table that a transaction holds: it waits a second at a time, nobody else waits longer, and
    once the table is free it is done. What was done before stays."""
    upgrade_database(app.product.settings)
    add_migration(monkeypatch, tmp_path, EXPANSION)
    owner = make_url(app.product.settings.owner_url).set(drivername="postgresql")
    waited: list[float] = []
    with psycopg.connect(owner.render_as_string(hide_password=False)) as holder:
        holder.execute("SELECT 1 FROM utility_bill")

        def sleep(seconds: float) -> None:
            waited.append(seconds)
            assert LATER not in applied_migrations()
            if len(waited) == 2:
                holder.rollback()

        migrate_to_heads(sleep)
    assert waited == list(PAUSES[:2])
    assert LATER in applied_migrations()


def test_one_that_never_gets_its_table_says_what_to_look_for(
    app: SiteFlask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing of it is done, and the database is at the migration before."""
    monkeypatch.setattr("smartcity_saas.migrations.patience.PAUSES", (1, 1))
    upgrade_database(app.product.settings)
    before = applied_migrations()
    add_migration(monkeypatch, tmp_path, EXPANSION)
    owner = make_url(app.product.settings.owner_url).set(drivername="postgresql")
    with psycopg.connect(owner.render_as_string(hide_password=False)) as holder:
        holder.execute("SELECT 1 FROM utility_bill")
        with pytest.raises(SettingsError, match="pg_stat_activity"):
            migrate_to_heads(lambda _seconds: None)
    assert applied_migrations() == before
