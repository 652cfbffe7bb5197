"""Passwords of staff: strong, hashed at full cost, not to be guessed."""

from __future__ import annotations

import pytest
from argon2 import PasswordHasher

from smartcity_saas.errors import Invalid, Throttled
from smartcity_saas.identity.staff.accounts import WrongPassword, change_password
from smartcity_saas.identity.staff.passwords import refuse_weak
from smartcity_saas.identity.staff.roles import AUDITOR, CATALOG_EDITOR, OPERATOR
from smartcity_saas.identity.staff.sessions import prove, session_of, sign_in
from tests.support.staff import STRONG, enter, make
from tests.support.world import World


def test_the_old_password_cannot_be_guessed(world: World) -> None:
    """Whoever finds a browser open has five tries."""
    make(world, "wu.min", AUDITOR, city="hangzhou")
    browser = world.client("console.localhost")
    browser.post("/sign-in", username="wu.min", password=STRONG)
    said = [
        browser.post(
            "/account/password", "/account", old_password="no", new_password="x" * 20
        ).status_code
        for _try in range(7)
    ]
    assert said[:5] == [422] * 5
    assert said[5:] == [429] * 2


@pytest.mark.parametrize(
    "password",
    [
        "short",
        "password1234",
        "aaaaaaaaaaaa",
        "smart-city-demo",
        "qwertyuiopqwertyuiop",
        "wu.min-wu.min",
    ],
)
def test_weak_passwords_are_refused(password: str) -> None:
    """Short, common, doubled, one's own name: no rules of composition besides."""
    with pytest.raises(Invalid):
        refuse_weak(password, "wu.min", "吴敏")


@pytest.mark.parametrize(
    "password", ["four blue herons walk", "湖上的风吹过四座桥和一条长堤", "x7Kq-pp02-mmZt"]
)
def test_good_passwords_are_taken(password: str) -> None:
    """Long enough is good enough, in any script."""
    refuse_weak(password, "wu.min", "吴敏")


def test_passwords_are_hashed_with_argon2id_at_full_cost(product_hasher: PasswordHasher) -> None:
    """As OWASP's password storage cheat sheet asks at least: 19 MiB, twice over."""
    assert product_hasher.hash("x").startswith("$argon2id$")
    assert product_hasher.memory_cost >= 19 * 1024
    assert product_hasher.time_cost >= 2


def test_changing_the_password_signs_out_elsewhere(world: World) -> None:
    """The browser in hand stays; others are out; the old password opens nothing."""
    make(world, "wu.min", CATALOG_EDITOR, city="hangzhou")
    here, _a = enter(world, "wu.min")
    there, _a = enter(world, "wu.min")
    assert (
        here.post(
            "/account/password", "/account", old_password="no", new_password=STRONG + "s"
        ).status_code
        == 422
    )
    assert (
        here.post(
            "/account/password", "/account", old_password=STRONG, new_password=STRONG + "s"
        ).status_code
        == 302
    )
    assert here.get("/account").status_code == 200
    assert there.get("/account").status_code == 302
    assert enter(world, "wu.min")[1].status_code == 422


def test_a_stolen_session_guesses_no_password_all_day(world: World) -> None:
    """Proving who one is, and changing a password, share a hundred wrong ones a day."""
    make(world, "wu.min", OPERATOR)
    token = sign_in("wu.min", STRONG, "198.51.100.7", world.clock())
    found = session_of(token, world.clock())
    assert found is not None
    for _n in range(20):
        for _try in range(5):
            with pytest.raises(WrongPassword):
                prove(found.member, "wrong", token, world.clock())
        world.clock.move(minutes=6)
    with pytest.raises(Throttled):
        prove(found.member, STRONG, token, world.clock())
    with pytest.raises(Throttled):
        change_password(found.member, "wrong", STRONG, token, world.clock())
