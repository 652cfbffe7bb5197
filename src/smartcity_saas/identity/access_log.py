"""Who of the staff has seen whose data, noted by the database layer itself: whatever row of a
resident's is loaded for a page of the console is noted, without the page's doing; what would be
read without its row is refused."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from itertools import groupby
from operator import itemgetter
from typing import Any

from flask import Flask, Response, current_app, g, has_request_context, request
from sqlalchemy import event, inspect, select
from sqlalchemy.orm import Mapper, ORMExecuteState, Session
from sqlalchemy.sql.expression import ColumnClause, FunctionElement

from smartcity_saas import scope
from smartcity_saas.database import CityModel, command, db
from smartcity_saas.errors import WallError
from smartcity_saas.identity.gatekeeper import COUNTER, current_staff
from smartcity_saas.identity.models import Resident, ResidentAccess
from smartcity_saas.identity.residents import SignedInResident
from smartcity_saas.tenancy.entering import city_scope
from smartcity_saas.tenancy.here import present_time
from smartcity_saas.tenancy.sites import CONSOLE_HOST

PAGE = 100
SENT = "sent "
"""Before a page to which somebody at the counter has sent something, not only looked."""
_SEEN = "smartcity.residents_seen"


def init_access_log(app: Flask) -> None:
    """Note accesses after every request to the console."""
    app.after_request(_write)


def accesses_of(
    resident: SignedInResident, before: uuid.UUID | None = None, limit: int = PAGE
) -> tuple[list[ResidentAccess], uuid.UUID | None]:
    """Who has seen a resident's data, the newest first, from an access on; and the last of them
    where there are older ones. Keys are in the order of time."""
    query = select(ResidentAccess).where(ResidentAccess.resident_id == resident.id)
    if before is not None:
        query = query.where(ResidentAccess.id < before)
    found = list(db.session.scalars(query.order_by(ResidentAccess.id.desc()).limit(limit + 1)))
    return found[:limit], found[limit - 1].id if len(found) > limit else None


@event.listens_for(Mapper, "load")
def _note(row: Any, context: Any) -> None:
    if not isinstance(row, CityModel) or not _on_console():
        return
    if isinstance(row, Resident):
        resident_id: uuid.UUID | None = row.__dict__["id"]
    elif not _is_noted(type(row)):
        return
    elif "resident_id" in row.__dict__:
        resident_id = row.__dict__["resident_id"]
    else:
        raise WallError(f"a row of {type(row).__name__} is loaded on the console without its owner")
    if resident_id is not None:
        seen: set[tuple[int, uuid.UUID]] = request.environ.setdefault(_SEEN, set())
        seen.add((scope.city_id(), resident_id))


@event.listens_for(Session, "do_orm_execute")
def _refuse_columns(state: ORMExecuteState) -> None:
    """A column of a resident's row, read without the row, would be seen and not be noted."""
    if not state.is_select or state.is_column_load or not _on_console():
        return
    for statement in getattr(state.statement, "selects", [state.statement]):
        read = [one["expr"] for one in getattr(statement, "column_descriptions", [])]
        if any(_is_noted(_model_of(one)) for one in read):
            continue
        for column in (found for one in read for found in _columns_in(one)):
            held = getattr(column._annotations["parententity"].class_, "held", None)
            name = str(column.key)
            if held is None or name == "id" or name.endswith("_id") or name in held.alone:
                continue
            raise WallError(
                f"{column} is read on the console without its row: load the row, so that the "
                "resident can see who looked, or name the column in `alone` if it says nothing"
            )


def _columns_in(expression: Any) -> Iterator[Any]:
    """The columns of models that an expression reads; counting and adding up read none."""
    if _model_of(expression) is not None:
        return
    element = getattr(expression, "__clause_element__", lambda: expression)()
    if isinstance(element, ColumnClause) and "parententity" in element._annotations:
        yield element
    elif not (isinstance(element, FunctionElement) and element.name in ("count", "sum")):
        for inner in getattr(expression, "exprs", None) or element.get_children():
            yield from _columns_in(inner)


def _model_of(found: Any) -> type[Any] | None:
    """The model of an entity that a statement loads whole; None for a column or an expression."""
    entity = inspect(found, raiseerr=False)
    whole = entity is not None and (
        getattr(entity, "is_mapper", False) or getattr(entity, "is_aliased_class", False)
    )
    return entity.mapper.class_ if whole else None


def _is_noted(model: type[Any] | None) -> bool:
    """Whether loading one of its rows is noted: they are residents'."""
    if model is None or not issubclass(model, CityModel):
        return False
    return model is Resident or "resident_id" in inspect(model).columns


def _on_console() -> bool:
    return has_request_context() and request.site.kind == CONSOLE_HOST  # type: ignore[attr-defined]


def _write(response: Response) -> Response:
    if scope.city_id_or_none() is not None:
        return _write_acting(response)
    seen: set[tuple[int, uuid.UUID]] = request.environ.get(_SEEN, set())
    member = current_staff() if seen else None
    if member is None:
        return response
    policy = current_app.extensions["policies"].get(request.endpoint)
    why = policy.permission if policy else None
    typed = request.values.get("reason", "").strip()[:200] if why == COUNTER else ""
    for city_id, pairs in groupby(sorted(seen), key=itemgetter(0)):
        with city_scope(city_id), command() as session:
            session.add_all(
                ResidentAccess(
                    resident_id=resident_id,
                    at=present_time(),
                    actor=member.actor.name,
                    page=str(request.endpoint),
                    reason=typed or why or "",
                )
                for _city_id, resident_id in pairs
            )
    return response


def _write_acting(response: Response) -> Response:
    """Whatever somebody at the counter opens or sends as a resident, each request by itself."""
    policy = current_app.extensions["policies"].get(request.endpoint)
    resident = g.get("resident")
    if resident is None or resident.acting is None or policy is None or policy.always:
        return response
    with command() as session:
        session.add(
            ResidentAccess(
                resident_id=resident.id,
                at=present_time(),
                actor=resident.acting.name,
                page=f"{'' if request.method in ('GET', 'HEAD') else SENT}{request.endpoint}",
                reason=resident.acting.why,
            )
        )
    return response
