"""The same schema distributes on ``city_id`` (docs/scale.md): its tables, and every statement of the suite,
which ``routed_statements`` in tests/conftest.py looks at as it runs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from alembic.migration import MigrationContext
from alembic.operations import Operations
from sqlalchemy import Connection, create_engine, text

from smartcity_saas.database import db
from smartcity_saas.database.citus import (
    is_distributed,
    propagation_fault,
    refuse_silent_workers,
)
from smartcity_saas.database.models import platform_tables
from smartcity_saas.errors import SettingsError
from smartcity_saas.migrations.operations import isolate_city_tables
from tests.support.citus_routing import DUE, Routing, distributed
from tests.support.world import World

MINE = {"city": 7}
SELECT = "SELECT r.name FROM resident AS r WHERE r.city_id = %(city)s::BIGINT"


@pytest.fixture
def owner(empty: World) -> Iterator[Connection]:
    if empty.engine != "postgresql":
        pytest.skip("Citus is PostgreSQL's")
    engine = create_engine(empty.app.product.settings.owner_url)
    with engine.connect() as connection:
        yield connection
    engine.dispose()


def test_every_unique_index_of_a_distributed_table_has_the_city(owner: Connection) -> None:
    """A shard can hold uniqueness only within itself."""
    rows = owner.execute(
        text(
            "SELECT c.relname, i.indexrelid::regclass::text, EXISTS (SELECT FROM pg_attribute a"
            " WHERE a.attrelid = c.oid AND a.attnum = ANY(i.indkey) AND a.attname = 'city_id')"
            " FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid"
            " WHERE i.indisunique AND c.relnamespace = current_schema()::regnamespace"
        )
    ).all()
    here = [row for row in rows if row[0] in distributed()]
    assert {row[0] for row in here} == distributed()
    assert [row for row in here if not row[2]] == []


def test_foreign_keys_stay_within_a_shard(owner: Connection) -> None:
    """From one distributed table to another, city to city; none to or from a table that stays."""
    rows = owner.execute(
        text(
            "SELECT k.conname, c.relname, f.relname, EXISTS (SELECT FROM unnest(k.conkey, k.confkey)"
            " AS pair(own, other) JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = own"
            " JOIN pg_attribute b ON b.attrelid = k.confrelid AND b.attnum = other"
            " WHERE a.attname = 'city_id' AND b.attname = 'city_id')"
            " FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid"
            " JOIN pg_class f ON f.oid = k.confrelid WHERE k.contype = 'f'"
        )
    ).all()
    assert len(rows) > 20
    for name, table, target, together in rows:
        assert (table in distributed()) == (target in distributed()), name
        assert together or table not in distributed(), name


def test_no_distributed_table_has_a_trigger(owner: Connection) -> None:
    """Citus distributes none that has."""
    rows = owner.scalars(
        text("SELECT tgrelid::regclass::text FROM pg_trigger WHERE NOT tgisinternal")
    ).all()
    assert set(rows) & distributed() == set()


@pytest.mark.parametrize(
    ("sql", "rows", "words"),
    [
        ("SELECT name FROM resident", [{}], "not bound"),
        ("SELECT set_config('app.city_id', '7', true)", [{}], "set_config"),
        ("SET LOCAL app.city_id = '7'; SELECT 1", [{}], "alone"),
        (SELECT, [MINE, {"city": 8}], "2 cities"),
        (SELECT + " AND EXISTS (SELECT 1 FROM document AS d)", [MINE], "one that is not"),
        ("DELETE FROM city_due WHERE due_at < %(now)s", [{}], "every shard"),
        ("SELECT city_id FROM city_due FOR UPDATE SKIP LOCKED", [{}], "every shard"),
    ],
)
def test_what_is_not_routed_is_noticed(sql: str, rows: list[Any], words: str) -> None:
    """Each kind of statement that would go to several shards, or lose its city on the way."""
    found = Routing()
    found.look(sql, rows, {"statements": 0, "cities": set()})
    assert words in "".join(found.faults)


def test_a_transaction_names_one_city_first_and_alone() -> None:
    """``SET LOCAL`` after anything else, and a second city, are noticed; the usual way is not."""
    found, state = Routing(), {"statements": 0, "cities": set()}
    found.look("SET LOCAL app.city_id = '7'", [()], state, guarded=False)
    found.look(SELECT, [MINE], state)
    found.look("SELECT city_id FROM city_due WHERE due_at <= %(now)s", [{"now": 1}], state)
    assert found.faults == []
    found.look(SELECT, [{"city": 8}], state)
    found.look("SET LOCAL app.city_id = '8'", [()], state, guarded=False)
    assert [fault.partition(":")[0] for fault in found.faults] == [
        "several cities in one transaction",
        "the city is not told alone and first",
    ]


def test_only_what_is_due_is_distributed_of_the_platform() -> None:
    """The recipe of docs/scale.md names it; any other of the platform's tables stays where it is."""
    assert distributed() & platform_tables() == {DUE}


@pytest.mark.parametrize(("setting", "fine"), [("local", True), ("none", False), (None, False)])
def test_citus_must_hand_the_city_on(setting: str | None, fine: bool) -> None:
    """Without the setting every city is empty on the workers: ``smartcity doctor`` says so."""
    assert (propagation_fault(setting) is None) == fine


def test_a_plain_database_is_not_distributed(empty: World) -> None:
    """Nothing is said of Citus where it is not; what is asked of it fails closed."""
    assert not is_distributed(db.engine)
    if empty.engine == "postgresql":
        with pytest.raises(SettingsError, match="propagate_set_commands"):
            refuse_silent_workers(db.engine)


@pytest.mark.parametrize("there", [True, False])
def test_a_later_table_is_distributed_where_the_others_are(owner: Connection, there: bool) -> None:
    """A table that a migration adds would else stay on the coordinator and refuse every insert; on a
    database whose tables are not distributed (yet) nothing is."""
    owner.execute(text("CREATE TABLE pg_dist_partition (logicalrelid regclass)"))
    owner.execute(
        text(
            "CREATE FUNCTION create_distributed_table(t regclass, c text, colocate_with text)"
            " RETURNS void LANGUAGE sql AS 'INSERT INTO pg_dist_partition VALUES (t)'"
        )
    )
    if there:
        owner.execute(text("INSERT INTO pg_dist_partition VALUES ('resident'::regclass)"))
    owner.execute(text("CREATE TABLE later (city_id bigint, id uuid, PRIMARY KEY (city_id, id))"))
    with Operations.context(MigrationContext.configure(owner)):
        isolate_city_tables("later")
    found = owner.scalars(text("SELECT logicalrelid::text FROM pg_dist_partition")).all()
    assert found == (["resident", "later"] if there else [])
    owner.rollback()
