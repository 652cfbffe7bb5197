"""Invitations of staff."""

from __future__ import annotations

from smartcity_saas.identity.staff.roles import CITY_ADMIN
from tests.support.staff import STRONG, invite, link_of, make
from tests.support.world import World


def test_invitations_end_with_their_inviter(world: World) -> None:
    """Whoever is dismissed leaves no door open."""
    make(world, "bob.city", CITY_ADMIN, demo=True, city="hangzhou")
    browser = world.client("console.localhost")
    browser.post("/sign-in", username="bob.city", password=STRONG)
    link = link_of(invite(world, browser, "/cities/hangzhou/staff", CITY_ADMIN).text)
    assert world.client("console.localhost").get(link).status_code == 200
    world.city_staff("hangzhou").post(
        "/cities/hangzhou/staff/bob.city/disable", "/cities/hangzhou/staff"
    )
    assert world.client("console.localhost").get(link).status_code == 404
