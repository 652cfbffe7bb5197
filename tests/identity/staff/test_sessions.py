"""Sessions of staff: begun at the sign-in, seen, ended everywhere at once."""

from __future__ import annotations

import re
from dataclasses import replace

from sqlalchemy import select

from smartcity_saas.app import create_app
from smartcity_saas.audit import AuditEvent
from smartcity_saas.database import db
from smartcity_saas.identity.staff.roles import AUDITOR, CATALOG_EDITOR, OPERATOR
from tests.support.staff import STRONG, cookie_of, enter, make, set_up
from tests.support.world import PASSWORD, World


def test_a_cookie_from_before_signing_in_is_worth_nothing(world: World) -> None:
    """Fixation: neither the cookie from before the password nor the one from before the second
    factor, copied to another browser, is anybody afterwards."""
    make(world, "wu.min", OPERATOR)
    browser = world.client("console.localhost")
    browser.get("/sign-in")
    before = [cookie_of(browser)]
    browser.post("/sign-in", username="wu.min", password=STRONG)
    before.append(cookie_of(browser))
    set_up(world, browser)
    assert browser.get("/platform").status_code == 200
    for old in before:
        thief = world.client("console.localhost")
        thief.client.set_cookie("session", old, domain=thief.host)
        assert thief.get("/platform").headers["Location"].startswith("/sign-in")
        assert thief.get("/sign-in/second").status_code == 403


def test_closing_an_account_ends_its_sessions_everywhere(world: World) -> None:
    """Disabled, given other roles, or without its factor: out at the next request."""
    admin = world.city_staff("hangzhou")
    for username, act, data in (
        ("a.one", "disable", {}),
        ("b.two", "roles", {"roles": AUDITOR}),
        ("c.three", "reset-factors", {}),
    ):
        make(world, username, CATALOG_EDITOR, city="hangzhou")
        theirs, _answer = enter(world, username)
        assert theirs.get("/cities/hangzhou").status_code == 200
        answer = admin.post(
            f"/cities/hangzhou/staff/{username}/{act}", "/cities/hangzhou/staff", **data
        )
        assert answer.status_code == 302, answer.text
        assert theirs.get("/cities/hangzhou").status_code == 302, act
    assert enter(world, "a.one")[1].status_code == 422
    admin.post("/cities/hangzhou/staff/a.one/enable", "/cities/hangzhou/staff")
    assert enter(world, "a.one")[1].status_code == 302


def test_a_closed_account_is_out_at_every_process(world: World) -> None:
    """Disabled at one, refused at the next request by another that serves the same database."""
    admin = world.city_staff("hangzhou")
    make(world, "a.one", CATALOG_EDITOR, city="hangzhou")
    theirs, _answer = enter(world, "a.one")
    other = create_app(world.app.product.settings, clock=world.clock, serving=False)
    there = replace(world, app=other).client("console.localhost")
    there.client.set_cookie("session", cookie_of(theirs), domain=there.host)
    try:
        assert there.get("/cities/hangzhou").status_code == 200
        admin.post("/cities/hangzhou/staff/a.one/disable", "/cities/hangzhou/staff")
        assert there.get("/cities/hangzhou").headers["Location"].startswith("/sign-in")
    finally:
        with other.app_context():
            db.engine.dispose()


def test_staff_see_their_sessions_and_end_them(world: World) -> None:
    """Promise: one's own sessions stand on a page with their devices; ending one, or all others,
    works at the next request; nobody ends another's, and the act stands in the audit log."""
    mine = world.city_staff()
    other = world.client("console.localhost")
    answer = other.post("/sign-in", username="staff-hangzhou", password=PASSWORD)
    assert answer.status_code == 302
    stranger = world.province_admin()
    page = mine.get("/account/sessions").text
    marks = re.findall(r'name="session" value="([0-9a-f]{64})"', page)
    assert len(marks) == 1, "its own session has no button"
    stranger.post("/account/sessions/end", "/account", session=marks[0])
    assert other.get("/cities/hangzhou").status_code == 200
    mine.post("/account/sessions/end", "/account", session=marks[0])
    assert other.get("/cities/hangzhou").headers["Location"].startswith("/sign-in")
    assert mine.get("/cities/hangzhou").status_code == 200
    third = world.client("console.localhost")
    third.post("/sign-in", username="staff-hangzhou", password=PASSWORD)
    mine.post("/account/sessions/end", "/account")
    assert third.get("/cities/hangzhou").status_code == 302
    assert mine.get("/account/sessions").status_code == 200
    acts = db.session.scalars(select(AuditEvent.action)).all()
    assert acts.count("staff.end_sessions") == 2
