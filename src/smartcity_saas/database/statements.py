"""Judging a statement: does every mention of a city's table carry ``city_id = :this_city``?

The SQL that is about to be sent is parsed (sqlglot) once per compiled statement, and the
verdict kept with it; per execution only the bound values are compared. Whatever is not
understood is refused.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import sqlglot
from sqlglot import exp

from smartcity_saas.errors import WallError

_EXPANDING = re.compile(r"__\[POSTCOMPILE_\w+(?:~~[^\]]*~~)?\]")
_NAMED = re.compile(r"(?<![:\w]):([A-Za-z_]\w*)|%\(([^)]+)\)s")
_PREFIX = "bound_"
_NO_ROW_SURVIVES = ("", "INNER", "CROSS", "LEFT")


@dataclass(frozen=True)
class Verdict:
    """What one statement does.

    ``city_parameters`` are the names of the bound values that must be this city's key;
    ``city`` and ``platform`` are the tables it mentions; ``writes`` those it changes.
    """

    city_parameters: frozenset[str]
    city: frozenset[str]
    platform: frozenset[str]
    writes: frozenset[str]

    def check(self, city_id: int, rows: Collection[Mapping[str, Any]]) -> None:
        """Compare the bound values with the city that we are in.

        Raises:
            WallError: A value is missing or another city's.
        """
        for name in self.city_parameters:
            for row in rows:
                if row.get(name) != city_id:
                    raise WallError(f"a statement on {_list(self.city)} names another city")


def judge(
    sql: str, dialect: str, city_tables: Collection[str], platform_tables: Collection[str]
) -> Verdict:
    """Judge one statement, given with named parameters.

    Raises:
        WallError: It touches a city's table without binding that table to one city, or is
            not understood.
    """
    tree = _parse(sql, dialect)
    mentioned = {table.name for table in tree.find_all(exp.Table)}
    city = mentioned & set(city_tables)
    parameters: set[str] = set()
    judged: set[int] = set()
    for sources, conditions in _scopes(tree):
        for table in sources:
            if table.name not in city:
                continue
            parameters |= _bound_city(table, conditions)
            judged.add(id(table))
    for table in _insert_target(tree, city):
        parameters |= _inserted_city(tree, table)
        judged.add(id(table))
    for table in tree.find_all(exp.Table):
        if table.name in city and id(table) not in judged:
            raise WallError(f"{table.name} stands where its city cannot be checked")
    return Verdict(
        frozenset(parameters),
        frozenset(city),
        frozenset(mentioned & set(platform_tables)),
        frozenset(_written(tree)),
    )


def _parse(sql: str, dialect: str) -> exp.Expr:
    named = _NAMED.sub(
        lambda found: f":{_PREFIX}{found[1] or found[2]}", _EXPANDING.sub("NULL", sql)
    )
    try:
        trees = sqlglot.parse(named, dialect=dialect)
    except sqlglot.errors.SqlglotError as error:
        raise WallError(f"a statement that the wall cannot read: {error}") from None
    if len(trees) != 1 or not isinstance(
        trees[0], (exp.Select, exp.SetOperation, exp.Insert, exp.Update, exp.Delete)
    ):
        raise WallError("only select, insert, update and delete pass the wall")
    return trees[0]


def _scopes(tree: exp.Expr) -> Iterator[tuple[list[exp.Table], list[exp.Expr]]]:
    """Yield, for each part with its own WHERE, its tables and the conditions all rows meet."""
    for select in tree.find_all(exp.Select):
        yield from _select_scopes(select)
    for change in tree.find_all(exp.Update, exp.Delete):
        if change.args.get("using") or change.args.get("from_") or change.args.get("from"):
            raise WallError("an update or delete over several tables")
        _refuse_city_assignment(change.expressions)
        if isinstance(change.this, exp.Table):
            yield [change.this], _conjuncts(change.args.get("where"))


def _select_scopes(
    select: exp.Select,
) -> Iterator[tuple[list[exp.Table], list[exp.Expr]]]:
    conditions = _conjuncts(select.args.get("where"))
    source = select.args.get("from_") or select.args.get("from")
    always = [source.this] if source and isinstance(source.this, exp.Table) else []
    for join in select.args.get("joins") or []:
        if join.side.upper() not in _NO_ROW_SURVIVES or join.kind.upper() not in (
            *_NO_ROW_SURVIVES,
            "OUTER",
        ):
            raise WallError(f"a {join.side} {join.kind} join")
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
    raise WallError(f"a statement on {table.name} that is not bound to one city")


def _parameter(node: exp.Expr) -> str | None:
    if isinstance(node, exp.Cast):
        node = node.this
    if isinstance(node, (exp.Placeholder, exp.Parameter)):
        return str(node.name).removeprefix(_PREFIX) or None
    return None


def _insert_target(tree: exp.Expr, city: Collection[str]) -> list[exp.Table]:
    if not isinstance(tree, exp.Insert):
        return []
    target = tree.this.this if isinstance(tree.this, exp.Schema) else tree.this
    return [target] if isinstance(target, exp.Table) and target.name in city else []


def _inserted_city(tree: exp.Expr, table: exp.Table) -> set[str]:
    columns = [column.name for column in getattr(tree.this, "expressions", [])]
    values = tree.args.get("expression")
    if "city_id" not in columns or not isinstance(values, exp.Values):
        raise WallError(f"an insert into {table.name} whose city cannot be checked")
    place = columns.index("city_id")
    found = {_parameter(row.expressions[place]) for row in values.expressions}
    if None in found:
        raise WallError(f"an insert into {table.name} that computes its city")
    conflict = tree.args.get("conflict")
    _refuse_city_assignment(conflict.expressions if conflict else [])
    return {name for name in found if name}


def _refuse_city_assignment(assignments: list[exp.Expr]) -> None:
    for assignment in assignments:
        if isinstance(assignment, exp.EQ) and assignment.left.name == "city_id":
            raise WallError("a row never changes its city")


def _written(tree: exp.Expr) -> set[str]:
    written = set()
    for node in tree.find_all(exp.Insert, exp.Update, exp.Delete):
        target = node.this.this if isinstance(node.this, exp.Schema) else node.this
        written.add(target.name)
    return written


def _list(names: Collection[str]) -> str:
    return ", ".join(sorted(names))
