"""Transactions, and the statement guard in front of every cursor."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from typing import Any

from flask import Flask
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import (
    BigInteger,
    Connection,
    Engine,
    Integer,
    Table,
    TextClause,
    bindparam,
    event,
    text,
)
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.orm import ORMExecuteState, Session, with_loader_criteria
from sqlalchemy.sql import visitors
from sqlalchemy.sql.elements import (
    ColumnClause,
    ReleaseSavepointClause,
    RollbackToSavepointClause,
    SavepointClause,
)

from smartcity_saas.database.connection_checks import check_connections
from smartcity_saas.database.driver_statements import watch_ends
from smartcity_saas.database.models import Base, CityModel, city_tables, platform_tables
from smartcity_saas.database.statement_guard import StatementReport, Tables, check_statement
from smartcity_saas.errors import TenantIsolationError
from smartcity_saas.tenant_context import current_city_id, current_city_id_or_none

BUSY_MILLISECONDS = 10_000
CONNECT_SECONDS = 5
"""How long a server that does not answer at all is waited for, on each of its addresses."""
KEPT_STATEMENTS = 1_500
"""How many statements stay compiled, and checked by the guard. The product has some 900 different ones
and more, which is above what SQLAlchemy keeps by default (500): a process that serves all pages would
compile and check some of them again and again."""
_SAVEPOINTS = (SavepointClause, RollbackToSavepointClause, ReleaseSavepointClause)
_TEXT_BESIDE = ("_prefixes", "_suffixes", "_hints", "_statement_hints")
CITY_MAY_WRITE = frozenset({"city_due", "city_score", "measure_event", "quota_use"})
"""The platform's tables in which a city's transaction may write its own rows."""
CITY_MAY_TOUCH = CITY_MAY_WRITE | {"city_hour", "city_measure", "city_measure_day"}
"""Those whose rows of its own it may read: nobody edits a figure that is told."""

db = SQLAlchemy(metadata=Base.metadata, session_options={"expire_on_commit": False})


def init_database(app: Flask, url: str) -> None:
    """Connect an application to its database, with the statement guard on every connection."""
    app.config["SQLALCHEMY_DATABASE_URI"] = url
    if url.startswith("sqlite"):
        options: dict[str, Any] = {"paramstyle": "named"}
    else:
        options = {
            "isolation_level": "READ COMMITTED",  # whatever the server's default is
            "pool_size": 10,
            "max_overflow": 10,
            "pool_timeout": 10,
            "connect_args": {"connect_timeout": CONNECT_SECONDS},
        }
    options["query_cache_size"] = KEPT_STATEMENTS
    options["hide_parameters"] = True  # what people typed is no business of the log
    app.config["SQLALCHEMY_ENGINE_OPTIONS"] = options
    db.init_app(app)
    with app.app_context():
        install_statement_guard(db.engine)


@contextmanager
def transaction() -> Iterator[Session]:
    """One unit of work that writes: commits at the end, rolls back on any error.

    On SQLite it begins ``IMMEDIATE``, so that what it reads stays true until it commits and no
    lock is upgraded midway. One within another joins it. Writing outside one raises. Rows that were
    read before are read anew in it when they are asked for.
    """
    session = db.session()
    if session.info.get("transaction"):
        yield session
        return
    session.info["transaction"] = True
    try:
        _begin_to_write(session)
        yield session
        session.commit()
    except BaseException:
        session.rollback()
        raise
    finally:
        session.info["transaction"] = False


def end_read() -> None:
    """End a read before something outside the database is waited for, so that it holds no connection
    meanwhile. Rows that were loaded are read anew when they are asked for.

    Raises:
        RuntimeError: It is a ``transaction()``, whose locks others would wait for as long.
    """
    session = db.session()
    if session.info.get("transaction"):
        raise RuntimeError("nothing outside the database is waited for in a transaction")
    session.rollback()


def _begin_to_write(session: Session) -> None:
    """End a read that came before and begin anew; go on in it where that comes to the same, which
    saves the four trips of a rollback and a new beginning."""
    if _can_go_on(session):
        session.expire_all()
        session.connection().execution_options(transaction=True)
    else:
        session.rollback()  # there is nothing to lose
        session.connection(execution_options={"transaction": True})


def _can_go_on(session: Session) -> bool:
    """On PostgreSQL every statement sees what was committed before it (READ COMMITTED), however long
    its transaction has been open. A read that failed cannot go on, and what was changed outside
    ``transaction()`` does not come along."""
    if not session.in_transaction() or session.new or session.dirty or session.deleted:
        return False
    connection = session.connection()
    if connection.dialect.name != "postgresql":
        return False
    driver: Any = connection.connection.driver_connection
    return bool(driver.info.transaction_status.name == "INTRANS")


def upsert_into(model: type[Base] | Table) -> Any:
    """An insert that may say what happens on a conflict, in the dialect of the present engine."""
    dialect = db.engine.dialect.name
    return postgresql_insert(model) if dialect == "postgresql" else sqlite_insert(model)


def without_statement_guard(sql: str, reason: str) -> TextClause:
    """Raw SQL that names no table of ours. Loud on purpose, and counted by a test."""
    if not reason:
        raise TenantIsolationError("raw SQL needs a reason")
    return text(sql).execution_options(without_statement_guard=reason)


def install_statement_guard(engine: Engine) -> None:
    """Listen to one engine: how its connections are prepared, how transactions begin, and what
    reaches its cursors."""
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _prepare_sqlite)
    else:
        check_connections(engine)
        watch_ends(engine)
    event.listen(engine, "begin", _begin)
    event.listen(engine, "before_cursor_execute", _verify)


def _prepare_sqlite(connection: Any, record: Any) -> None:
    connection.isolation_level = None  # we send BEGIN ourselves, in _begin
    for pragma in (
        "journal_mode = WAL",
        "synchronous = NORMAL",
        "foreign_keys = ON",
        f"busy_timeout = {BUSY_MILLISECONDS}",
    ):
        connection.execute(f"PRAGMA {pragma}")


def _begin(connection: Connection) -> None:
    city_id = current_city_id_or_none()
    connection.info["city_id"] = city_id
    if connection.dialect.name == "sqlite":
        immediate = connection.get_execution_options().get("transaction")
        _raw(connection, "BEGIN IMMEDIATE" if immediate else "BEGIN")
    elif city_id is not None:
        # SET LOCAL takes no bound value; int() makes the literal ours. Not set_config(): it
        # does not reach the worker nodes of Citus.
        _raw(connection, f"SET LOCAL app.city_id = '{int(city_id)}'")


def _raw(connection: Connection, sql: str) -> None:
    connection.exec_driver_sql(
        sql, execution_options={"without_statement_guard": "how a transaction begins"}
    )


def _verify(
    connection: Connection,
    cursor: Any,
    statement: str,
    parameters: Any,
    context: Any,
    executemany: bool,
) -> None:
    if context.execution_options.get("without_statement_guard"):
        return
    compiled = getattr(context, "compiled", None)
    if compiled is None:
        raise TenantIsolationError("raw SQL is refused: build the statement from the models")
    if isinstance(compiled.statement, _SAVEPOINTS):
        return
    reports = compiled.__dict__.get("_guard_reports")
    if reports is None:
        reports = compiled.__dict__["_guard_reports"] = _check_compiled(compiled)
    _check(reports, connection, context)


def _check_compiled(compiled: Any) -> _Reports:
    if compiled.literal_execute_params:
        raise TenantIsolationError("a value that is written into the statement as it is sent")
    for element in visitors.iterate(compiled.statement):
        literal = isinstance(element, ColumnClause) and element.is_literal and element.name != "*"
        if literal or isinstance(element, TextClause):
            raise TenantIsolationError("text inside a statement is refused")
        if any(getattr(element, name, None) for name in _TEXT_BESIDE):
            raise TenantIsolationError("prefixes, suffixes and hints are refused")
    dialect = "postgres" if compiled.dialect.name == "postgresql" else "sqlite"
    city, platform = _tables("city"), _tables("platform")
    report = check_statement(compiled.string, dialect, city, platform)
    counts = None
    if report.platform & CITY_MAY_TOUCH:
        own = {
            name: city_or for name, city_or in platform.columns.items() if name in CITY_MAY_TOUCH
        }
        rest = {name: c for name, c in platform.columns.items() if name not in CITY_MAY_TOUCH}
        with suppress(TenantIsolationError):
            both = Tables({**city.columns, **own})
            counts = check_statement(compiled.string, dialect, both, Tables(rest))
    names = report.city_parameters | (counts.city_parameters if counts else frozenset())
    for name in names:
        if type(compiled.binds[name].type) not in (Integer, BigInteger):
            raise TenantIsolationError("a city's key is bound as a plain integer")
    return _Reports(report, counts)


@dataclass(frozen=True)
class _Reports:
    """The reports on a statement as it is, and with the counts bound like a city's own tables
    (None if it does not bind them, which only matters inside a city)."""

    plain: StatementReport
    counts: StatementReport | None


def _check(reports: _Reports, connection: Connection, context: Any) -> None:
    city_id, report = current_city_id_or_none(), reports.plain
    if connection.info.get("city_id") != city_id:
        raise TenantIsolationError("a transaction that began in another city")
    if report.writes and not connection.get_execution_options().get("transaction"):
        raise TenantIsolationError("a write outside transaction()")
    if city_id is None:
        if report.city:
            raise TenantIsolationError(f"{', '.join(sorted(report.city))} outside any city")
        return
    if report.platform - CITY_MAY_TOUCH:
        raise TenantIsolationError(
            f"{', '.join(sorted(report.platform - CITY_MAY_TOUCH))} from inside a city"
        )
    if report.platform & report.writes - CITY_MAY_WRITE:
        raise TenantIsolationError("sums are written by the worker alone, outside any city")
    if report.platform and reports.counts is None:
        raise TenantIsolationError("a city's counts are bound to the city")
    (reports.counts or report).check(city_id, context.compiled_parameters)


@cache
def _tables(kind: str) -> Tables:
    names = city_tables() if kind == "city" else platform_tables()
    tables = Base.metadata.tables
    return Tables(
        {name: frozenset(column.name for column in tables[name].columns) for name in names}
    )


_THIS_CITY = bindparam("this_city", type_=BigInteger(), callable_=current_city_id)
_OF_THIS_CITY = with_loader_criteria(
    CityModel, lambda model: model.city_id == _THIS_CITY, include_aliases=True
)
"""One for every statement; the city is read as each is sent."""


@event.listens_for(Session, "do_orm_execute")
def _add_city(state: ORMExecuteState) -> None:
    if (
        current_city_id_or_none() is None
        or state.is_column_load
        or not state.is_orm_statement  # Core has its city written in it
        or not (state.is_select or state.is_update or state.is_delete)
    ):
        return
    state.statement = state.statement.options(_OF_THIS_CITY)


@event.listens_for(Session, "do_orm_execute")
def _read_anew_under_lock(state: ORMExecuteState) -> None:
    """A row that is locked is read as it stands now, not as this session has seen it before."""
    if state.is_select and getattr(state.statement, "_for_update_arg", None) is not None:
        state.update_execution_options(populate_existing=True)


@event.listens_for(Session, "before_flush")
def _stamp_city(session: Session, flush_context: Any, instances: Any) -> None:
    for row in (*session.new, *session.dirty, *session.deleted):
        if not isinstance(row, CityModel):
            continue
        here = current_city_id()
        if row.__dict__.get("city_id") is None:
            row.city_id = here
        if row.city_id != here:
            raise TenantIsolationError(f"a {type(row).__name__} of another city")
