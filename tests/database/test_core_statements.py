"""Statements in Core are as isolated as those of the ORM, and are built once."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
import uuid_utils.compat
from sqlalchemy import bindparam, event, insert, select, update
from sqlalchemy.exc import DBAPIError, IntegrityError, OperationalError

from smartcity_saas.database import (
    CITY,
    Base,
    db,
    driver_statements,
    insert_once,
    insert_rows,
    load,
    run,
    send_together,
    table_of,
    transaction,
    write_changes,
)
from smartcity_saas.database.statement_guard import check_statement
from smartcity_saas.errors import TenantIsolationError
from smartcity_saas.identity.residents.models import Resident
from smartcity_saas.measures import Measure, count
from smartcity_saas.outbox import enqueue
from smartcity_saas.outbox.models import OutboxTask
from tests.support.statements import statements_sent
from tests.support.states import drop_connections
from tests.support.world import World

RESIDENT = table_of(Resident)
NAMES = select(RESIDENT.c.name).where(RESIDENT.c.city_id == CITY)
WHOLE = select(RESIDENT).where(RESIDENT.c.city_id == CITY)
RENAME = update(RESIDENT).where(RESIDENT.c.city_id == CITY).values(name=bindparam("called"))


def test_a_statement_is_of_the_city_that_runs_it(peopled: World) -> None:
    """One statement, run in two cities in turn, finds and changes each city's own rows."""
    for city in ("hangzhou", "shanghai", "hangzhou"):
        with peopled.inside(city):
            assert run(NAMES).scalars().all() == [city]
    with peopled.inside("hangzhou"), transaction():
        run(RENAME, {"called": "x"})
    with peopled.inside("shanghai"):
        assert run(NAMES).scalars().all() == ["shanghai"]


def test_a_statement_that_forgot_the_city_is_refused(peopled: World) -> None:
    """Nothing adds the city to a statement in Core; the guard holds back one without it, and one
    that is given another's key."""
    other = peopled.city_id("shanghai")
    with peopled.inside("hangzhou"):
        with pytest.raises(TenantIsolationError):
            run(select(RESIDENT.c.name))
        with pytest.raises(TenantIsolationError):
            run(NAMES, {"city": other})
        row = {"city_id": other, "name": "x", "created_at": peopled.clock()}
        with transaction(), pytest.raises(TenantIsolationError):
            insert_rows(insert(RESIDENT), [row])


def test_what_the_session_has_yet_to_write_is_written_first(peopled: World) -> None:
    """A statement finds what stands in the session before it, as a query of the ORM does."""
    with peopled.inside("hangzhou"), transaction() as session:
        session.scalars(select(Resident)).one().name = "changed"
        assert run(NAMES).scalars().all() == ["changed"]


def test_rows_that_are_loaded_are_the_sessions(peopled: World) -> None:
    """Promise: a row that a statement in Core loads is the city's own, the session's one object of it, as it
    stands now; and whatever notes who was looked at hears of it."""
    seen: list[str] = []

    def note(row: Resident, _context: Any) -> None:
        seen.append(row.name)

    event.listen(Resident, "load", note)
    try:
        for city in ("hangzhou", "shanghai"):
            city_id = peopled.city_id(city)
            with peopled.inside(city):
                (row,) = load(Resident, WHOLE)
                assert (row.name, row.city_id) == (city, city_id)
                assert row is db.session.scalars(select(Resident)).one()
                assert row not in db.session.dirty
                with transaction():
                    run(RENAME, {"called": "changed"})
                    assert [one.name for one in load(Resident, WHOLE)] == ["changed"]
                assert row.name == "changed"
    finally:
        event.remove(Resident, "load", note)
    assert seen == ["hangzhou", "shanghai"]


def test_changes_of_one_row_are_written_once(peopled: World) -> None:
    """Promise: what was changed of a row is written by one statement, and no flush writes it again."""
    with peopled.inside("hangzhou"), statements_sent() as sent:
        with transaction() as session:
            (row,) = load(Resident, WHOLE)
            write_changes(row)
            row.name, row.consented = "changed", "7"
            write_changes(row)
            assert row not in session.dirty
            row.name = "again"
        assert [(one.name, one.consented) for one in load(Resident, WHOLE)] == [("again", "7")]
    assert sum(one.startswith("UPDATE resident ") for one in sent) == 2
    with peopled.inside("shanghai"):
        assert run(NAMES).scalars().all() == ["shanghai"]


def test_changes_that_a_savepoint_takes_back(peopled: World) -> None:
    """Promise: the session does not go on showing what was written and taken back."""
    with peopled.inside("hangzhou"), transaction() as session:
        (row,) = load(Resident, WHOLE)
        with pytest.raises(ValueError, match="taken back"), session.begin_nested():
            row.name = "changed"
            write_changes(row)
            raise ValueError("taken back")
        assert row.name == "hangzhou"


def test_a_row_of_another_city_is_not_written(peopled: World) -> None:
    """Promise: a row that was taken along into another city is refused there."""
    with peopled.inside("hangzhou"):
        (row,) = load(Resident, WHOLE)
        db.session.expunge(row)
    with peopled.inside("shanghai"), transaction() as session:
        session.add(row)
        row.name = "changed"
        with pytest.raises(TenantIsolationError):
            write_changes(row)
        session.expunge(row)
    with peopled.inside("hangzhou"):
        assert run(NAMES).scalars().all() == ["hangzhou"]


def test_what_is_done_often_is_parsed_once(peopled: World, monkeypatch: Any) -> None:
    """Counting and inserting once are checked by the guard when they first run, and not again:
    parsing takes forty times as long as the statement."""
    seen: list[str] = []

    def check(sql: str, *rest: Any) -> Any:
        seen.append(sql)
        return check_statement(sql, *rest)

    with peopled.inside("hangzhou"):
        _count_and_keep(peopled)
        monkeypatch.setattr("smartcity_saas.database.transactions.check_statement", check)
        _count_and_keep(peopled)
    assert [sql for sql in seen if sql.startswith("INSERT")] == []


def _count_and_keep(world: World) -> None:
    with transaction():
        count("x", Measure.DONE, world.clock(), at_once=True)
        insert_once(Resident, ("id",), name="x", created_at=world.clock())


def test_rows_are_those_of_sqlalchemy(peopled: World) -> None:
    """Keys, moments, JSON and nothing at all come back from the driver's cursor as SQLAlchemy's
    execution reads them, by name, by place and by column."""
    tasks = table_of(OutboxTask)
    query = select(tasks).where(tasks.c.city_id == CITY, tasks.c.kind == bindparam("kind"))
    city = peopled.city_id("hangzhou")
    with peopled.inside("hangzhou"):
        for key in (None, "once"):
            enqueue("x", {"a": ["一", 2, None]}, peopled.clock(), key=key)
        values = {"kind": "x", "city": city}
        ours = run(query.order_by(tasks.c.id), values).all()
        theirs = db.session.connection().execute(query.order_by(tasks.c.id), values).all()
        assert len(ours) == 2
        for one, other in zip(ours, theirs, strict=True):
            assert dict(one._mapping) == dict(other._mapping)
            assert list(map(type, one)) == list(map(type, other))
            assert one._mapping[tasks.c.payload] == one.payload == {"a": ["一", 2, None]}


def test_any_table_of_a_city_can_be_read(peopled: World) -> None:
    """A kept statement reads every kind of column that any table of a city has."""
    with peopled.inside("hangzhou"):
        for table in Base.metadata.sorted_tables:
            if "city_id" in table.c:
                run(select(table).where(table.c.city_id == CITY)).all()


def test_a_list_finds_what_is_in_it(peopled: World, monkeypatch: Any) -> None:
    """Promise: lists of none, one or several values, given or written into the statement, find what
    SQLAlchemy finds, in the current city alone, and the guard parses them once for all lengths."""
    checked: list[str] = []

    def check(sql: str, *rest: Any) -> Any:
        checked.append(sql)
        return check_statement(sql, *rest)

    monkeypatch.setattr("smartcity_saas.database.transactions.check_statement", check)
    kinds = table_of(OutboxTask)
    query = (
        select(kinds.c.kind)
        .where(kinds.c.city_id == CITY, kinds.c.kind.in_(bindparam("kinds", expanding=True)))
        .where(kinds.c.kind.in_(["a", "b", "c"]))
        .order_by(kinds.c.kind)
    )
    for city, kept in (("hangzhou", "abcd"), ("shanghai", "c")):
        with peopled.inside(city):
            for kind in kept:
                enqueue(kind, {}, peopled.clock())
            for wanted in ([], ["b"], ["a", "d"], ["c", "b", "a"], ["x"] * 200):
                found = run(query, {"kinds": wanted}).scalars().all()
                assert found == sorted(set(wanted) & set(kept) & set("abc"))
    ours = [sql for sql in checked if "outbox_task.kind IN" in sql]
    assert len(ours) <= 2, "once by the driver's road, once by SQLAlchemy's own"


def test_errors_are_those_of_sqlalchemy(peopled: World) -> None:
    """What the database refuses on the driver's cursor is told by SQLAlchemy's classes, without the
    bound values, and the next transaction finds all well."""
    doubled = insert(RESIDENT).values(id=bindparam("id"), created_at=bindparam("at"))
    with peopled.inside("hangzhou"):
        key = db.session.scalars(select(Resident.id)).one()
        row = {"id": key, "at": peopled.clock(), "name": "secret name"}
        with pytest.raises(IntegrityError) as refused, transaction():
            insert_rows(doubled, [row])
        assert "secret name" not in str(refused.value)
        assert run(NAMES).scalars().all() == ["hangzhou"]


def test_a_connection_that_breaks_leaves_the_pool(peopled: World) -> None:
    """A server that hangs up while such a statement runs costs that transaction, and no other."""
    if db.engine.dialect.name != "postgresql":
        pytest.skip("a file drops no connection")
    with peopled.inside("hangzhou"):
        with pytest.raises(DBAPIError) as broken, transaction():
            run(NAMES)
            drop_connections(peopled, _process())
            run(NAMES)
        assert isinstance(broken.value, OperationalError)
        assert broken.value.connection_invalidated
        assert run(NAMES).scalars().all() == ["hangzhou"]


def test_whoever_listens_hears_of_every_statement(peopled: World) -> None:
    """The guard and traces listen to statements; the driver's cursor is no way around them."""
    heard: list[tuple[str, str]] = []

    def note(name: str) -> Any:
        return lambda _connection, _cursor, sql, *_rest: heard.append((name, sql))

    listeners = [(name, note(name)) for name in ("before", "after")]
    for name, listener in listeners:
        event.listen(db.engine, f"{name}_cursor_execute", listener)
    try:
        with peopled.inside("hangzhou"):
            run(NAMES).all()
    finally:
        for name, listener in listeners:
            event.remove(db.engine, f"{name}_cursor_execute", listener)
    assert [name for name, sql in heard if "FROM resident" in sql] == ["before", "after"]


def test_the_hot_road_is_the_drivers(peopled: World, monkeypatch: Any) -> None:
    """On PostgreSQL counting and keeping once pass SQLAlchemy's execution by: what makes them cheap does
    not get lost unseen."""
    if db.engine.dialect.name != "postgresql":
        pytest.skip("SQLite has no road of its own")
    usual: list[str] = []
    execute = driver_statements.execute

    def note(connection: Any, statement: Any, values: Any) -> Any:
        found = execute(connection, statement, values)
        if found is None:
            usual.append(str(statement))
        return found

    with peopled.inside("hangzhou"):
        monkeypatch.setattr(driver_statements, "execute", note)
        _count_and_keep(peopled)
        run(NAMES).all()
        run(NAMES.where(RESIDENT.c.name.in_(bindparam("some"))), {"some": ["a", "b"]}).all()
    assert usual == []


def _people(world: World, *keys: uuid.UUID) -> None:
    """Add people who wait to be sent."""
    for key in keys:
        row = {"id": key, "name": str(key), "created_at": world.clock()}
        insert_rows(insert(RESIDENT), [row])


def test_what_is_sent_together_is_stored_together(peopled: World) -> None:
    """All that waits goes with the commit, what reads finds it before, and so does the ORM."""
    first, second = uuid_utils.compat.uuid7(), uuid_utils.compat.uuid7()
    with peopled.inside("hangzhou"):
        with transaction() as session:
            send_together()
            _people(peopled, first)
            assert str(first) in run(NAMES).scalars().all()
            _people(peopled, second)
            assert len(session.scalars(select(Resident)).all()) == 3
            send_together()
            run(RENAME, {"called": "x"})
        assert set(run(NAMES).scalars()) == {"x"}


def test_what_waits_is_refused_at_the_commit(peopled: World) -> None:
    """A statement that the database refuses takes back the whole transaction, though nobody waited for
    its answer, and is told as SQLAlchemy tells it; the connection is as good as before."""
    with peopled.inside("hangzhou"):
        there, new = db.session.scalars(select(Resident.id)).one(), uuid_utils.compat.uuid7()
        with pytest.raises(IntegrityError), transaction():
            send_together()
            _people(peopled, new, there)
            run(RENAME, {"called": "x"})
        assert run(NAMES).scalars().all() == ["hangzhou"]
        with pytest.raises(ZeroDivisionError), transaction():
            send_together()
            _people(peopled, new)
            raise ZeroDivisionError
        with transaction():
            _people(peopled, new)
        assert len(run(NAMES).all()) == 2


def test_a_server_that_goes_while_things_wait(peopled: World) -> None:
    """Promise: what was not committed is not told as done, and the next transaction finds all well."""
    if db.engine.dialect.name != "postgresql":
        pytest.skip("a file drops no connection")
    with peopled.inside("hangzhou"):
        with pytest.raises(DBAPIError) as broken, transaction():
            run(NAMES)
            send_together()
            _people(peopled, uuid_utils.compat.uuid7())
            drop_connections(peopled, _process())
        assert broken.value.connection_invalidated
        assert run(NAMES).scalars().all() == ["hangzhou"]


def _process() -> int:
    """The server's process of the present session's connection."""
    driver: Any = db.session.connection().connection.driver_connection
    return int(driver.info.backend_pid)
