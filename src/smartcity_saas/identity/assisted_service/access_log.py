"""Who of the staff has seen whose data, noted by the database layer itself: whatever row of a
resident's is loaded for a page of the console is noted, without the page's doing; what would be
read without its row is refused. What somebody at the counter opens or sends is noted by request."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from itertools import groupby
from operator import itemgetter
from typing import Any

from flask import Flask, Response, g, has_request_context, request
from sqlalchemy import Column, CompoundSelect, Executable, event, inspect, select
from sqlalchemy.orm import Mapper, ORMExecuteState, Session
from sqlalchemy.sql.expression import ColumnClause, FunctionElement
from sqlalchemy.sql.selectable import SelectStatementGrouping

from smartcity_saas.audit import MOST_KEYS
from smartcity_saas.database import Base, CityModel, core_statements, db, transaction
from smartcity_saas.errors import TenantIsolationError
from smartcity_saas.identity.assisted_service.models import ResidentAccess
from smartcity_saas.identity.authorization import COUNTER, current_staff
from smartcity_saas.identity.personal_data.records import ways_to_owners
from smartcity_saas.identity.residents.accounts import SignedInResident
from smartcity_saas.identity.residents.models import Resident
from smartcity_saas.product import request_site
from smartcity_saas.tenancy.context import tenant_context
from smartcity_saas.tenancy.current import current_time
from smartcity_saas.tenancy.faults import has_failed
from smartcity_saas.tenancy.hosts import CONSOLE_HOST
from smartcity_saas.tenant_context import current_city_id, current_city_id_or_none
from smartcity_saas.web.policy import Policy, policy_of, service_of

PAGE = 100
SENT = "sent "
"""Before a page to which somebody at the counter has sent something, not only looked."""
_SEEN = "smartcity.residents_seen"
_NOT_SHOWN = "smartcity.not_shown"
_Seen = tuple[int, type[Any], str, uuid.UUID]
"""A row that was loaded: the city, its model, the column that says whose it is, and its value."""


def init_access_log(app: Flask) -> None:
    """Note accesses after every request to the console, and at the counter."""
    app.after_request(_write)


@dataclass(frozen=True)
class FoldedAccess:
    """What one person did with one thing on one page within an hour: the last time, and how often."""

    last: ResidentAccess
    times: int


def accesses_of(
    resident: SignedInResident, before: uuid.UUID | None = None, limit: int = PAGE
) -> tuple[list[FoldedAccess], uuid.UUID | None]:
    """Who has seen a resident's data, the newest first, from an access on, repeats folded; and the last
    of them where there are older ones. Keys are in the order of time."""
    query = select(ResidentAccess).where(ResidentAccess.resident_id == resident.id)
    if before is not None:
        query = query.where(ResidentAccess.id < before)
    found = list(db.session.scalars(query.order_by(ResidentAccess.id.desc()).limit(limit + 1)))
    shown = found[:limit]
    return _folded(shown), shown[-1].id if len(found) > limit else None


def _folded(found: Sequence[ResidentAccess]) -> list[FoldedAccess]:
    alike: dict[tuple[Any, ...], list[ResidentAccess]] = {}
    for one in found:
        hour = one.at.replace(minute=0, second=0, microsecond=0)
        key = (one.actor, one.page, one.reason, one.service, one.subject, hour)
        alike.setdefault(key, []).append(one)
    return [FoldedAccess(same[0], len(same)) for same in alike.values()]


@contextmanager
def not_shown() -> Iterator[None]:
    """For rows that are loaded to be compared with what is brought, and shown to nobody: a file's
    thousands of accounts are not looked at."""
    request.environ[_NOT_SHOWN] = True
    try:
        yield
    finally:
        del request.environ[_NOT_SHOWN]


@event.listens_for(Mapper, "load")
def _note(row: Any, context: Any) -> None:
    if not isinstance(row, CityModel) or not _on_console() or _NOT_SHOWN in request.environ:
        return
    for column in _owners(type(row)):
        if column not in row.__dict__:
            name = type(row).__name__
            raise TenantIsolationError(
                f"a row of {name} is loaded on the console without its owner"
            )
        if row.__dict__[column] is not None:
            seen: set[_Seen] = request.environ.setdefault(_SEEN, set())
            seen.add((current_city_id(), type(row), column, row.__dict__[column]))


@cache
def _owners(model: type[Any]) -> tuple[str, ...]:
    """The columns of a model that say whose a row is, by itself or by a link; none, if nobody's."""
    if model is Resident:
        return ("id",)
    if "resident_id" in inspect(model).columns:
        return ("resident_id",)
    return tuple(column for column, _link, _key in ways_to_owners(model))


@event.listens_for(Session, "do_orm_execute")
def _refuse_columns(state: ORMExecuteState) -> None:
    """A column of a resident's row, read without the row, would be seen and not be noted."""
    if state.is_select and not state.is_column_load and _on_console():
        _refuse(_told_by(state.statement))


def _refuse_core_columns(statement: Executable) -> None:
    """The same of a statement in Core, which loads no row."""
    if _on_console():
        _refuse(_told_by_kept(statement))


core_statements.watchers.append(_refuse_core_columns)


def _refuse(told: str | None) -> None:
    if told is not None:
        raise TenantIsolationError(
            f"{told} is read on the console without its row: load the row, so that the "
            "resident can see who looked, or name the column in `alone` if it says nothing"
        )


def _told_by(statement: Executable) -> str | None:
    """A column that says something of a resident, among those that a statement reads; none where what
    it reads beside them is a whole row, which is noted."""
    for read in _read_by(statement):
        if any(_is_noted(_model_of(one)) for one in read):
            continue
        for column in (found for one in read for found in _columns_in(one)):
            model = _model_with(column.table)
            if model is not None and _tells(model, str(column.key)):
                return str(column)
    return None


_told_by_kept = cache(_told_by)
"""For statements that are built once."""


def _read_by(statement: Any) -> Iterator[list[Any]]:
    """What each select of a statement reads: whole rows, columns, expressions."""
    if isinstance(statement, CompoundSelect):
        for one in statement.selects:
            yield from _read_by(one)
    elif isinstance(statement, SelectStatementGrouping):
        yield from _read_by(statement.element)
    else:
        yield [one["expr"] for one in getattr(statement, "column_descriptions", [])]


def _tells(model: type[Any], column: str) -> bool:
    """Whether a column says something of a resident, beside whose it is."""
    declared = getattr(model, "personal_data", None)
    keys = column == "id" or column.endswith("_id")
    return declared is not None and not keys and column not in declared.alone


def _columns_in(expression: Any) -> Iterator[Column[Any]]:
    """The columns of tables that an expression reads, also those behind an alias, a subquery or a union;
    counting and adding up read none."""
    if _model_of(expression) is not None:
        return
    element = getattr(expression, "__clause_element__", lambda: expression)()
    if isinstance(element, ColumnClause):
        for base in element.base_columns:
            if isinstance(base, Column):
                yield base
            elif not isinstance(base, ColumnClause):
                yield from _columns_in(base)
    elif not (isinstance(element, FunctionElement) and element.name in ("count", "sum")):
        for inner in getattr(expression, "exprs", None) or element.get_children():
            yield from _columns_in(inner)


@cache
def _model_with(table: Any) -> type[Any] | None:
    """The model whose rows stand in a table."""
    found = (one.class_ for one in Base.registry.mappers if one.local_table is table)
    return next(found, None)


def _model_of(found: Any) -> type[Any] | None:
    """The model of an entity that a statement loads whole; None for a column or an expression."""
    entity = inspect(found, raiseerr=False)
    whole = entity is not None and (
        getattr(entity, "is_mapper", False) or getattr(entity, "is_aliased_class", False)
    )
    return entity.mapper.class_ if whole else None


def _is_noted(model: type[Any] | None) -> bool:
    """Whether loading one of its rows is noted: they are residents'."""
    return model is not None and issubclass(model, CityModel) and bool(_owners(model))


def _on_console() -> bool:
    return has_request_context() and request_site().kind == CONSOLE_HOST


def _write(response: Response) -> Response:
    if has_failed():
        return response  # the page of a fault shows nobody's data
    if current_city_id_or_none() is not None:
        return _write_acting(response)
    seen: set[_Seen] = request.environ.get(_SEEN, set())
    member = current_staff() if seen else None
    if member is None:
        return response
    policy = policy_of(request.endpoint)
    why = policy.permission if policy else None
    # what was refused was looked at, and not done
    page = str(request.endpoint) if response.status_code < 400 else str(request.blueprint)
    typed = request.values.get("reason", "").strip()[:200] if why == COUNTER else ""
    for city_id, rows in groupby(sorted(seen, key=itemgetter(0)), key=itemgetter(0)):
        with tenant_context(city_id), transaction() as session:
            session.add_all(
                ResidentAccess(
                    resident_id=resident_id,
                    at=current_time(),
                    actor=member.actor.name,
                    page=page,
                    reason=typed or why or "",
                    **_subject(policy),
                )
                for resident_id in _residents_of(list(rows))
            )
    return response


def _subject(policy: Policy | None) -> dict[str, str | None]:
    """What the present page is about, as it is noted: its service, and the number in its address."""
    return {
        "service": service_of(policy) if policy else None,
        "subject": (request.view_args or {}).get("number"),
    }


def _residents_of(seen: list[_Seen]) -> list[uuid.UUID]:
    """Whose the rows are that were seen in the current city."""
    found: set[uuid.UUID] = set()
    for (model, column), rows in groupby(
        sorted(seen, key=lambda one: (one[1].__name__, one[2])), key=itemgetter(1, 2)
    ):
        keys = [one[3] for one in rows]
        ways = [way for way in ways_to_owners(model) if way[0] == column]
        if not ways:
            found.update(keys)
        for _column, link, key in ways:
            owner, target = link.resident_id, getattr(link, key)  # type: ignore[attr-defined]
            for start in range(0, len(keys), MOST_KEYS):
                part = keys[start : start + MOST_KEYS]
                found.update(db.session.scalars(select(owner).where(target.in_(part))))
    return sorted(found)


def _write_acting(response: Response) -> Response:
    """Whatever of a resident's somebody at the counter has opened or sent, each request by itself:
    not the site's own pages that are everyone's, nor what was refused. A service's first page is
    everyone's too, and shows what the resident has there."""
    policy = policy_of(request.endpoint)
    resident, refused = g.get("resident"), response.status_code in (401, 403, 404)
    if resident is None or resident.acting is None or refused:
        return response
    everyones = policy is None or (policy.who == "everyone" and policy.service is None)
    if everyones and request.method == "GET":
        return response
    with transaction() as session:
        session.add(
            ResidentAccess(
                resident_id=resident.id,
                at=current_time(),
                actor=resident.acting.name,
                page=f"{'' if request.method in ('GET', 'HEAD') else SENT}{request.endpoint}",
                reason=resident.acting.why,
                **_subject(policy),
            )
        )
    return response
