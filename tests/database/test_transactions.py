"""Transactions: writes need one, and each stays in its city."""

from __future__ import annotations

import pytest
from sqlalchemy import select, update

from smartcity_saas.database import db, transaction
from smartcity_saas.errors import TenantIsolationError
from smartcity_saas.identity.residents.models import Resident
from smartcity_saas.tenant_context import tenant_cleared, tenant_set
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
