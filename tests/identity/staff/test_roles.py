"""Roles: who holds which, where, and who may give them."""

from __future__ import annotations

import pytest

from smartcity_saas.audit import system
from smartcity_saas.errors import Invalid
from smartcity_saas.identity.staff.accounts import change_roles
from smartcity_saas.identity.staff.roles import AUDITOR, OPERATOR
from tests.support.staff import make
from tests.support.world import World


def test_roles_stay_at_their_place(world: World) -> None:
    """An account of a city is not made an operator's by changing its roles."""
    make(world, "bob.city", AUDITOR, city="hangzhou")
    with pytest.raises(Invalid):
        change_roles(system("test"), "bob.city", [OPERATOR], world.clock)
