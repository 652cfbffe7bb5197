"""Personal data of a resident, found by the tables themselves: shown, exported, erased.

Whatever has a ``resident_id`` is the resident's, whatever refers to such a row as well, and what a
resident is linked to (``Held.via``) with all that refers to it. A new table is therefore in here by
itself; its ``personal_data`` says what it is called (PIPL, articles 45 to 47).
"""

from __future__ import annotations

import base64
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Select,
    bindparam,
    delete,
    exists,
    inspect,
    or_,
    select,
    update,
)

from smartcity_saas.audit import MOST_KEYS, AuditReason, CityAuditEvent, record
from smartcity_saas.credentials.personal_encryption import open_content, open_personal
from smartcity_saas.database import CITY, CityModel, load, run, table_of, transaction
from smartcity_saas.database.models import Base
from smartcity_saas.identity.api_clients.models import ApiAnswer
from smartcity_saas.identity.personal_data.declaration import AUDIT_LOG, PersonalData
from smartcity_saas.identity.residents.accounts import SignedInResident
from smartcity_saas.identity.residents.assurance import NAME_COLUMNS
from smartcity_saas.identity.residents.identity_numbers import masked_name, masked_number
from smartcity_saas.identity.residents.models import Resident

_SECRET = frozenset(
    {
        "token_hash",
        "acting_by",
        "id_token",
        "number_index",
        "phone_index",
        "sealed",
        "vin_tail",
        "engine_tail",
        "file_tail",
    }
)
"""Columns that open doors or say nothing; what is sealed in them is shown opened."""
PEOPLE = "people"
"""The bound keys of a resident's accounts."""
_resident = table_of(Resident)
_MERGED = select(_resident.c.id).where(
    _resident.c.city_id == CITY, _resident.c.merged_into == bindparam("resident")
)


_event = table_of(CityAuditEvent)
_ACTS = (
    select(_event)
    .where(
        _event.c.city_id == CITY,
        or_(
            _event.c.actor.in_(bindparam("keys", expanding=True)),
            _event.c.subject.in_(bindparam("keys", expanding=True)),
        ),
    )
    .order_by(_event.c.number)
)


@dataclass(frozen=True)
class PersonalRecord:
    """The rows of one kind: models, or in Core where their columns say all that is told of them."""

    model: type[CityModel]
    declaration: PersonalData
    rows: Sequence[Any]


@cache
def personal_models() -> tuple[type[CityModel], ...]:
    """Every kind of row that belongs to a resident, refers to one that does, or that residents are
    linked to; whatever says whose a row is stands before it."""
    models = _models()
    found: dict[str, type[CityModel]] = {}
    linked = {name for name, model in models.items() if _via(model)}
    late = {**dict.fromkeys(sorted(linked))}
    for table in Base.metadata.sorted_tables:  # what is referred to comes first
        model = models.get(table.name)
        if model is None or table.name in linked:
            continue
        theirs = bool(_parents(model) & found.keys())
        if model is Resident or (theirs and "resident_id" in inspect(model).columns):
            found[table.name] = model
        elif _parents(model) & late.keys():
            late[table.name] = None
        elif theirs:
            found[table.name] = model
    return (*found.values(), *(models[name] for name in late))


def ways_to_owners(model: type[CityModel]) -> list[tuple[str, type[CityModel], str]]:
    """How to find who is linked to a row that is nobody's own: a column of the row, the model of
    the links, and the column of a link that has the same key."""
    models = _models()
    keys = [("id", model)] if _via(model) else []
    keys += [(column, models[table]) for column, table in _references(model)]
    return [
        (column, models[via], _column_to(models[via], target))
        for column, target in keys
        if (via := _via(target)) is not None
    ]


def personal_records(resident: SignedInResident) -> list[PersonalRecord]:
    """What the current city holds of a resident; kinds without a row are left out."""
    people = _people(resident.id)
    found = [
        PersonalRecord(model, _declaration(model), rows) for model, rows in _rows_of(people) if rows
    ]
    acts = _acts_of(people)
    return [*found, *([PersonalRecord(CityAuditEvent, AUDIT_LOG, acts)] if acts else [])]


def kept_when_leaving() -> list[PersonalData]:
    """What stays when a resident leaves, each with its reason."""
    found = [said for model in personal_models() if (said := _declaration(model)).erase == "keep"]
    return [*found, AUDIT_LOG]


def as_json(found: Sequence[PersonalRecord], now: datetime) -> list[dict[str, Any]]:
    """Personal data to take along: every column, sealed ones opened, photographs as base64."""
    return [
        {
            "kind": one.model.__tablename__,
            "title": one.declaration.title,
            "rows": [
                {
                    **{
                        column.key: _plain(getattr(row, column.key))
                        for column in inspect(one.model).columns
                        if column.key not in _SECRET and column.key != "city_id"
                    },
                    **_content(one.declaration, row, now),
                    **opened(one.model, row, now),
                }
                for row in one.rows
            ],
        }
        for one in found
    ]


def _content(declared: PersonalData, row: Any, now: datetime) -> dict[str, str]:
    """The content of a file that is sealed, opened, as base64."""
    if declared.content is None:
        return {}
    return {"content": _plain(open_content(declared.content, row.content, now))}


def opened(
    model: type[CityModel], row: Any, now: datetime, *, masked: bool = False
) -> dict[str, str]:
    """What is sealed in a row of a model's table, opened; ``masked`` for screens, where ``shown`` stands
    beside."""
    declared = getattr(model, "personal_data", None)
    seals = declared.seals if declared else None
    if seals is not None:
        name, kind = seals(row)
        return {} if masked or row.sealed is None else {name: open_personal(kind, row.sealed, now)}
    if model is Resident and row.real_name is not None and row.number is not None:
        name, number = (
            open_personal("real_name", row.real_name, now),
            open_personal("number", row.number, now),
        )
        if masked:
            name, number = masked_name(name), masked_number(number)
        return {"real_name": name, "number": number}
    return {}


def erase(resident: SignedInResident, now: datetime) -> None:
    """Delete what may be deleted, blank what others need, keep what the law keeps; nobody comes
    in as this resident again. Whoever calls has made sure that nothing is unfinished."""
    with transaction() as session:
        session.execute(select(Resident.id).where(Resident.id == resident.id).with_for_update())
        people = _people(resident.id)
        for model, rows in reversed(_rows_of(people)):
            keys, declared = [row.id for row in rows], _declaration(model)
            if not keys or declared.erase == "keep":
                continue
            if declared.erase == "delete":
                session.execute(delete(model).where(model.id.in_(keys)))
            else:
                session.execute(
                    update(model).where(model.id.in_(keys)).values(dict(declared.blank))
                )
        session.execute(
            update(Resident)
            .where(Resident.id == resident.id)
            .values(
                closed_at=now,
                consented=None,
                assurance="none",
                **dict.fromkeys(NAME_COLUMNS),
            )
        )
        told = [act.id for act in _acts_of(people)]
        for start in range(0, len(told), MOST_KEYS):
            part = told[start : start + MOST_KEYS]
            session.execute(delete(AuditReason).where(AuditReason.event_id.in_(part)))
        session.execute(delete(ApiAnswer).where(ApiAnswer.owner == f"resident:{resident.id}"))
        record(resident.actor, "resident.erase", f"resident:{resident.id}", {}, now)


def _rows_of(people: list[uuid.UUID]) -> list[tuple[type[CityModel], Sequence[Any]]]:
    """Every row of a resident's by model, parents before children; only tables that have any are
    read, which is a few of forty."""
    filled = run(_filled(), {PEOPLE: people}).one()._mapping
    keys: dict[str, list[uuid.UUID]] = {}
    found: list[tuple[type[CityModel], Sequence[Any]]] = []
    for model in personal_models():
        rows: Sequence[Any] = ()
        found_by = _found_by(model, people, keys)
        if filled.get(model.__tablename__, True) and any(found_by.values()):
            statement = _theirs(model, tuple(found_by))
            if model in _told_by_columns():
                rows = run(statement, found_by).all()
            else:
                rows = load(model, statement, found_by)
        keys[model.__tablename__] = [row.id for row in rows]
        found.append((model, rows))
    return found


@cache
def _filled() -> Select[Any]:
    """Whether each table whose rows say whose they are has one of some people, in one row."""
    tables = [table_of(model) for model in personal_models()]
    columns: list[Any] = [
        exists(
            select(table.c.id).where(
                table.c.city_id == CITY,
                _is_one_of(table.c.resident_id, PEOPLE),
            )
        ).label(table.name)
        for table in tables
        if "resident_id" in table.c
    ]
    return select(*columns)


def _found_by(
    model: type[CityModel], people: list[uuid.UUID], keys: Mapping[str, list[uuid.UUID]]
) -> dict[str, list[uuid.UUID]]:
    """The keys by which a model's rows are found: those of the people, or of the rows of other tables, by
    name of the table."""
    if model is Resident or "resident_id" in table_of(model).c:
        return {PEOPLE: people}
    if (via := _via(model)) is not None:
        return {via: keys[via]}
    return {table: keys[table] for _column, table in _references(model) if keys.get(table)}


def _acts_of(people: list[uuid.UUID]) -> Sequence[Any]:
    """What the audit log has of a resident: their own acts, and those on their account."""
    return run(_ACTS, {"keys": [f"resident:{one}" for one in people]}).all()


def _people(resident_id: uuid.UUID) -> list[uuid.UUID]:
    """A resident's account, and those that were merged into it."""
    return [resident_id, *run(_MERGED, {"resident": resident_id}).scalars()]


@cache
def _told_by_columns() -> frozenset[type[CityModel]]:
    """The models whose rows are told by their own columns alone, and need not be loaded: none with a
    column that is read later, with a path to what a row refers to, or that such a path leads to."""
    found, led_to = set(), set()
    for model in personal_models():
        mapper, columns = inspect(model), table_of(model).c
        paths = [path for path in _declaration(model).shown if path not in columns]
        led_to |= {mapper.relationships[path.partition(".")[0]].mapper.class_ for path in paths}
        later = any(attribute.deferred for attribute in mapper.column_attrs)
        currency_of_another = hasattr(model, "currency") and "currency" not in columns
        if not (paths or later or currency_of_another):
            found.add(model)
    return frozenset(found - led_to)


@cache
def _theirs(model: type[CityModel], found_by: tuple[str, ...]) -> Select[Any]:
    """The rows of a model's that are some people's, but for columns that are read later.

    Args:
        model: Which.
        found_by: The names of what ``_found_by`` gives.
    """
    table = table_of(model)
    columns = [one.columns[0] for one in inspect(model).column_attrs if not one.deferred]
    return (
        select(*columns)
        .where(table.c.city_id == CITY, _belongs(table.c, model, found_by))
        .order_by(table.c.id)
    )


def _belongs(
    columns: Any, model: type[CityModel], found_by: tuple[str, ...]
) -> ColumnElement[bool]:
    if found_by == (PEOPLE,):
        return _is_one_of(columns["id" if model is Resident else "resident_id"], PEOPLE)
    if (via := _via(model)) is not None:
        link = table_of(_models()[via]).c
        reached = select(link[_column_to(_models()[via], model)])
        theirs = reached.where(link.city_id == CITY, _is_one_of(link.id, via))
        return columns["id"].in_(theirs)  # type: ignore[no-any-return]
    references = [one for one in _references(model) if one[1] in found_by]
    return or_(*(_is_one_of(columns[name], table) for name, table in references))


def _is_one_of(column: Any, name: str) -> ColumnElement[bool]:
    found: ColumnElement[bool] = column.in_(bindparam(name, expanding=True))
    return found


@cache
def _models() -> dict[str, type[CityModel]]:
    """The models of cities' tables, by table."""
    return {
        mapper.class_.__tablename__: mapper.class_
        for mapper in Base.registry.mappers
        if issubclass(mapper.class_, CityModel)
    }


def _via(model: type[CityModel]) -> str | None:
    declared: PersonalData | None = getattr(model, "personal_data", None)
    return declared.via if declared else None


def _column_to(model: type[CityModel], target: type[CityModel]) -> str:
    """The column of a model that refers to another."""
    return next(name for name, table in _references(model) if table == target.__tablename__)


def _references(model: type[CityModel]) -> Iterator[tuple[str, str]]:
    for key in model.__table__.foreign_key_constraints:  # type: ignore[attr-defined]
        column = next(one for one in key.column_keys if one != "city_id")
        yield column, key.referred_table.name


def _parents(model: type[CityModel]) -> set[str]:
    return {table for _column, table in _references(model)}


def _declaration(model: type[CityModel]) -> PersonalData:
    found: PersonalData = model.personal_data  # type: ignore[attr-defined]
    return found


def _plain(value: Any) -> Any:
    if isinstance(value, (datetime, date)):
        return value.isoformat()
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    return str(value) if isinstance(value, uuid.UUID) else value
