"""Tenant isolation: nothing said inside one city reads or writes another's rows."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

import pytest
from sqlalchemy import (
    BigInteger,
    String,
    TypeDecorator,
    and_,
    bindparam,
    cast,
    column,
    create_engine,
    delete,
    exists,
    func,
    insert,
    literal,
    literal_column,
    or_,
    quoted_name,
    select,
    table,
    text,
    tuple_,
    union_all,
    update,
)
from sqlalchemy.dialects import sqlite
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session, aliased

from smartcity_saas.database import db, transaction
from smartcity_saas.errors import TenantIsolationError
from smartcity_saas.identity.residents.models import Resident, ResidentIdentity
from smartcity_saas.measures import (
    CityMeasure,
    Measure,
    MeasureEvent,
    count,
)
from smartcity_saas.tenancy.context import tenant_context
from smartcity_saas.tenant_context import (
    current_city_id,
    current_city_id_or_none,
)
from tests.support.world import World

NOW = datetime(2026, 11, 21, tzinfo=UTC)
RESIDENT = Resident.__table__
IDENTITY = ResidentIdentity.__table__
other = aliased(Resident)

FOLDED = table("RESIDENT", column("city_id"), column("name"))
STAFF = table(quoted_name("STAFF", False), column("username"), column("role"))


class Lying(TypeDecorator[int]):
    """A type that binds another city's key than the one that stands in the statement."""

    impl = BigInteger
    cache_ok = True
    other = 0

    def process_bind_param(self, value: Any, dialect: Any) -> Any:
        return Lying.other


class Written(TypeDecorator[str]):
    """A type that writes what it likes into the statement."""

    impl = String
    cache_ok = True

    def process_literal_param(self, value: Any, dialect: Any) -> str:
        return "(SELECT name FROM resident LIMIT 1)"

    def literal_processor(self, dialect: Any) -> Any:
        return lambda value: "(SELECT name FROM resident LIMIT 1)"


class Wrapped(TypeDecorator[str]):
    """A type that writes a call around each of its values."""

    impl = String
    cache_ok = True

    def bind_expression(self, bindvalue: Any) -> Any:
        return func.set_config("app.city_id", bindvalue, True)


def _lie(session: Session, city: int) -> Any:
    Lying.other = city
    here = literal(current_city_id(), Lying())
    return session.execute(select(RESIDENT).where(RESIDENT.c.city_id == here)).all()


READS: dict[str, Callable[[Session, int], Any]] = {
    "core select": lambda s, c: s.execute(select(RESIDENT)).all(),
    "core count": lambda s, c: s.scalar(select(func.count()).select_from(RESIDENT)),
    "text": lambda s, c: s.execute(text("SELECT * FROM resident")).all(),
    "text in where": lambda s, c: s.execute(select(Resident).where(text("1 = 1"))).all(),
    "literal column": lambda s, c: s.execute(
        select(literal_column("name")).select_from(RESIDENT)
    ).all(),
    "raw string": lambda s, c: s.connection().exec_driver_sql("SELECT * FROM resident").all(),
    "another city's key": lambda s, c: s.execute(
        select(RESIDENT).where(RESIDENT.c.city_id == c)
    ).all(),
    "either city": lambda s, c: s.execute(
        select(RESIDENT).where(
            or_(RESIDENT.c.city_id == current_city_id(), RESIDENT.c.city_id == c)
        )
    ).all(),
    "in both cities": lambda s, c: s.execute(
        select(RESIDENT).where(RESIDENT.c.city_id.in_([c, current_city_id()]))
    ).all(),
    "core subquery": lambda s, c: s.execute(
        select(literal(1)).where(exists(select(RESIDENT.c.id)))
    ).all(),
    "core union": lambda s, c: s.execute(
        union_all(
            select(RESIDENT.c.name).where(RESIDENT.c.city_id == current_city_id()),
            select(RESIDENT.c.name),
        )
    ).all(),
    "core cte": lambda s, c: s.execute(select(select(RESIDENT).cte("people"))).all(),
    "outer join's kept side": lambda s, c: s.execute(
        select(RESIDENT.c.name).select_from(
            RESIDENT.outerjoin(
                IDENTITY,
                and_(
                    IDENTITY.c.city_id == current_city_id(),
                    RESIDENT.c.city_id == current_city_id(),
                ),
            )
        )
    ).all(),
    "join on the key alone": lambda s, c: s.execute(
        select(RESIDENT.c.name)
        .join(IDENTITY, IDENTITY.c.resident_id == RESIDENT.c.id)
        .where(RESIDENT.c.city_id == current_city_id())
    ).all(),
    "capital letters": lambda s, c: s.execute(select(FOLDED)).all(),
    "capital letters of a platform table": lambda s, c: s.execute(select(STAFF)).all(),
    "an unknown table": lambda s, c: s.execute(
        select(table("sqlite_master", column("name")))
    ).all(),
    "a table of the catalog": lambda s, c: s.execute(
        select(table("pg_class", column("relname")))
    ).all(),
    "the setting behind row-level security": lambda s, c: s.execute(
        select(func.set_config("app.city_id", str(c), True))
    ).all(),
    "a query as a text": lambda s, c: s.execute(
        select(func.query_to_xml("select * from resident", True, True, ""))
    ).all(),
    "a type that lies": _lie,
    "a value in a table": lambda s, c: s.execute(
        select(literal(1).op("IN")(column("resident")))
    ).all(),
    "a value in a table of the platform": lambda s, c: s.execute(
        select(literal("root").op("IN")(column("staff")))
    ).all(),
    "a value not in a table": lambda s, c: s.execute(
        select(Resident.name).where(
            Resident.name.op("NOT IN", is_comparison=True)(column("sqlite_master"))
        )
    ).all(),
    "a value that its type writes": lambda s, c: s.execute(
        select(bindparam("x", "1", type_=Written(), literal_execute=True))
    ).all(),
    "a plain value that is written": lambda s, c: s.execute(
        select(bindparam("x", 1, literal_execute=True))
    ).all(),
    "what a type writes around a list": lambda s, c: s.execute(
        select(Resident.name).where(cast(Resident.name, Wrapped()).in_(["a"]))
    ).all(),
    "a query's name outside of it": lambda s, c: s.execute(
        select(table("pg_class", column("relname"))).where(
            exists(select(select(literal(1).label("x")).cte("pg_class", nesting=True)))
        )
    ).all(),
    "a prefix": lambda s, c: s.execute(select(Resident).prefix_with("/* x */")).all(),
    "column to column": lambda s, c: s.execute(
        select(RESIDENT.c.name)
        .join(IDENTITY, IDENTITY.c.city_id == RESIDENT.c.city_id)
        .where(RESIDENT.c.city_id == current_city_id())
    ).all(),
}


@pytest.mark.parametrize("name", READS)
def test_reading_another_city_is_refused(peopled: World, name: str) -> None:
    """No form of statement reads another city: each is refused, none is filtered silently."""
    foreign = peopled.city_id("shanghai")
    with peopled.inside("hangzhou"), pytest.raises(TenantIsolationError):
        READS[name](db.session(), foreign)


def test_the_orm_sees_this_city_alone(peopled: World) -> None:
    """Entities, columns, aliases, subqueries, counts and keys of the ORM stay in the city."""
    with peopled.inside("shanghai"):
        foreign = db.session.scalars(select(Resident)).one()
        foreign_key = (foreign.city_id, foreign.id)
    with peopled.inside("hangzhou"):
        session = db.session()
        assert [r.name for r in session.scalars(select(Resident))] == ["hangzhou"]
        assert session.scalars(select(Resident.name)).all() == ["hangzhou"]
        assert session.scalars(select(other.name)).all() == ["hangzhou"]
        assert session.scalar(select(func.count()).select_from(Resident)) == 1
        inner = select(ResidentIdentity.resident_id)
        assert session.scalars(select(Resident.name).where(Resident.id.in_(inner))).all() == [
            "hangzhou"
        ]
        joined = select(Resident.name).join(
            ResidentIdentity, ResidentIdentity.resident_id == Resident.id
        )
        assert session.scalars(joined).all() == ["hangzhou"]
        assert session.scalars(select(Resident).where(Resident.id == foreign.id)).all() == []
        with pytest.raises(TenantIsolationError):
            session.get(Resident, foreign_key)


ROW = {
    "day": date(2026, 11, 1),
    "hour": 9,
    "service": "utility_bills",
    "channel": "web",
    "measure": "done",
    "detail": "",
    "value": 1,
}
"""A count without its city."""

WRITES: dict[str, Callable[[Session, int, uuid.UUID], Any]] = {
    "core insert": lambda s, c, i: s.execute(
        insert(RESIDENT).values(city_id=c, id=uuid.uuid4(), name="x", demo=False)
    ),
    "insert of many": lambda s, c, i: s.execute(
        insert(Resident),
        [{"city_id": current_city_id(), "name": "a"}, {"city_id": c, "name": "b"}],
    ),
    "insert without a city": lambda s, c, i: s.execute(
        insert(RESIDENT).values(id=uuid.uuid4(), name="x", demo=False)
    ),
    "insert from select": lambda s, c, i: s.execute(
        insert(RESIDENT).from_select(["city_id", "name"], select(literal(c), literal("x")))
    ),
    "core update": lambda s, c, i: s.execute(update(RESIDENT).values(name="x")),
    "update of another city": lambda s, c, i: s.execute(
        update(RESIDENT).where(RESIDENT.c.city_id == c).values(name="x")
    ),
    "bulk update by key": lambda s, c, i: s.execute(
        update(Resident), [{"city_id": c, "id": i, "name": "x"}]
    ),
    "bulk mappings": lambda s, c, i: s.bulk_update_mappings(
        Resident, [{"city_id": c, "id": i, "name": "x"}]
    ),
    "bulk insert mappings": lambda s, c, i: s.bulk_insert_mappings(
        Resident, [{"city_id": c, "name": "x"}]
    ),
    "moving a row": lambda s, c, i: s.execute(update(Resident).values(city_id=c)),
    "a tuple": lambda s, c, i: s.execute(
        update(RESIDENT)
        .where(RESIDENT.c.city_id == current_city_id())
        .values({tuple_(RESIDENT.c.city_id, RESIDENT.c.name): tuple_(literal(c), literal("x"))})
    ),
    "a capital city": lambda s, c, i: s.execute(
        insert(table("resident", column("CITY_ID"), column("city_id"), column("name"))).values(
            {"CITY_ID": c, "city_id": current_city_id(), "name": "x"}
        )
    ),
    "an upsert on the row's hidden number": lambda s, c, i: s.execute(
        sqlite.insert(table("resident", column("city_id"), column("name"), column("rowid")))
        .values(rowid=1, city_id=current_city_id(), name="x")
        .on_conflict_do_update(index_elements=["rowid"], set_={"name": "x"})
    ),
    "an upsert over any conflict": lambda s, c, i: s.execute(
        sqlite.insert(RESIDENT)
        .values(id=i, city_id=current_city_id(), name="x", demo=False, created_at=NOW)
        .on_conflict_do_update(index_elements=["id"], set_={"name": "x"})
    ),
    "roles of staff": lambda s, c, i: s.execute(update(STAFF).values(role="operator")),
    "core delete": lambda s, c, i: s.execute(delete(RESIDENT)),
    "delete of another city": lambda s, c, i: s.execute(
        delete(RESIDENT).where(RESIDENT.c.city_id == c)
    ),
    "a foreign object": lambda s, c, i: (s.add(Resident(city_id=c, name="x")), s.flush()),
    "a merged object": lambda s, c, i: (s.merge(Resident(city_id=c, id=i, name="x")), s.flush()),
    "another city's count": lambda s, c, i: s.execute(
        update(MeasureEvent).where(MeasureEvent.city_id == c).values(value=9)
    ),
    "every city's count": lambda s, c, i: s.execute(update(MeasureEvent).values(value=9)),
    "a count for another city": lambda s, c, i: s.execute(
        insert(MeasureEvent).values([dict(ROW, city_id=current_city_id()), dict(ROW, city_id=c)])
    ),
    "a figure that is told": lambda s, c, i: s.execute(
        update(CityMeasure).where(CityMeasure.city_id == current_city_id()).values(value=9)
    ),
    "a platform table": lambda s, c, i: s.execute(text("UPDATE installation SET demo = true")),
}


@pytest.mark.filterwarnings("ignore:Column 'resident.city_id' is marked")
@pytest.mark.parametrize("name", WRITES)
def test_writing_another_city_is_refused(peopled: World, name: str) -> None:
    """No form of statement writes another city's row, and the foreign row stays as it was."""
    if "upsert" in name and peopled.engine != "sqlite":
        pytest.skip("written in SQLite's own words")
    foreign = peopled.city_id("shanghai")
    with peopled.inside("shanghai"):
        foreign_id = db.session.scalars(select(Resident.id)).one()
    with peopled.inside("hangzhou"), pytest.raises(TenantIsolationError), transaction() as session:
        WRITES[name](session, foreign, foreign_id)
    for city in ("hangzhou", "shanghai"):
        with peopled.inside(city):
            assert db.session.scalars(select(Resident.name)).all() == [city]


def test_outside_a_city_its_tables_do_not_exist(peopled: World) -> None:
    """Default-deny: without a scope every statement on a city table raises."""
    with pytest.raises(TenantIsolationError):
        db.session.scalars(select(Resident)).all()
    with pytest.raises(TenantIsolationError), transaction() as session:
        session.add(Resident(city_id=1, name="x", created_at=peopled.clock()))


def test_platform_tables_are_out_of_reach_inside_a_city(peopled: World) -> None:
    """A city's transaction touches no platform row but its own counts."""
    with peopled.inside("hangzhou"):
        with pytest.raises(TenantIsolationError):
            peopled.documents().all()
        count("utility_bills", Measure.DONE, peopled.clock())
        count("utility_bills", Measure.DONE, peopled.clock(), value=2)
        rows = select(MeasureEvent.value).where(MeasureEvent.city_id == current_city_id())
        assert sorted(db.session.scalars(rows)) == [1, 2]


def test_scopes_do_not_nest_and_close(peopled: World) -> None:
    """Entering a second city raises; after leaving, nothing of the first is left behind."""
    with peopled.inside("hangzhou"):
        first = db.session()
        with pytest.raises(TenantIsolationError), tenant_context(2):
            pass
    assert db.session() is not first
    assert current_city_id_or_none() is None


def test_a_thread_starts_outside_any_city(peopled: World) -> None:
    """Work handed to a thread does not inherit the city by accident."""
    seen: list[int | None] = []
    with peopled.inside("hangzhou"):
        thread = threading.Thread(target=lambda: seen.append(current_city_id_or_none()))
        thread.start()
        thread.join()
    assert seen == [None]


def test_a_row_cannot_point_at_another_citys(peopled: World) -> None:
    """Foreign keys carry the city: a reference to another city's row is no reference."""
    with peopled.inside("shanghai"):
        foreign_id = db.session.scalars(select(Resident.id)).one()
    with peopled.inside("hangzhou"), pytest.raises(DBAPIError), transaction() as session:
        session.add(ResidentIdentity(resident_id=foreign_id, channel="x", subject="x"))


def test_uniqueness_is_per_city(peopled: World) -> None:
    """The same subject in two cities is two people: no oracle for another city's values."""
    with peopled.inside("hangzhou"), transaction() as session:
        person = session.scalars(select(Resident)).one()
        session.add(ResidentIdentity(resident_id=person.id, channel="demo", subject="shanghai"))
    of_shanghai = select(func.count(ResidentIdentity.id)).where(
        ResidentIdentity.subject == "shanghai"
    )
    for city in ("hangzhou", "shanghai"):
        with peopled.inside(city):
            assert db.session.scalar(of_shanghai) == 1


@pytest.mark.parametrize("table", ["revision", "audit_event", "city_audit_event"])
@pytest.mark.parametrize("act", ["UPDATE {} SET actor = 'x'", "DELETE FROM {}"])
def test_append_only_is_held_by_the_database(peopled: World, table: str, act: str) -> None:
    """Revisions and audit logs are neither changed nor deleted, whatever statement is sent."""
    sql = act.format(table).replace("actor", "author" if table == "revision" else "actor")
    raw = create_engine(peopled.app.product.settings.database_url)
    with raw.connect() as connection:
        if peopled.engine == "postgresql":
            connection.execute(text(f"SET LOCAL app.city_id = '{peopled.city_id('hangzhou')}'"))
        if table == "city_audit_event":
            _leave_a_trace(peopled)
        with pytest.raises(DBAPIError):
            connection.execute(text(sql))
    raw.dispose()


def _leave_a_trace(world: World) -> None:
    from smartcity_saas.audit import record, system

    with world.inside("hangzhou"), transaction():
        record(system("test"), "test", "test", {}, world.clock())
