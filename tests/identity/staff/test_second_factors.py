"""Second factors of staff: codes, recovery codes, passkeys."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from sqlalchemy import select

from smartcity_saas.database import db
from smartcity_saas.errors import Invalid
from smartcity_saas.identity.staff import second_factors
from smartcity_saas.identity.staff.models import StaffSession
from smartcity_saas.identity.staff.roles import (
    AUDITOR,
    CATALOG_EDITOR,
    CITY_ADMIN,
    FINANCE,
    OPERATOR,
    PROVINCE_ADMIN,
)
from tests.support.staff import STRONG, code_at, enter, make, set_up
from tests.support.world import World


@pytest.mark.parametrize("answer", ["null", "[]", "5", "{", ""])
def test_an_odd_passkey_is_no_fault(world: World, answer: str) -> None:
    """Whatever stands where a browser's answer should: told to try again."""
    make(world, "wu.min", OPERATOR)
    browser = world.client("console.localhost")
    browser.post("/sign-in", username="wu.min", password=STRONG)
    assert browser.post("/sign-in/set-up", answer=answer).status_code == 422


@pytest.mark.parametrize(
    "roles, place, needed",
    [
        ((OPERATOR,), {}, True),
        ((PROVINCE_ADMIN,), {"province": "zhejiang"}, True),
        ((FINANCE,), {"city": "hangzhou"}, True),
        ((CATALOG_EDITOR, FINANCE), {"city": "hangzhou"}, True),
        ((CITY_ADMIN,), {"city": "hangzhou"}, True),
        ((CATALOG_EDITOR,), {"city": "hangzhou"}, False),
        (("desk:utility_bills",), {"city": "hangzhou"}, False),
        ((AUDITOR,), {"city": "hangzhou"}, False),
    ],
)
def test_some_roles_need_a_second_factor(
    world: World, roles: tuple[str, ...], place: dict[str, str], needed: bool
) -> None:
    """Whoever may move money, hand out accounts or set secrets sets one up before anything opens:
    operator, province admin, city admin, finance; others may."""
    make(world, "wu.min", *roles, **place)
    browser, answer = enter(world, "wu.min")
    assert (answer.headers["Location"] == "/sign-in/set-up") is needed
    assert (browser.get("/account").status_code == 200) is not needed
    if needed:
        _secret, codes = set_up(world, browser)
        assert len(codes) == 10
        assert browser.get("/account").status_code == 200


def test_a_code_is_good_once_and_for_a_minute(world: World) -> None:
    """The app's code opens; the same code again does not; nor an old one; nor a guess."""
    make(world, "wu.min", OPERATOR)
    browser, _answer = enter(world, "wu.min")
    secret, _codes = set_up(world, browser)
    world.clock.move(minutes=2)
    code = code_at(world, secret)
    second, answer = enter(world, "wu.min")
    assert answer.headers["Location"] == "/sign-in/second"
    assert second.get("/platform").headers["Location"].startswith("/sign-in")
    assert second.post("/sign-in/second", code="000000").status_code == 422
    assert second.post("/sign-in/second", code=code).status_code == 302
    assert second.get("/platform").status_code == 200
    third, _answer = enter(world, "wu.min")
    assert third.post("/sign-in/second", code=code).status_code == 422
    world.clock.move(minutes=5)
    assert third.post("/sign-in/second", code=code).status_code == 422


def test_a_recovery_code_stands_in_once(world: World) -> None:
    """For a lost telephone; written down, each of the ten is good once."""
    make(world, "wu.min", OPERATOR)
    browser, _answer = enter(world, "wu.min")
    _secret, codes = set_up(world, browser)
    second, _answer = enter(world, "wu.min")
    assert second.post("/sign-in/second", code=codes[0]).status_code == 302
    third, _answer = enter(world, "wu.min")
    assert third.post("/sign-in/second", code=codes[0]).status_code == 422
    assert third.post("/sign-in/second", code=codes[1].upper()).status_code == 302


def test_the_way_past_the_second_factor_is_shut(world: World) -> None:
    """With a factor set, setting up another needs the one that is there."""
    make(world, "wu.min", OPERATOR)
    browser, _answer = enter(world, "wu.min")
    set_up(world, browser)
    second, _answer = enter(world, "wu.min")
    for path in ("/sign-in/set-up", "/account", "/account/factors", "/platform", "/platform/staff"):
        assert second.get(path).status_code in (302, 403), path
    assert second.post("/sign-in/set-up", "/sign-in/second", code="1").status_code == 403


def test_half_way_sessions_end_soon(world: World) -> None:
    """Fifteen minutes between the password and the second factor, then from the beginning."""
    make(world, "wu.min", OPERATOR)
    browser, _answer = enter(world, "wu.min")
    world.clock.move(minutes=16)
    assert browser.get("/sign-in/set-up").status_code == 403
    assert len(db.session.scalars(select(StaffSession)).all()) == 1


def test_a_passkey_is_registered_once(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """One credential, whoever brings it again: the same account, or another (WebAuthn, 7.1)."""
    made = SimpleNamespace(credential_public_key=b"k", credential_id=b"id", sign_count=0)
    monkeypatch.setattr(
        second_factors.webauthn, "verify_registration_response", lambda **ignored: made
    )
    first, second = make(world, "wu.min", OPERATOR), make(world, "li.lei", OPERATOR)
    second_factors.add_passkey(first, {}, "YQ", "http://x", "x", world.clock())
    for member in (first, second):
        with pytest.raises(Invalid):
            second_factors.add_passkey(member, {}, "YQ", "http://x", "x", world.clock())
    assert [len(second_factors.factors_of(member)) for member in (first, second)] == [1, 0]
