"""What Citus needs of each statement, so that it goes to one shard on one node.

The statement guard already binds every mention of a city's table to one city. Beyond it, this holds
``city_due`` to the same (it is distributed as well), and a whole transaction to one city; nothing joins a
distributed table with one that stays on the coordinator; the city is told by ``SET LOCAL``, alone and
first, since ``set_config()`` does not reach the workers.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection, Engine, event

from smartcity_saas.database.models import Base, city_tables, platform_tables
from smartcity_saas.database.statement_guard import StatementReport, Tables, check_statement
from smartcity_saas.errors import TenantIsolationError

DUE = "city_due"
"""The platform's table that is distributed beside those of cities: written in their transactions."""
_SET_LOCAL = re.compile(r"SET LOCAL app\.city_id = '\d+'")
_LOCKS = re.compile(r"\bFOR (NO KEY )?(UPDATE|SHARE)\b")
_STATE = "citus_routing"


def distributed() -> frozenset[str]:
    """The tables that are distributed on ``city_id``."""
    return city_tables() | {DUE}


class Routing:
    """Notes each statement of an engine on PostgreSQL that Citus could not route to one shard."""

    def __init__(self) -> None:
        self.faults: list[str] = []
        self.seen = 0

    def watch(self, engine: Engine) -> None:
        """Look at what has run; what the guard refuses never does."""
        event.listen(engine, "after_cursor_execute", self._look)
        for ending in ("commit", "rollback"):
            event.listen(engine, ending, _forget)

    def _look(
        self,
        connection: Connection,
        _cursor: Any,
        sql: str,
        parameters: Any,
        context: Any,
        _many: bool,
    ) -> None:
        state = connection.info.setdefault(_STATE, {"statements": 0, "cities": set()})
        rows = parameters if isinstance(parameters, Sequence) else [parameters]
        options = context.execution_options if context is not None else {}
        self.look(sql, rows, state, guarded=not options.get("without_statement_guard"))

    def look(
        self, sql: str, rows: Sequence[Any], state: dict[str, Any], *, guarded: bool = True
    ) -> None:
        """Look at one statement with its bound values, after those of its transaction."""
        self.seen += 1
        state["statements"] += 1
        fault = self._fault(sql, rows, state, guarded=guarded)
        if fault:
            self.faults.append(f"{fault}: {sql[:300]}")

    def _fault(
        self, sql: str, rows: Sequence[Any], state: dict[str, Any], *, guarded: bool
    ) -> str | None:
        if "set_config" in sql.lower():
            return "set_config() does not reach the workers"
        if "app.city_id" in sql:
            alone = _SET_LOCAL.fullmatch(sql) and state["statements"] == 1
            return None if alone else "the city is not told alone and first"
        if not guarded or "SAVEPOINT" in sql.upper()[:30]:
            return None
        try:
            report = _report(sql)
        except TenantIsolationError as error:
            return _across_cities(sql, str(error))
        return _one_city(report, rows, state) if report.city else None


def _one_city(report: StatementReport, rows: Sequence[Any], state: dict[str, Any]) -> str | None:
    if report.platform:
        return "a distributed table with one that is not"
    cities = {
        row[name] for row in rows if isinstance(row, Mapping) for name in report.city_parameters
    }
    if len(cities) != 1:
        return f"{len(cities)} cities in one statement"
    if report.city != {DUE}:  # the dispatcher's own transactions name one city each as well
        state["cities"] |= cities
    return "several cities in one transaction" if len(state["cities"]) > 1 else None


def _across_cities(sql: str, why: str) -> str | None:
    """Only the poll and the counts of what is due go to every shard, and they lock nothing there."""
    named = set(re.findall(r"[a-z_]+", sql.lower()))
    if DUE not in named or named & city_tables():
        return why
    if sql.startswith("SELECT") and not _LOCKS.search(sql):
        return None
    return f"a write or a lock on every shard ({why})"


@lru_cache(maxsize=4096)
def _report(sql: str) -> StatementReport:
    tables = Base.metadata.tables
    columns = {
        name: frozenset(column.name for column in tables[name].columns)
        for name in city_tables() | platform_tables()
    }
    routed = {name: found for name, found in columns.items() if name in distributed()}
    local = {name: found for name, found in columns.items() if name not in routed}
    return check_statement(sql, "postgres", Tables(routed), Tables(local))


def _forget(connection: Connection) -> None:
    if not connection.invalidated:
        connection.info.pop(_STATE, None)
