"""Core statements: built once, run often, and bound to the current city each time.

The ORM adds the city by itself, and takes four to six times the processor time of a Core statement
to do so. What is run for every booking, message or payment is therefore written in Core, with the
city in it; the statement guard refuses one that forgot it.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any, TypeVar

import uuid_utils.compat
from sqlalchemy import (
    BigInteger,
    BindParameter,
    Connection,
    Executable,
    Insert,
    Result,
    Select,
    Table,
    Update,
    bindparam,
    insert,
    select,
    update,
)
from sqlalchemy.orm import attributes, make_transient_to_detached
from sqlalchemy.orm.attributes import manager_of_class, set_committed_value
from sqlalchemy.orm.util import identity_key

from smartcity_saas.database import driver_statements
from smartcity_saas.database.models import CityModel, table_of
from smartcity_saas.database.transactions import db, transaction, upsert_into
from smartcity_saas.tenant_context import current_city_id, current_city_id_or_none

CITY = bindparam("city", type_=BigInteger())
"""The current city's key in a statement for ``run``: ``table.c.city_id == CITY``."""

_CONNECTION = "core_connection"
MOST_IN_ONE = 8
"""Rows that PostgreSQL is given by a statement of their number; more go by SQLAlchemy's own batches."""

Model = TypeVar("Model", bound=CityModel)

watchers: list[Callable[[Executable], None]] = []
"""Called with each statement before it runs, and may refuse it: what watches rows as the ORM loads
them sees none of these."""


def run(statement: Executable, values: Mapping[str, Any] | None = None) -> Result[*tuple[Any, ...]]:
    """Run a Core statement in the current city, after what the session has yet to write.

    Args:
        statement: A select, update or delete that was built once, with ``CITY`` in it where it is
            on a city's tables.
        values: Its other bound values, by name.
    """
    for watch in watchers:
        watch(statement)
    return _execute(statement, {"city": current_city_id_or_none(), **(values or {})})


def load(
    model: type[Model], statement: Select[Any], values: Mapping[str, Any] | None = None
) -> list[Model]:
    """Load rows by a Core statement, as the session's own and as they stand now: a third of what a
    query of the ORM takes. Whatever watches rows as they are loaded sees them.

    Args:
        model: Whose rows.
        statement: A select of all columns of its table, but perhaps for those that are read later
            (``deferred``), with ``CITY`` in it, that was built once.
        values: Its other bound values, by name.
    """
    found = _execute(statement, {"city": current_city_id(), **(values or {})}).all()
    return [_in_session(model, row) for row in found]


@cache
def _by_keys(table: Table) -> Select[Any]:
    keys: BindParameter[Any] = bindparam("keys", expanding=True)
    return select(table).where(table.c.city_id == CITY, table.c.id.in_(keys))


def load_related(rows: Sequence[CityModel], name: str, model: type[CityModel]) -> None:
    """Load what each of some rows refers to, with one statement for all of them.

    Args:
        rows: Rows in the session.
        name: Their relationship; its key is the column ``<name>_id``.
        model: What it leads to.
    """
    keys = sorted({getattr(row, f"{name}_id") for row in rows})
    if not keys:
        return
    found = {one.id: one for one in load(model, _by_keys(table_of(model)), {"keys": keys})}
    for row in rows:
        set_committed_value(row, name, found[getattr(row, f"{name}_id")])


def write_changes(row: CityModel) -> None:
    """Write at once what was changed of one row, by a kept statement; a flush, which would write it at
    the next statement, takes four times as long. A savepoint that is rolled back takes it back in
    the session as well.

    Raises:
        TenantIsolationError: It is another city's.
    """
    state = attributes.instance_state(row)
    table, session = table_of(type(row)), db.session()
    names = tuple(sorted(name for name in state.committed_state if name in table.c))
    if not names:
        return
    values = {f"to_{name}": state.dict[name] for name in names}
    # As a flush leaves a row, and before the statement, or that would flush it.
    session._register_altered([state])
    state._commit_all(state.dict, session.identity_map)
    _execute(_update_of(table, names), {"city": row.city_id, "row": row.id, **values})


def run_each(statement: Executable, values: Sequence[Mapping[str, Any]]) -> None:
    """Run a Core statement once for each of some values, in one trip; as ``run`` does, without rows."""
    for watch in watchers:
        watch(statement)
    city_id = current_city_id_or_none()
    rows = [{"city": city_id, **each} for each in values]
    if len(rows) == 1:
        _execute(statement, rows[0])
    else:
        _connection().execute(statement, rows)


def insert_rows(statement: Insert, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert rows into a table of the current city, or into one of its rows on the platform."""
    city_id = current_city_id()
    named = [{"city_id": city_id, **row} for row in rows]
    if len(rows) == 1:
        _execute(statement, named[0])
    elif len(rows) > MOST_IN_ONE or db.engine.dialect.name != "postgresql":
        _connection().execute(statement, named)
    else:
        values = {f"{name}_{at}": row[name] for at, row in enumerate(named) for name in row}
        _execute(_insert_several(statement.table, tuple(named[0]), len(named)), values)


def send_together() -> None:
    """Let the rest of the present transaction be sent in as few trips as what it reads allows: what
    returns no rows is sent with what comes next, and its error is raised there."""
    driver_statements.send_together(_connection())


def store(row: CityModel) -> None:
    """Insert one new row at once, by a kept statement; it stands in the session as it was stored. In a
    transaction that writes one row of a kind, this is a third of what a flush takes."""
    table, session = table_of(type(row)), db.session()
    row.city_id, row.id = current_city_id(), row.id or uuid_utils.compat.uuid7()
    given = {name: value for name, value in row.__dict__.items() if name in table.c}
    _execute(_insert_into(table), given)
    make_transient_to_detached(row)
    for column in table.c:
        if column.name not in given and column.default is None:
            set_committed_value(row, column.name, None)
    session.add(row)


def insert_once(
    model: type[CityModel], unique: tuple[str, ...], /, **values: Any
) -> uuid.UUID | None:
    """Insert a row of the current city unless its unique columns are taken.

    Two at once, on any process, make one row: the database decides, and the transaction lives on.

    Returns:
        The new row's key, None if there was one already.
    """
    row = {"city_id": current_city_id(), "id": uuid_utils.compat.uuid7(), **values}
    with transaction():
        statement = _insert_unless_there(model, unique, db.engine.dialect.name)
        found: uuid.UUID | None = _execute(statement, row).scalar_one_or_none()
        return found


def _in_session(model: type[Model], found: Any) -> Model:
    values, session = found._mapping, db.session()
    key = identity_key(model, (values["city_id"], values["id"]))
    row: Model | None = session.identity_map.get(key)
    if row is None:
        row = manager_of_class(model).new_instance()
        row.__dict__.update(values)
        make_transient_to_detached(row)
        session.add(row)
        state = attributes.instance_state(row)
        state.manager.dispatch.load(state, None)
    else:
        # As ``set_committed_value`` of each.
        state = attributes.instance_state(row)
        state.dict.update(values)
        state._commit(state.dict, values)
    return row


@cache
def _update_of(table: Table, names: tuple[str, ...]) -> Update:
    to = {name: bindparam(f"to_{name}", type_=table.c[name].type) for name in names}
    here = table.c.city_id == CITY, table.c.id == bindparam("row")
    return update(table).where(*here).values(to)


@cache
def _insert_into(table: Table) -> Insert:
    return insert(table)


@cache
def _insert_several(table: Table, names: tuple[str, ...], rows: int) -> Insert:
    values = [
        {name: bindparam(f"{name}_{place}", type_=table.c[name].type) for name in names}
        for place in range(rows)
    ]
    return insert(table).values(values).inline()


@cache
def _insert_unless_there(model: type[CityModel], unique: tuple[str, ...], dialect: str) -> Insert:
    columns = ["city_id", *unique]
    table = table_of(model)
    insert: Insert = upsert_into(table).on_conflict_do_nothing(index_elements=columns)
    return insert.returning(table.c.id)


def _execute(statement: Executable, values: Mapping[str, Any]) -> Result[*tuple[Any, ...]]:
    connection = _connection()
    found = driver_statements.execute(connection, statement, values)
    return connection.execute(statement, values) if found is None else found


def _connection() -> Connection:
    """The session's connection in its present transaction, after what the session has yet to write."""
    session = db.session()
    session.flush()
    here = session.get_nested_transaction() or session.get_transaction()
    kept: tuple[Any, Connection] | None = session.info.get(_CONNECTION)
    if kept is not None and here is not None and kept[0] is here:
        return kept[1]
    connection = session.connection()
    here = session.get_nested_transaction() or session.get_transaction()
    session.info[_CONNECTION] = here, connection
    return connection
