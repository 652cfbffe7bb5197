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
from smartcity_saas.services.utility_bills.models import UtilityLink
from tests.support.bills import bring
from tests.support.browser import Browser
from tests.support.residents import PHONE, by_phone, code_of
from tests.support.world import World


def test_merging_both_ways_leaves_one_account(world: World) -> None:
    """The second of two opposite merges is refused: nobody is locked out of both."""
    with world.inside("hangzhou"):
        first, second = (
            signed_in(
                sign_in("demo", AuthenticatedIdentity((name,), name, demo=True), now=world.clock()),
                world.clock(),
            )
            for name in "ab"
        )
        assert first is not None
        assert second is not None
        merge(first, second.id, world.clock())
        with pytest.raises(Conflict):
            merge(second, first.id, world.clock())
        again = signed_in(
            sign_in("demo", AuthenticatedIdentity(("b",), "b", demo=True), now=world.clock()),
            world.clock(),
        )
        assert again is not None
        assert again.id == first.id


def test_nothing_of_a_merged_account_outlives_the_resident(phones: World) -> None:
    """Two numbers, merged, erased: neither opens any more, and no name is left."""
    with phones.inside("hangzhou"):
        first, second = (
            signed_in(
                sign_in(
                    "demo", AuthenticatedIdentity((name,), name, demo=True), now=phones.clock()
                ),
                phones.clock(),
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


def link_bill(browser: Browser) -> None:
    answer = browser.post(
        "/services/utility-bills/link",
        kind="water",
        number="4100280017",
        holder="王某",
        nickname="家",
    )
    assert answer.status_code == 302, answer.text


def ask_to_merge(browser: Browser) -> None:
    """Verify the number by which another account comes in: asked whether both are theirs."""
    page = browser.post("/me/ways-in/phone/verify", "/me/ways-in", phone=PHONE).text
    answer = browser.post(
        "/me/ways-in/phone/verify", "/me/ways-in", phone=PHONE, code=code_of(page)
    )
    assert answer.headers["Location"] == "/me/merge"


def test_two_accounts_become_one(phones: World) -> None:
    """Linking what leads to another account asks; merged, everything is here and the other closed."""
    mine = by_phone(phones)
    with phones.inside("hangzhou"):
        other_id = db.session.scalars(select(Resident.id)).one()
    browser = phones.resident("hangzhou")
    ask_to_merge(browser)
    assert "You have two accounts here" in browser.get("/me/merge").text
    assert browser.post("/me/merge", merge="1").status_code == 302
    assert mine.get("/me").status_code == 302
    with phones.inside("hangzhou"):
        other = db.session.scalars(select(Resident).where(Resident.id == other_id)).one()
        assert other.closed_at is not None
        assert db.session.scalars(select(ResidentContact.resident_id)).one() == other.merged_into
    assert "示例住户甲" in by_phone(phones).get("/me").text


@pytest.mark.parametrize("in_both", [False, True], ids=["in one", "in both"])
def test_merging_brings_along_what_a_service_keeps(phones: World, in_both: bool) -> None:
    """A utility account that the other had linked is here; linked in both, one link remains."""
    bring(phones)
    link_bill(by_phone(phones))
    browser = phones.resident("hangzhou")
    if in_both:
        link_bill(browser)
    ask_to_merge(browser)
    browser.post("/me/merge", merge="1")
    with phones.inside("hangzhou"):
        link = db.session.scalars(select(UtilityLink)).one()
        kept = db.session.scalars(select(Resident.id).where(Resident.closed_at.is_(None))).one()
    assert link.resident_id == kept
    account = browser.get("/services/utility-bills").headers["Location"]
    assert browser.get(account).status_code == 200


def test_merging_needs_both_and_a_yes(phones: World) -> None:
    """Without the question nothing merges; saying no leaves both; a question counts once."""
    by_phone(phones)
    browser = phones.resident("hangzhou")
    assert browser.post("/me/merge", "/me", merge="1").status_code == 404
    ask_to_merge(browser)
    browser.post("/me/merge", leave="1")
    assert browser.post("/me/merge", "/me", merge="1").status_code == 404
    with phones.inside("hangzhou"):
        assert (
            db.session.scalars(select(Resident).where(Resident.closed_at.is_not(None))).all() == []
        )
