"""Browsers that somebody signed in by before."""

from __future__ import annotations

import pytest

from smartcity_saas.errors import Throttled
from smartcity_saas.identity.staff.accounts import WrongPassword
from smartcity_saas.identity.staff.roles import CATALOG_EDITOR
from smartcity_saas.identity.staff.sessions import MOST_TRIES_OF_ACCOUNT, sign_in
from tests.support.staff import STRONG, enter, make
from tests.support.world import World


def test_a_known_browser_is_counted_too(world: World) -> None:
    """Whoever finds it on a desk guesses no more often than a stranger."""
    make(world, "wu.min", CATALOG_EDITOR, city="hangzhou")
    known, _answer = enter(world, "wu.min")
    known.post("/sign-out", "/account")
    tried = [
        known.post("/sign-in", username="wu.min", password="wrong").status_code for _n in range(6)
    ]
    assert tried == [422] * 5 + [429]


def test_marks_cannot_be_collected_to_guess_on(world: World) -> None:
    """All the browsers that are known by a name have a share together."""
    make(world, "wu.min", CATALOG_EDITOR, city="hangzhou")
    tried = 0
    with pytest.raises(Throttled):
        for number in range(200):
            with pytest.raises(WrongPassword):
                sign_in("wu.min", "wrong", "192.0.2.1", world.clock(), known_device=f"d{number}")
            tried += 1
    assert tried == MOST_TRIES_OF_ACCOUNT


def test_a_device_is_known_by_its_own_name_alone(world: World) -> None:
    """The mark of one account does not open the way to guess at another."""
    make(world, "wu.min", CATALOG_EDITOR, city="hangzhou")
    make(world, "li.na", CATALOG_EDITOR, city="hangzhou")
    browser, _answer = enter(world, "wu.min")
    browser.post("/sign-out", "/account")
    for number in range(MOST_TRIES_OF_ACCOUNT):
        with pytest.raises(WrongPassword):
            sign_in("li.na", "wrong", f"198.51.100.{number}", world.clock())
    assert browser.post("/sign-in", username="li.na", password=STRONG).status_code == 429
