"""Staff: invited, signed in with a second factor, held to their roles, out at once when closed."""

from __future__ import annotations

import re
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
from argon2 import PasswordHasher
from sqlalchemy import select

from smartcity_saas.app import create_app
from smartcity_saas.audit import AuditEvent, trail_of
from smartcity_saas.database import db
from smartcity_saas.errors import Invalid, NotAllowed, NotFound, Throttled
from smartcity_saas.identity.staff import second_factors
from smartcity_saas.identity.staff.accounts import (
    WrongPassword,
    change_password,
    change_roles,
)
from smartcity_saas.identity.staff.models import Staff, StaffInvitation, StaffSession
from smartcity_saas.identity.staff.passwords import refuse_weak
from smartcity_saas.identity.staff.roles import (
    AUDITOR,
    CATALOG_EDITOR,
    CITY_ADMIN,
    FINANCE,
    OPERATOR,
    PERMISSIONS,
    PROVINCE_ADMIN,
    ROLES,
    StaffMember,
)
from smartcity_saas.identity.staff.sessions import (
    MOST_TRIES_FROM_ADDRESS,
    MOST_TRIES_OF_ACCOUNT,
    prove,
    session_of,
    sign_in,
)
from smartcity_saas.web.policy import Caller
from tests.support.api_client import Office
from tests.support.browser import Browser, fresh
from tests.support.staff import (
    STRONG,
    code_at,
    cookie_of,
    enter,
    invite,
    link_of,
    make,
    path_of,
    set_up,
)
from tests.support.world import PASSWORD, World


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


def test_a_code_that_was_not_typed_is_no_try(world: World) -> None:
    """Promise: whoever sends an empty field is asked for the code, however often, and it counts as
    no wrong one; where a factor is set up as where one comes in."""
    make(world, "wu.min", OPERATOR)
    browser, _answer = enter(world, "wu.min")
    assert "Write the six digits that the app shows" in browser.post("/sign-in/set-up").text
    secret, _codes = set_up(world, browser)
    second, _answer = enter(world, "wu.min")
    for typed in ("", "  ") * 8:
        answer = second.post("/sign-in/second", code=typed)
        assert answer.status_code == 422
        assert "Write the six digits of the app, or a recovery code" in answer.text
    world.clock.move(minutes=2)
    assert second.post("/sign-in/second", code=code_at(world, secret)).status_code == 302


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


def test_nobody_gives_more_than_they_hold(world: World) -> None:
    """Not upwards, not sideways: neither by inviting nor by changing roles."""
    city, province = world.city_staff("hangzhou"), world.province_admin("zhejiang")
    for role, more in ((OPERATOR, {}), (PROVINCE_ADMIN, {"at": "zhejiang"})):
        assert invite(world, city, "/cities/hangzhou/staff", role, **more).status_code in (403, 422)
    assert invite(world, province, "/provinces/zhejiang/staff", OPERATOR).status_code == 403
    assert (
        invite(world, province, "/provinces/zhejiang/staff", CITY_ADMIN, at="shanghai").status_code
        == 403
    )
    assert (
        invite(world, province, "/provinces/zhejiang/staff", CITY_ADMIN, at="ningbo").status_code
        == 200
    )
    assert db.session.scalars(select(StaffInvitation)).all().__len__() == 1
    make(world, "far.away", CITY_ADMIN, city="shanghai")
    actor = db.session.scalars(select(Staff).where(Staff.username == "staff-hangzhou")).one()
    member = StaffMember(actor.id, actor.username, "x", (CITY_ADMIN,), None, "hangzhou", True)
    with pytest.raises(NotFound):
        change_roles(member.actor, "far.away", [AUDITOR], world.clock)
    with pytest.raises(NotAllowed):
        change_roles(member.actor, "staff-hangzhou", [AUDITOR], world.clock)


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


def test_nobody_is_locked_out_by_others(world: World) -> None:
    """Guessing at a name from a hundred addresses stops new browsers; the one that has signed in
    before goes on."""
    make(world, "wu.min", CATALOG_EDITOR, city="hangzhou")
    browser, _answer = enter(world, "wu.min")
    browser.post("/sign-out", "/account")
    for number in range(MOST_TRIES_OF_ACCOUNT - 1):  # the one that came in counts
        with pytest.raises(WrongPassword):
            sign_in("wu.min", "wrong", f"198.51.100.{number}", world.clock)
    with pytest.raises(Throttled):
        sign_in("wu.min", STRONG, "203.0.113.9", world.clock)
    assert browser.post("/sign-in", username="wu.min", password=STRONG).status_code == 302


def test_a_colleague_behind_the_same_address_shuts_nobody_out(world: World) -> None:
    """One machine in the office guesses at a name, then at thirty: the browsers that others have
    come in by before go on, a new one waits."""
    make(world, "wu.min", CATALOG_EDITOR, city="hangzhou")
    known, _answer = enter(world, "wu.min")
    known.post("/sign-out", "/account")
    stranger = world.client("console.localhost")
    for name in ["wu.min"] * 6 + [f"name{number}" for number in range(MOST_TRIES_FROM_ADDRESS)]:
        stranger.post("/sign-in", username=name, password="wrong")
    assert enter(world, "wu.min")[1].status_code == 429
    assert known.post("/sign-in", username="wu.min", password=STRONG).status_code == 302


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
                sign_in("wu.min", "wrong", "192.0.2.1", world.clock, known_device=f"d{number}")
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
            sign_in("li.na", "wrong", f"198.51.100.{number}", world.clock)
    assert browser.post("/sign-in", username="li.na", password=STRONG).status_code == 429


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


def test_the_trail_says_who_managed_whom(world: World) -> None:
    """Inviting, changing roles and closing stand in it."""
    admin = world.city_staff("hangzhou")
    make(world, "wu.min", AUDITOR, city="hangzhou")
    admin.post("/cities/hangzhou/staff/wu.min/disable", "/cities/hangzhou/staff")
    assert "staff.disable" in [e.action for e in trail_of("hangzhou", 10)]


# One table of who may do what, walked.

PLACES: dict[str, dict[str, str]] = {
    "operator": {},
    "province_admin": {"province": "zhejiang"},
    **{name: {"city": "hangzhou"} for name, role in ROLES.items() if role.place == "city"},
}
UNDER = {"city": "hangzhou", "province": "zhejiang"}
BEYOND = {"city": "shanghai", "province": "shanghai"}
NEXT_DOOR = {"city": "ningbo", "province": "shanghai"}
"""Another city of the same province, and another province."""


def held(role: str) -> str:
    return "desk:utility_bills" if role == "desk" else role


def endpoints(world: World) -> list[tuple[Any, Any]]:
    """Every rule of the console that needs a permission, with its policy."""
    policies = world.app.policies
    return [
        (rule, policies[rule.endpoint])
        for rule in world.app.url_map.iter_rules()
        if rule.host == "console" and policies[rule.endpoint].permission
    ]


@pytest.mark.parametrize("role", ROLES)
def test_every_endpoint_with_every_role(world: World, role: str) -> None:
    """Default-deny: whoever lacks the permission gets 403, never a page and never a fault; a place
    beyond one's reach answers as if it did not exist; what the table allows is let through."""
    world.staff("walker", held(role), **PLACES[role])
    browser = world.client("console.localhost")
    browser.post("/sign-in", username="walker", password=PASSWORD)
    csrf = browser.token("/account")
    account = db.session.scalars(select(Staff).where(Staff.username == "walker")).one()
    member = StaffMember(
        account.id, "walker", "x", (held(role),), account.province, account.city, True
    )
    from tests.support.browser import fresh

    for rule, policy in endpoints(world):
        for method in sorted(rule.methods - {"HEAD", "OPTIONS"}):
            at_city = ROLES[role].place == "city"
            for where, within in (
                (UNDER, True),
                (BEYOND, False),
                *(((NEXT_DOOR, False),) if at_city else ()),
            ):
                if not within and not {"city", "province"} & rule.arguments:
                    continue
                answer = fresh(
                    browser.client.open,
                    path_of(world, rule, where),
                    method=method,
                    base_url="http://console.localhost",
                    data={"csrf_token": csrf} if method == "POST" else None,
                )
                allowed = member.may(
                    policy.permission, service=policy.service, reading=method == "GET"
                )
                reached = within or role == OPERATOR
                what = f"{role} {method} {rule.rule} {'within' if within else 'beyond'}"
                assert answer.status_code < 500, what
                if not allowed:
                    assert answer.status_code == 403, what
                elif not reached:
                    assert answer.status_code == 404, what
                else:
                    assert answer.status_code != 403, what


@pytest.mark.parametrize("who", ["nobody", "half way", "a resident"])
def test_every_endpoint_with_nobody_s_session(world: World, who: str) -> None:
    """Nobody, somebody whose second factor is still to come, and a resident with the cookie of a
    city: each endpoint of the console that is somebody's leads to the sign-in, and no further."""
    browser = world.client("console.localhost")
    if who == "half way":
        make(world, "wu.min", OPERATOR)
        browser, _answer = enter(world, "wu.min")
    if who == "a resident":
        carry(world.resident("hangzhou"), browser)
    for rule, _policy in endpoints(world):
        for method in sorted(rule.methods - {"HEAD", "OPTIONS"}):
            answer = fresh(
                browser.client.open,
                path_of(world, rule, UNDER),
                method=method,
                base_url="http://console.localhost",
            )
            what = f"{who} {method} {rule.rule}"
            assert answer.status_code == 302, what
            assert answer.headers["Location"].startswith("/sign-in"), what


def carry(origin: Browser, to: Browser) -> None:
    """Bring the session's cookie of one site to another, as somebody would who has stolen it."""
    cookie = origin.client.get_cookie("session", domain=origin.host)
    assert cookie is not None
    to.client.set_cookie("session", cookie.value, domain=to.host)


@pytest.mark.parametrize("who", ["nobody", "a neighbour", "staff", "a client without a scope"])
def test_every_endpoint_of_a_city_with_nobody_s_session(world: World, who: str) -> None:
    """Nobody, a resident of the next city, staff of this one with the console's cookie, a back
    office whose token has another scope: what is a resident's leads to the sign-in or answers 401,
    what is a back office's 401 or 403, and nothing is a fault."""
    browser = world.client("hangzhou.localhost")
    headers = {}
    if who == "a neighbour":
        carry(world.resident("ningbo"), browser)
    if who == "staff":
        carry(world.operator(), browser)
    if who == "a client without a scope":
        headers = {"Authorization": f"Bearer {Office(world, 'hangzhou', 'bills:read').token}"}
    policies, walked = world.app.policies, 0
    world.app.config["API_LIMITS"] = {"client": 10**6, "resident": 10**6, "address": 10**6}
    for rule in world.app.url_map.iter_rules():
        policy = policies[rule.endpoint]
        if rule.host != "city" or policy.who == "everyone" or policy.scope == "bills:read":
            continue
        for method in sorted(rule.methods - {"HEAD", "OPTIONS"}):
            answer = fresh(
                browser.client.open,
                path_of(world, rule, {}),
                method=method,
                base_url="http://hangzhou.localhost",
                headers=headers,
            )
            what, walked = f"{who} {method} {rule.rule}: {answer.status_code}", walked + 1
            if policy.caller is Caller.API:
                scoped = policy.who == "client" and bool(headers)
                assert answer.status_code == (403 if scoped else 401), what
            else:
                assert answer.headers.get("Location", "").startswith("/sign-in"), what
    del world.app.config["API_LIMITS"]
    assert walked > 60


def test_an_auditor_changes_nothing(world: World) -> None:
    """Reads every page of the city, and every press is refused: the database is as before."""
    browser = world.staff("auditor", AUDITOR, city="hangzhou")
    for path in ("", "/payments", "/audit", "/document", "/utility-bills", "/staff"):
        found = browser.get(f"/cities/hangzhou{path}")
        assert found.status_code == 200, path
    before = world.documents().live("hangzhou").number
    for path in ("/services/utility-bills/close", "/staff", "/document", "/branding"):
        answer = browser.post(f"/cities/hangzhou{path}", "/account", revision="1")
        assert answer.status_code == 403, path
    assert world.documents().live("hangzhou").number == before


def test_an_editor_opens_and_closes_and_no_more(world: World) -> None:
    """The catalog and its undo, and not the rest of the document, whichever way it is tried."""
    editor = world.staff("editor", CATALOG_EDITOR, city="hangzhou")
    bills = "/cities/hangzhou/services/utility-bills"
    assert editor.post(f"{bills}/close", "/cities/hangzhou", revision="1").status_code == 302
    assert editor.post("/cities/hangzhou/history/2/undo", "/cities/hangzhou").status_code == 302
    admin = world.city_staff("hangzhou")
    admin.post("/cities/hangzhou/branding", revision="3", color="#8a1c1c")
    assert editor.post("/cities/hangzhou/history/4/undo", "/cities/hangzhou").status_code == 403


def test_a_desk_is_one_service_s(world: World) -> None:
    """Whoever holds the desk of bills does not see the desk of tickets."""
    desk = world.staff("desk", "desk:utility_bills", city="hangzhou")
    assert desk.get("/cities/hangzhou/utility-bills").status_code == 200
    assert desk.get("/cities/hangzhou/traffic-tickets").status_code == 403
    assert "traffic-tickets" not in desk.get("/cities/hangzhou/utility-bills").text


def test_every_permission_is_somebody_s() -> None:
    """And every role may look after its own account."""
    for name in PERMISSIONS:
        assert any(name in role.permissions for role in ROLES.values()), name
    assert all("own" in role.permissions for role in ROLES.values())


def test_half_way_sessions_end_soon(world: World) -> None:
    """Fifteen minutes between the password and the second factor, then from the beginning."""
    make(world, "wu.min", OPERATOR)
    browser, _answer = enter(world, "wu.min")
    world.clock.move(minutes=16)
    assert browser.get("/sign-in/set-up").status_code == 403
    assert len(db.session.scalars(select(StaffSession)).all()) == 1


@pytest.mark.parametrize("page", ["/account", "/account/prove", "/account/factors"])
def test_one_s_own_account_leads_back_to_work(world: World, page: str) -> None:
    """The navigation stays that of the place where the roles are held."""
    for browser, way in (
        (world.city_staff("hangzhou"), "/cities/hangzhou/document"),
        (world.province_admin(), "/provinces/zhejiang/document"),
        (world.operator(), "/platform/document"),
    ):
        assert f'href="{way}"' in browser.get(page).text


def test_strangers_guess_a_hundred_times_a_day(world: World) -> None:
    """From many addresses, window after window: then no more until the next day, though the right
    one were among them; a browser that the owner has come in by stays free, and another account
    is not touched."""
    make(world, "wu.min", OPERATOR)
    make(world, "li.lei", OPERATOR)

    def guess(n: int, password: str = "wrong", name: str = "wu.min", **how: Any) -> str:
        address = f"198.51.{n // 200}.{n % 200 + 1}"
        return sign_in(name, password, address, world.clock, **how)

    for n in range(100):
        with pytest.raises(WrongPassword):
            guess(n)
        world.clock.move(minutes=6 if n % 20 == 19 else 0)
    with pytest.raises(Throttled) as refused:
        guess(100, STRONG)
    assert refused.value.retry_after > 20 * 3600
    assert "hours" in str(refused.value.detail)
    assert guess(101, STRONG, known_device="mark")
    assert guess(102, STRONG, name="li.lei")
    world.clock.move(hours=24)
    assert guess(103, STRONG)


def test_the_owner_s_own_sign_ins_use_up_nothing(world: World) -> None:
    """Right passwords of new browsers are not counted within the day."""
    make(world, "wu.min", OPERATOR)
    for n in range(110):
        sign_in("wu.min", STRONG, "198.51.100.7", world.clock)
        world.clock.move(minutes=6 if n % 20 == 19 else 0)


def test_a_stolen_session_guesses_no_password_all_day(world: World) -> None:
    """Proving who one is, and changing a password, share a hundred wrong ones a day."""
    make(world, "wu.min", OPERATOR)
    token = sign_in("wu.min", STRONG, "198.51.100.7", world.clock)
    found = session_of(token, world.clock)
    assert found is not None
    for _n in range(20):
        for _try in range(5):
            with pytest.raises(WrongPassword):
                prove(found.member, "wrong", token, world.clock)
        world.clock.move(minutes=6)
    with pytest.raises(Throttled):
        prove(found.member, STRONG, token, world.clock)
    with pytest.raises(Throttled):
        change_password(found.member, "wrong", STRONG, token, world.clock)


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


def test_staff_see_their_sessions_and_end_them(world: World) -> None:
    """Promise: one's own sessions stand on a page with their devices; ending one, or all others,
    works at the next request; nobody ends another's, and the act stands in the trail."""
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
