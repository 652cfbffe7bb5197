"""Passwords of staff: strong, hashed at full cost, not to be guessed."""

from __future__ import annotations

from smartcity_saas.identity.staff.roles import AUDITOR
from tests.support.staff import STRONG, make
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
