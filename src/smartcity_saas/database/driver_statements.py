"""Core statements on the driver's own cursor: compiled once, bound and read without SQLAlchemy's
execution.

Executing a compiled statement takes SQLAlchemy three to four times what the driver takes to send it. Here a
statement's text and what turns its values are kept, and each execution goes to the cursor past that,
but not past anybody who listens: ``before_cursor_execute`` (the statement guard, traces),
``after_cursor_execute`` and ``handle_error`` hear of it as of any other. A list (``IN``) is one text for each
number of its values. What is not plain (values that are written in as it is sent, several rows, numbers
with decimals among what is read, SQLite) is executed as usual.

A transaction may send its statements together (``send_together``): what returns no rows then waits for
what comes next, at the latest the COMMIT, and all of it is one trip. A row that is locked last is so
held for one trip, and not for one a statement.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import (
    Connection,
    Engine,
    Executable,
    Float,
    IteratorResult,
    Numeric,
    Result,
    event,
)
from sqlalchemy.engine.result import SimpleResultMetaData
from sqlalchemy.types import TypeEngine

MOST_KEPT = 1_000
"""Statements are built once, so there are few; one that is not must not fill the memory."""
MOST_IN_A_LIST = 128
"""Values of a list up to which a statement is kept for their number; more go the usual way."""
_KEPT = "driver_statements"
_COMPILED = "driver_statements_compiled"
_TOGETHER = "sent_together"

_WRITTEN_IN = "[POSTCOMPILE_"
"""Where SQLAlchemy writes something into a text as it is sent."""
_LISTS = (list, tuple, set, frozenset)

Processor = Callable[[Any], Any] | None


@dataclass
class _Execution:
    """What those who listen read of the context of an execution."""

    compiled: Any
    compiled_parameters: list[Mapping[str, Any]]
    execution_options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class _Plan:
    """How one statement is sent.

    Attributes:
        compiled: As SQLAlchemy compiled it; the guard keeps its report with it.
        constants: Bound values that stand in the statement, as the driver takes them.
        values: The others: name in the text, name in ``run``, and what turns the value.
        lists: Those that are lists: names in the text, one for each value, name in ``run``, and what
            turns each value.
        defaults: What a column makes by itself: name in the text, what makes it, what turns it.
        row: What a row looks like; None where none come back.
    """

    compiled: Any
    sql: str
    constants: Mapping[str, Any]
    values: tuple[tuple[str, str, Processor], ...]
    lists: tuple[tuple[tuple[str, ...], str, Processor], ...]
    defaults: tuple[tuple[str, Callable[[Any], Any], Processor], ...]
    row: SimpleResultMetaData | None

    def bound(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """The values as the driver takes them."""
        found = dict(self.constants)
        for name, key, turn in self.values:
            found[name] = values[key] if turn is None else turn(values[key])
        for names, key, turn in self.lists:
            several = values[key] if turn is None else map(turn, values[key])
            found.update(zip(names, several, strict=True))
        for name, make, turn in self.defaults:
            found[name] = make(None) if turn is None else turn(make(None))
        return found


def execute(
    connection: Connection, statement: Executable, values: Mapping[str, Any]
) -> Result[Any] | None:
    """Execute one statement, guarded as every other.

    Args:
        connection: On PostgreSQL, in a transaction.
        statement: In Core.
        values: Its bound values, by name.

    Returns:
        Its rows; None where it is to be executed as usual.

    Raises:
        TenantIsolationError: As the guard raises.
        DBAPIError: As SQLAlchemy raises.
    """
    plan = _plan_of(connection, statement, values)
    if plan is None:
        return None
    bound = plan.bound(values)
    execution = _Execution(plan.compiled, [bound])
    cursor: Any = connection.connection.cursor()
    for listen in connection.dispatch.before_cursor_execute:
        listen(connection, cursor, plan.sql, bound, execution, False)
    try:
        cursor.execute(plan.sql, bound)
        rows = cursor.fetchall() if plan.row is not None else ()
    except BaseException as error:
        # As SQLAlchemy does with its own cursors: a connection that broke leaves the pool, and the
        # error is of its classes.
        connection._handle_dbapi_exception(error, plan.sql, bound, cursor, None)
        raise
    for listen in connection.dispatch.after_cursor_execute:
        listen(connection, cursor, plan.sql, bound, execution, False)
    cursor.close()
    return IteratorResult(plan.row or _NO_ROWS, iter(rows))


def send_together(connection: Connection) -> None:
    """From here to the end of the transaction, send what returns no rows with what comes next. An error of
    such a statement is raised there, by the commit at the latest; what SQLAlchemy executes itself
    ends it."""
    if connection.dialect.name == "postgresql" and _TOGETHER not in connection.info:
        driver: Any = connection.connection.driver_connection
        stack = connection.info[_TOGETHER] = ExitStack()
        stack.enter_context(driver.pipeline())


def watch_ends(engine: Engine) -> None:
    """Let whatever ends a transaction of an engine end that its statements are sent together."""
    dialect = engine.dialect
    commit, rollback = dialect.do_commit, dialect.do_rollback

    def commit_together(connection: Any) -> None:
        """Let the COMMIT go with what waits; the driver's own then finds nothing to do."""
        if _TOGETHER in _info_of(connection):
            _end(connection.info, connection.driver_connection, "COMMIT")
        commit(connection)

    def rollback_together(connection: Any) -> None:
        if _TOGETHER in _info_of(connection):
            with suppress(dialect.loaded_dbapi.Error):  # it is taken back whatever it was
                _end(connection.info, connection.driver_connection)
        rollback(connection)

    dialect.do_commit = commit_together  # type: ignore[method-assign,assignment]
    dialect.do_rollback = rollback_together  # type: ignore[method-assign,assignment]
    event.listen(engine, "before_cursor_execute", _send_apart)


def _send_apart(
    connection: Connection, _cursor: Any, _sql: str, _values: Any, context: Any, _many: bool
) -> None:
    """SQLAlchemy reads what a statement returns before anything has come of one that waits."""
    if _TOGETHER in connection.info and not isinstance(context, _Execution):
        try:
            _end(connection.info, connection.connection.driver_connection)
        except BaseException as error:
            connection._handle_dbapi_exception(error, None, None, None, None)
            raise


def _info_of(connection: Any) -> Mapping[str, Any]:
    try:
        found: Mapping[str, Any] = connection.info
        return found
    except NotImplementedError:  # the first connection of all, which is no pool's yet
        return {}


def _end(info: Any, driver: Any, last: str = "") -> None:
    stack: ExitStack = info.pop(_TOGETHER)
    with stack:
        if last:
            driver.execute(last)


def _plan_of(
    connection: Connection, statement: Executable, values: Mapping[str, Any]
) -> _Plan | None:
    kept: dict[Any, _Plan | None] = connection.dialect.__dict__.setdefault(_KEPT, {})
    lengths = [len(one) if isinstance(one, _LISTS) else -1 for one in values.values()]
    key = statement, *values, *lengths
    try:
        return kept[key]
    except KeyError:
        if len(kept) >= MOST_KEPT:
            kept.clear()
        plan = kept[key] = _plan(connection, statement, values)
        return plan


def _plan(connection: Connection, statement: Any, values: Mapping[str, Any]) -> _Plan | None:
    dialect = connection.dialect
    if dialect.name != "postgresql":
        return None
    compiled = _compiled(dialect, statement, sorted(values))
    own = compiled.isinsert and compiled.implicit_returning
    if own or compiled.escaped_bind_names or (compiled.isupdate and compiled.update_prefetch):
        return None
    if any(_turned_by_answer(one.type, dialect) for one in compiled._result_columns or ()):
        return None
    sql, names_of = _with_lists(compiled, values)
    if _WRITTEN_IN in sql:
        return None
    constants: dict[str, Any] = {}
    defaults, others, lists = [], [], []
    by_column = {
        compiled._within_exec_param_key_getter(column): column.default
        for column in (compiled.insert_prefetch if compiled.isinsert else ())
    }
    for bind, name in compiled.bind_names.items():
        turn = compiled._bind_processors.get(name)
        default = by_column.get(name)
        if bind.callable is not None or (
            default and not (default.is_scalar or default.is_callable)
        ):
            return None
        if bind in compiled.post_compile_params:
            names = names_of.get(name, ())
            if not 0 < len(names) <= MOST_IN_A_LIST:
                return None
            if bind.key in values:
                lists.append((names, bind.key, turn))
            else:
                several = map(turn, bind.value) if turn else bind.value
                constants.update(zip(names, several, strict=True))
        elif default is not None and default.is_callable:
            defaults.append((name, default.arg, turn))
        elif default is not None:
            constants[name] = turn(default.arg) if turn else default.arg
        elif bind.key in values:
            others.append((name, bind.key, turn))
        elif bind.required:
            return None  # SQLAlchemy says which value is missing
        else:
            constants[name] = turn(bind.value) if turn else bind.value
    return _Plan(
        compiled,
        sql,
        constants,
        tuple(others),
        tuple(lists),
        tuple(defaults),
        _row_of(compiled),
    )


def _compiled(dialect: Any, statement: Any, names: list[str]) -> Any:
    """One for all lengths of its lists: the guard parses it once."""
    kept: dict[Any, Any] = dialect.__dict__.setdefault(_COMPILED, {})
    key = statement, *names
    if key not in kept:
        if len(kept) >= MOST_KEPT:
            kept.clear()
        kept[key] = statement.compile(dialect=dialect, column_keys=names)
    return kept[key]


def _with_lists(
    compiled: Any, values: Mapping[str, Any]
) -> tuple[str, Mapping[str, tuple[str, ...]]]:
    """The text of a statement with a name for each value of its lists, and these names by the list's;
    no names where a list is missing, is one of tuples, or has no values."""
    binds = compiled.post_compile_params
    several = {compiled.bind_names[bind]: values.get(bind.key, bind.value) for bind in binds}
    plain = all(isinstance(found, _LISTS) for found in several.values())
    if not plain or not several or any(bind.type._is_tuple_type for bind in binds):
        return compiled.string, {}
    expanded = compiled._process_parameters_for_postcompile(several)
    return expanded.statement, {
        name: tuple(names) for name, names in expanded.parameter_expansion.items()
    }


def _turned_by_answer(of: TypeEngine[Any], dialect: Any) -> bool:
    """Whether SQLAlchemy looks at what PostgreSQL says of a column before it turns its values: a
    number with decimals may come as a float or as a decimal."""
    return isinstance(of._unwrapped_dialect_impl(dialect), Float | Numeric)


def _row_of(compiled: Any) -> SimpleResultMetaData | None:
    columns = compiled._result_columns
    if not columns:
        return None
    turns = [one.type._cached_result_processor(compiled.dialect, None) for one in columns]
    return SimpleResultMetaData(
        [one.keyname for one in columns],
        [tuple(one.objects) for one in columns],
        _processors=turns if any(turns) else None,
    )


_NO_ROWS = SimpleResultMetaData([])
