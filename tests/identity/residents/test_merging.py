"""Two accounts of one person become one."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from smartcity_saas.database import db
from smartcity_saas.errors import Conflict
from smartcity_saas.identity.federation.channels import AuthenticatedIdentity
from smartcity_saas.identity.personal_data.records import erase
from smartcity_saas.identity.residents.accounts import sign_in, signed_in
from smartcity_saas.identity.residents.assurance import verify_contact
from smartcity_saas.identity.residents.merging import merge
from smartcity_saas.identity.residents.models import Resident, ResidentContact
from tests.support.residents import PHONE
from tests.support.world import World


def test_merging_both_ways_leaves_one_account(world: World) -> None:
    """The second of two opposite merges is refused: nobody is locked out of both."""
    with world.inside("hangzhou"):
        first, second = (
            signed_in(sign_in("demo", AuthenticatedIdentity((name,), name, demo=True)), world.clock)
            for name in "ab"
        )
        assert first is not None
        assert second is not None
        merge(first, second.id, world.clock())
        with pytest.raises(Conflict):
            merge(second, first.id, world.clock())
        again = signed_in(
            sign_in("demo", AuthenticatedIdentity(("b",), "b", demo=True)), world.clock
        )
        assert again is not None
        assert again.id == first.id


def test_nothing_of_a_merged_account_outlives_the_resident(phones: World) -> None:
    """Two numbers, merged, erased: neither opens any more, and no name is left."""
    with phones.inside("hangzhou"):
        first, second = (
            signed_in(
                sign_in("demo", AuthenticatedIdentity((name,), name, demo=True)), phones.clock
            )
            for name in ("甲", "乙")
        )
        assert first is not None
        assert second is not None
        for person, number in ((first, PHONE), (second, "13800000002")):
            verify_contact(person.id, "sms", number, "zh", phones.clock())
        merge(first, second.id, phones.clock())
        erase(first, phones.clock())
        assert db.session.scalars(select(ResidentContact)).all() == []
        assert set(db.session.scalars(select(Resident.name))) == {""}
