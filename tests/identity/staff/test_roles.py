"""Roles: who holds which, where, and who may give them."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from smartcity_saas.audit import system
from smartcity_saas.database import db
from smartcity_saas.errors import Invalid, NotAllowed, NotFound
from smartcity_saas.identity.staff.accounts import change_roles
from smartcity_saas.identity.staff.models import Staff, StaffInvitation
from smartcity_saas.identity.staff.roles import (
    AUDITOR,
    CITY_ADMIN,
    OPERATOR,
    PERMISSIONS,
    PROVINCE_ADMIN,
    ROLES,
    StaffMember,
)
from tests.support.staff import invite, make
from tests.support.world import World


def test_roles_stay_at_their_place(world: World) -> None:
    """An account of a city is not made an operator's by changing its roles."""
    make(world, "bob.city", AUDITOR, city="hangzhou")
    with pytest.raises(Invalid):
        change_roles(system("test"), "bob.city", [OPERATOR], world.clock())


def test_nobody_gives_more_than_they_hold(world: World) -> None:
    """Not upwards, not sideways: neither by inviting nor by changing roles."""
    city, province = world.city_staff("hangzhou"), world.province_admin("zhejiang")
    for role, more in ((OPERATOR, {}), (PROVINCE_ADMIN, {"at": "zhejiang"})):
        assert invite(world, city, "/cities/hangzhou/staff", role, **more).status_code in (403, 422)
    assert invite(world, province, "/provinces/zhejiang/staff", OPERATOR).status_code == 403
    assert (
        invite(world, province, "/provinces/zhejiang/staff", CITY_ADMIN, at="shanghai").status_code
        == 403
    )
    assert (
        invite(world, province, "/provinces/zhejiang/staff", CITY_ADMIN, at="ningbo").status_code
        == 200
    )
    assert db.session.scalars(select(StaffInvitation)).all().__len__() == 1
    make(world, "far.away", CITY_ADMIN, city="shanghai")
    actor = db.session.scalars(select(Staff).where(Staff.username == "staff-hangzhou")).one()
    member = StaffMember(actor.id, actor.username, "x", (CITY_ADMIN,), None, "hangzhou", True)
    with pytest.raises(NotFound):
        change_roles(member.actor, "far.away", [AUDITOR], world.clock())
    with pytest.raises(NotAllowed):
        change_roles(member.actor, "staff-hangzhou", [AUDITOR], world.clock())


def test_every_permission_is_somebody_s() -> None:
    """And every role may look after its own account."""
    for name in PERMISSIONS:
        assert any(name in role.permissions for role in ROLES.values()), name
    assert all("own" in role.permissions for role in ROLES.values())
