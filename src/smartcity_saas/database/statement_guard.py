"""The statement guard: does every mention of a city's table carry ``city_id = :this_city``?

The SQL that is about to be sent is parsed (sqlglot) once per compiled statement, and the
report kept with it; per execution only the bound values are compared. Names are folded, as
databases fold them. Whatever is not known is refused: another table, another column, another
function.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import sqlglot
from sqlglot import exp

from smartcity_saas.errors import TenantIsolationError

_EXPANDING = re.compile(r"__\[POSTCOMPILE_\S+?(?:~~(.*?)~~REPL~~(.*?)~~)?\]")
"""Where values are put in as the statement is sent, with what a type writes around each."""
_NAMED = re.compile(r"(?<![:\w]):([A-Za-z_]\w*)|%\(([^)]+)\)s")
_PREFIX = "bound_"
_JOINS = ("", "INNER", "CROSS", "LEFT", "OUTER")
_FUNCTIONS = (
    exp.And, exp.Or, exp.Cast, exp.Case, exp.If, exp.Exists, exp.Coalesce, exp.Nullif,
    exp.Count, exp.Sum, exp.Avg, exp.Min, exp.Max, exp.Lower, exp.Upper, exp.Length, exp.Abs,
)  # fmt: skip
"""What a statement may call. Others could change the setting that row-level security reads, or
read a table whose name is only a text."""


@dataclass(frozen=True)
class Tables:
    """The tables of one kind, each with its columns, all in small letters."""

    columns: Mapping[str, frozenset[str]]

    def __contains__(self, name: str) -> bool:
        return name in self.columns


@dataclass(frozen=True)
class StatementReport:
    """What one statement does.

    ``city_parameters`` are the names of the bound values that must be this city's key;
    ``city`` and ``platform`` are the tables it mentions; ``writes`` those it changes.
    """

    city_parameters: frozenset[str]
    city: frozenset[str]
    platform: frozenset[str]
    writes: frozenset[str]

    def check(self, city_id: int, rows: Collection[Mapping[str, Any]]) -> None:
        """Compare the bound values with the current city.

        Raises:
            TenantIsolationError: A value is missing or another city's.
        """
        for name in self.city_parameters:
            for row in rows:
                if type(row.get(name)) is not int or row[name] != city_id:
                    raise TenantIsolationError(
                        f"a statement on {_list(self.city)} names another city"
                    )


def check_statement(sql: str, dialect: str, city: Tables, platform: Tables) -> StatementReport:
    """Check one statement, given with named parameters.

    Args:
        sql: One SELECT, INSERT, UPDATE or DELETE.
        dialect: ``postgres`` or ``sqlite``.
        city: Tables in which every row must be bound to one city.
        platform: Tables without a city.

    Raises:
        TenantIsolationError: It touches a city's table without binding that table to one city, names
            something unknown, or is not understood.
    """
    tree = _parse(sql, dialect)
    _refuse_unknown(tree, city, platform)
    mentioned = {table.name for table in tree.find_all(exp.Table)}
    parameters: set[str] = set()
    checked: set[int] = set()
    for sources, conditions in _scopes(tree):
        for table in sources:
            if table.name in city:
                parameters |= _bound_city(table, conditions)
                checked.add(id(table))
    for table in _insert_target(tree, city):
        parameters |= _inserted_city(tree, table)
        checked.add(id(table))
    for table in tree.find_all(exp.Table):
        if table.name in city and id(table) not in checked:
            raise TenantIsolationError(f"{table.name} stands where its city cannot be checked")
    return StatementReport(
        frozenset(parameters),
        frozenset(name for name in mentioned if name in city),
        frozenset(name for name in mentioned if name in platform),
        frozenset(_written(tree)),
    )


def _parse(sql: str, dialect: str) -> exp.Expr:
    named = _NAMED.sub(
        lambda found: f":{_PREFIX}{found[1] or found[2]}",
        _EXPANDING.sub(lambda found: f"{found[1] or ''}NULL{found[2] or ''}", sql),
    )
    try:
        trees = sqlglot.parse(named, dialect=dialect)
    except sqlglot.errors.SqlglotError as error:
        raise TenantIsolationError(f"a statement that cannot be parsed: {error}") from None
    if len(trees) != 1 or not isinstance(
        trees[0], (exp.Select, exp.SetOperation, exp.Insert, exp.Update, exp.Delete)
    ):
        raise TenantIsolationError("only select, insert, update and delete are allowed")
    tree = trees[0]
    for identifier in tree.find_all(exp.Identifier):
        if not isinstance(identifier.parent, exp.Placeholder):
            _fold(identifier)
    return tree


def _fold(identifier: exp.Identifier) -> None:
    """In small letters. PostgreSQL keeps capitals in quotes apart (its 4.1.1), SQLite does not: a
    table's or a query's name in them would be one thing here and another there."""
    folded = identifier.name.lower()
    names_rows = isinstance(identifier.parent, (exp.Table, exp.TableAlias))
    if names_rows and identifier.quoted and folded != identifier.name:
        raise TenantIsolationError(f"a table or a query by a name with capitals: {identifier.name}")
    identifier.set("this", folded)


def _refuse_unknown(tree: exp.Expr, city: Tables, platform: Tables) -> None:
    for cte in tree.find_all(exp.CTE):
        if cte.alias in city or cte.alias in platform:
            raise TenantIsolationError(f"a query called {cte.alias}, as a table is")
    for table in tree.find_all(exp.Table):
        if table.db or table.catalog:
            raise TenantIsolationError("a table of another schema")
        if table.alias_column_names:
            raise TenantIsolationError(f"a table whose columns have other names here: {table.name}")
        known = table.name in city or table.name in platform
        if not known and (_is_changed(table) or not _is_a_query_here(table)):
            raise TenantIsolationError(f"an unknown table: {table.name or 'a function'}")
    for membership in tree.find_all(exp.In):
        if membership.args.get("field") is not None or membership.args.get("unnest") is not None:
            raise TenantIsolationError("a value in a table that is named without a query")
    for called in tree.find_all(exp.Func):
        if not isinstance(called, _FUNCTIONS):
            raise TenantIsolationError(f"an unknown function: {type(called).__name__}")
    columns = {**city.columns, **platform.columns}
    for change in tree.find_all(exp.Insert, exp.Update):
        _refuse_unknown_columns(change, columns)


def _is_changed(table: exp.Table) -> bool:
    """Whether a table is written: that is never a query of the statement's, whatever its name."""
    change = table.find_ancestor(exp.Insert, exp.Update, exp.Delete)
    return change is not None and _target(change) is table


def _is_a_query_here(table: exp.Table) -> bool:
    """Whether a name means a query of a WITH clause where it stands: one of the query around it, or
    of those around that; inside the clause an earlier one, or with RECURSIVE any."""
    node: exp.Expr = table
    while node.parent is not None:
        parent = node.parent
        clause = parent if isinstance(parent, exp.With) else _with_of(parent)
        named = list(clause.expressions) if clause is not None else []
        if clause is parent and clause is not None:
            recursive = bool(clause.args.get("recursive"))
            named = named if recursive else named[: _place(node, named)]
            parent = parent.parent or parent
        if any(one.alias == table.name for one in named):
            return True
        node = parent
    return False


def _with_of(node: exp.Expr) -> exp.With | None:
    found = node.args.get("with_") or node.args.get("with")
    return found if isinstance(found, exp.With) else None


def _place(node: exp.Expr, among: list[exp.Expr]) -> int:
    return next(place for place, one in enumerate(among) if one is node)


def _refuse_unknown_columns(change: exp.Expr, columns: Mapping[str, frozenset[str]]) -> None:
    known = columns.get(_target(change).name, frozenset())
    named = [column.name for column in _inserted_columns(change)]
    if len(set(named)) != len(named):
        raise TenantIsolationError("an insert that names a column twice")
    assignments = [*change.expressions] if isinstance(change, exp.Update) else []
    conflict = change.args.get("conflict")
    if conflict is not None and conflict.expressions:
        keys = {key.name for key in conflict.args.get("conflict_keys") or []}
        if "city_id" in known and "city_id" not in keys:
            raise TenantIsolationError("an upsert whose conflict is not within one city")
        assignments += conflict.expressions
    for assignment in assignments:
        if not isinstance(assignment, exp.EQ) or not isinstance(assignment.left, exp.Column):
            raise TenantIsolationError("an assignment to anything but one column")
        if assignment.left.name == "city_id":
            raise TenantIsolationError("a row never changes its city")
        named.append(assignment.left.name)
    if set(named) - known:
        raise TenantIsolationError(f"unknown columns: {_list(set(named) - known)}")


def _scopes(tree: exp.Expr) -> Iterator[tuple[list[exp.Table], list[exp.Expr]]]:
    """Yield, for each part with its own WHERE, its tables and the conditions all rows meet."""
    for select in tree.find_all(exp.Select):
        yield from _select_scopes(select)
    for change in tree.find_all(exp.Update, exp.Delete):
        if change.args.get("using") or change.args.get("from_") or change.args.get("from"):
            raise TenantIsolationError("an update or delete over several tables")
        if isinstance(change.this, exp.Table):
            yield [change.this], _conjuncts(change.args.get("where"))


def _select_scopes(select: exp.Select) -> Iterator[tuple[list[exp.Table], list[exp.Expr]]]:
    conditions = _conjuncts(select.args.get("where"))
    _refuse_equal_names(select)
    source = select.args.get("from_") or select.args.get("from")
    always = [source.this] if source and isinstance(source.this, exp.Table) else []
    for join in select.args.get("joins") or []:
        if join.side.upper() not in ("", "LEFT") or join.kind.upper() not in _JOINS:
            raise TenantIsolationError(f"a {join.side} {join.kind} join")
        joined = _conjuncts(join.args.get("on"))
        if join.side.upper() == "LEFT":
            if isinstance(join.this, exp.Table):
                yield [join.this], [*conditions, *joined]
        else:
            conditions = [*conditions, *joined]
            if isinstance(join.this, exp.Table):
                always.append(join.this)
    if always:
        yield always, conditions


def _refuse_equal_names(select: exp.Select) -> None:
    """Two sources of one name: a condition on one would pass for one on the other."""
    source = select.args.get("from_") or select.args.get("from")
    joins = select.args.get("joins") or []
    named = [one.this.alias_or_name for one in ([source] if source else []) + joins]
    if len({name for name in named if name}) != sum(1 for name in named if name):
        raise TenantIsolationError("two tables or queries of one name")


def _conjuncts(node: exp.Expr | None) -> list[exp.Expr]:
    """The conditions that must all hold: the top of a tree of ANDs."""
    if node is None:
        return []
    if isinstance(node, exp.Where):
        node = node.this
    node = node.unnest()
    if isinstance(node, exp.And):
        return [*_conjuncts(node.left), *_conjuncts(node.right)]
    return [node]


def _bound_city(table: exp.Table, conditions: list[exp.Expr]) -> set[str]:
    for condition in conditions:
        if isinstance(condition, exp.EQ):
            for column, value in (
                (condition.left, condition.right),
                (condition.right, condition.left),
            ):
                name = _parameter(value)
                if (
                    name
                    and isinstance(column, exp.Column)
                    and column.name == "city_id"
                    and column.table == table.alias_or_name
                ):
                    return {name}
    raise TenantIsolationError(f"a statement on {table.name} that is not bound to one city")


def _parameter(node: exp.Expr) -> str | None:
    if isinstance(node, exp.Cast) and node.to.this in exp.DataType.INTEGER_TYPES:
        node = node.this
    if isinstance(node, (exp.Placeholder, exp.Parameter)):
        return str(node.name).removeprefix(_PREFIX) or None
    return None


def _target(change: exp.Expr) -> exp.Expr:
    target: exp.Expr = change.this.this if isinstance(change.this, exp.Schema) else change.this
    return target


def _inserted_columns(change: exp.Expr) -> list[exp.Expr]:
    return list(change.this.expressions) if isinstance(change.this, exp.Schema) else []


def _insert_target(tree: exp.Expr, city: Tables) -> list[exp.Table]:
    if not isinstance(tree, exp.Insert):
        return []
    target = _target(tree)
    return [target] if isinstance(target, exp.Table) and target.name in city else []


def _inserted_city(tree: exp.Expr, table: exp.Table) -> set[str]:
    columns = [column.name for column in _inserted_columns(tree)]
    values = tree.args.get("expression")
    if "city_id" not in columns or not isinstance(values, exp.Values):
        raise TenantIsolationError(f"an insert into {table.name} whose city cannot be checked")
    place = columns.index("city_id")
    found = {_parameter(row.expressions[place]) for row in values.expressions}
    if None in found:
        raise TenantIsolationError(f"an insert into {table.name} that computes its city")
    return {name for name in found if name}


def _written(tree: exp.Expr) -> set[str]:
    return {_target(node).name for node in tree.find_all(exp.Insert, exp.Update, exp.Delete)}


def _list(names: Collection[str]) -> str:
    return ", ".join(sorted(names))
