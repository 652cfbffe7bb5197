"""Migrations: what they build is what the models say, on both databases, with rows in place."""

from __future__ import annotations

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import create_engine, inspect, text
from sqlalchemy.exc import DBAPIError

from smartcity_saas.cli.operations import upgrade_database
from smartcity_saas.database import city_tables, command
from smartcity_saas.database.models import Base
from smartcity_saas.identity.models import Resident
from smartcity_saas.readiness import readiness
from tests.conftest import World


def test_models_and_migrations_agree(empty: World) -> None:
    """Nothing is in the models that a migration does not make, and the other way round."""
    engine = create_engine(empty.app.config["SETTINGS"].owner_url)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": False})
        found = compare_metadata(context, Base.metadata)
    engine.dispose()
    assert found == []


def test_city_keys_start_with_the_city(empty: World) -> None:
    """Every city table's primary key is (city_id, id), and every foreign key carries city_id."""
    engine = create_engine(empty.app.config["SETTINGS"].owner_url)
    inspector = inspect(engine)
    for table in city_tables():
        assert inspector.get_pk_constraint(table)["constrained_columns"] == ["city_id", "id"]
        for key in inspector.get_foreign_keys(table):
            assert "city_id" in key["constrained_columns"], table
            assert key["referred_table"] in city_tables(), table
        for unique in inspector.get_unique_constraints(table):
            assert "city_id" in unique["column_names"], table
    engine.dispose()


def test_row_security_is_forced_on_every_city_table(empty: World) -> None:
    """On PostgreSQL no city table is left without a forced policy, the owner included."""
    if empty.engine != "postgresql":
        pytest.skip("row-level security is PostgreSQL's; SQLite has none")
    engine = create_engine(empty.app.config["SETTINGS"].owner_url)
    with engine.connect() as connection:
        forced = connection.scalars(
            text("SELECT relname FROM pg_class WHERE relrowsecurity AND relforcerowsecurity")
        ).all()
    engine.dispose()
    assert set(forced) == city_tables()


def test_a_constraint_over_an_orphan_is_not_passed_unseen(world: World) -> None:
    """With FORCE a migration sees no rows, so a foreign key over an orphan would pass as
    valid: the recipe of docs/operations.md (NO FORCE, constraint, FORCE) finds it."""
    if world.engine != "postgresql":
        pytest.skip("row-level security is PostgreSQL's; SQLite has none")
    for city in ("hangzhou", "shanghai"):
        with world.inside(city), command() as session:
            session.add(Resident(name=city, created_at=world.clock()))
    add = (
        "ALTER TABLE resident ADD CONSTRAINT only_named CHECK (name <> 'shanghai') NOT VALID;"
        "ALTER TABLE resident VALIDATE CONSTRAINT only_named"
    )
    engine = create_engine(world.app.config["SETTINGS"].owner_url)
    with engine.connect() as connection:
        assert connection.execute(text("UPDATE resident SET name = name")).rowcount == 0
        connection.rollback()
        connection.execute(text("ALTER TABLE resident NO FORCE ROW LEVEL SECURITY"))
        with pytest.raises(DBAPIError):
            connection.execute(text(add))
    engine.dispose()


def test_upgrading_again_changes_nothing(world: World) -> None:
    """An upgrade of an up-to-date database is harmless, and readiness says it is up to date."""
    upgrade_database(world.app.config["SETTINGS"])
    assert readiness() == {"database": True, "migrations": True, "fleet": True}
