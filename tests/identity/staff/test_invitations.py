"""Invitations of staff."""

from __future__ import annotations

from sqlalchemy import select

from smartcity_saas.database import db
from smartcity_saas.identity.staff.models import Staff, StaffInvitation
from smartcity_saas.identity.staff.roles import AUDITOR, CATALOG_EDITOR, CITY_ADMIN, OPERATOR
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


def test_an_invitation_makes_one_account(world: World) -> None:
    """City admin invites an editor: the link works once, roles and place are the invitation's."""
    admin = world.city_staff("hangzhou")
    link = link_of(invite(world, admin, "/cities/hangzhou/staff", CATALOG_EDITOR).text)
    guest = world.client("console.localhost")
    assert "Catalog editor" in guest.get(link).text
    weak = guest.post(link, username="li.na", password="password1234")
    assert weak.status_code == 422
    answer = guest.post(
        link, username="li.na", password=STRONG, roles=OPERATOR, city="shanghai", role="operator"
    )
    assert answer.status_code == 302, answer.text
    row = db.session.scalars(select(Staff).where(Staff.username == "li.na")).one()
    assert (row.roles, row.city, row.mail) == ([CATALOG_EDITOR], "hangzhou", "new@city.example")
    assert guest.get("/cities/hangzhou").status_code == 200
    assert world.client("console.localhost").get(link).status_code == 404


def test_an_invitation_ends(world: World) -> None:
    """After a week, and when it is taken back."""
    admin = world.city_staff("hangzhou")
    link = link_of(invite(world, admin, "/cities/hangzhou/staff", AUDITOR).text)
    assert world.client("console.localhost").get(link).status_code == 200
    key = db.session.scalars(select(StaffInvitation.id)).one()
    admin.post(f"/cities/hangzhou/staff/invitations/{key}/end", "/cities/hangzhou/staff")
    assert world.client("console.localhost").get(link).status_code == 404
    link = link_of(invite(world, admin, "/cities/hangzhou/staff", AUDITOR).text)
    world.clock.move(days=8)
    assert world.client("console.localhost").get(link).status_code == 404
