"""Levels of assurance: whose word counts for a name and a number."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from smartcity_saas.database import db
from smartcity_saas.errors import Conflict, Throttled
from smartcity_saas.identity.federation.channels import AuthenticatedIdentity
from smartcity_saas.identity.residents.accounts import sign_in, signed_in
from smartcity_saas.identity.residents.assurance import verify_real_name
from smartcity_saas.identity.residents.models import Resident
from tests.support.residents import NUMBER
from tests.support.world import World


def test_ones_own_word_gives_way(world: World) -> None:
    """Names are tried five times a day; a channel's verified name takes a number from somebody's
    word, and is not replaced by it."""
    with world.inside("hangzhou"):
        now = world.clock()
        people = [
            signed_in(
                sign_in("demo", AuthenticatedIdentity((name,), name, demo=True), now=world.clock()),
                world.clock(),
            )
            for name in "ab"
        ]
        squatter, owner = people[0], people[1]
        assert squatter is not None
        assert owner is not None
        verify_real_name(squatter, "示例", NUMBER, now)
        verify_real_name(owner, "示例", NUMBER, now, by="alipay")
        rows = {r.name: r for r in db.session.scalars(select(Resident))}
        assert (rows["a"].assurance, rows["b"].verified_by) == ("none", "alipay")
        with pytest.raises(Conflict):
            verify_real_name(owner, "另一", NUMBER, now)
        with pytest.raises(Throttled):
            for _try in range(9):
                with pytest.raises(Conflict):
                    verify_real_name(squatter, "示例", NUMBER, now)
