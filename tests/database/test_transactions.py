"""Transactions: writes need one, and each stays in its city."""

from __future__ import annotations

from contextlib import suppress

import pytest
from sqlalchemy import select, update
from sqlalchemy.exc import DBAPIError

from smartcity_saas.database import db, transaction
from smartcity_saas.errors import TenantIsolationError
from smartcity_saas.identity.residents.models import Resident
from smartcity_saas.tenancy.context import tenant_context
from smartcity_saas.tenant_context import tenant_cleared, tenant_set
from tests.support.browser import fresh
from tests.support.world import World


def test_a_transaction_stays_in_its_city(peopled: World) -> None:
    """Changing the city under an open transaction does not carry it over."""
    with peopled.inside("hangzhou"):
        session = db.session()
        session.scalars(select(Resident)).all()
        with (
            tenant_cleared(),
            tenant_set(peopled.city_id("shanghai")),
            pytest.raises(TenantIsolationError),
        ):
            session.scalars(select(Resident)).all()


def test_savepoints_pass(peopled: World) -> None:
    """A part of a transaction can be taken back on its own."""
    with peopled.inside("hangzhou"), transaction() as session:
        with session.begin_nested() as part:
            session.execute(update(Resident).values(name="x"))
            part.rollback()
        assert session.scalars(select(Resident.name)).all() == ["hangzhou"]


def test_writing_needs_a_command(peopled: World) -> None:
    """A write outside transaction() is refused, so no read is upgraded to a write midway."""
    with peopled.inside("hangzhou"), pytest.raises(TenantIsolationError):
        db.session.execute(update(Resident).values(name="x"))


def test_a_read_before_it_is_read_anew(peopled: World) -> None:
    """Whoever read a row, and then begins to write, decides on what is stored by then: on both
    databases, whether the read's transaction was ended or went on."""
    city_id = peopled.city_id("hangzhou")
    with peopled.inside("hangzhou"):
        seen = db.session.scalars(select(Resident)).one()
        fresh(lambda: _rename(peopled, city_id))  # type: ignore[arg-type,return-value]
        with transaction():
            assert seen.name == "changed"


def _rename(world: World, city_id: int) -> None:
    """What somebody else does meanwhile, on a connection of their own."""
    with world.app.app_context(), tenant_context(city_id), transaction() as session:
        session.execute(update(Resident).values(name="changed"))


def test_what_was_changed_outside_does_not_come_along(peopled: World) -> None:
    """What was put into the session or changed outside ``transaction()`` is not written by the next."""
    with peopled.inside("hangzhou"):
        db.session.scalars(select(Resident)).one().name = "changed"
        db.session.add(Resident(name="new", created_at=peopled.clock()))
        with transaction() as session:
            assert session.scalars(select(Resident.name)).all() == ["hangzhou"]


def test_a_read_that_failed_is_ended(peopled: World) -> None:
    """A statement that the database refused does not spoil the transaction that comes after it."""
    with peopled.inside("hangzhou"):
        db.session.scalars(select(Resident)).one()
        with suppress(DBAPIError):
            db.session.execute(select(Resident.name).limit(-1))
        with transaction() as session:
            session.execute(update(Resident).values(name="x"))
        assert db.session.scalars(select(Resident.name)).all() == ["x"]


def test_a_locked_row_is_read_as_it_stands(peopled: World) -> None:
    """Whoever decides under a lock decides on what is stored, not on what was read before."""
    with peopled.inside("hangzhou"), transaction() as session:
        seen = session.scalars(select(Resident)).one()
        session.execute(
            update(Resident).values(name="changed"),
            execution_options={"synchronize_session": False},
        )
        assert session.scalars(select(Resident)).one().name == "hangzhou"
        assert session.scalars(select(Resident).with_for_update()).one() is seen
        assert seen.name == "changed"
