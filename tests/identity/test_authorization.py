"""Authorization: every endpoint with every role and with nobody's session, under ``python -O`` too."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest
from sqlalchemy import select

from smartcity_saas.database import db
from smartcity_saas.identity.staff.models import Staff
from smartcity_saas.identity.staff.roles import (
    AUDITOR,
    CATALOG_EDITOR,
    OPERATOR,
    ROLES,
    StaffMember,
)
from smartcity_saas.web.policy import Caller
from tests.support.api_client import Office
from tests.support.browser import fresh
from tests.support.documents import HANGZHOU
from tests.support.forms import EVERY_SERVICE, FORM
from tests.support.paths import ROOT
from tests.support.staff import carry, enter, make, path_of
from tests.support.world import PASSWORD, World

WALKS = (
    "tests/identity/test_authorization.py::test_every_endpoint_of_a_city_with_nobody_s_session",
    "tests/identity/test_authorization.py::test_every_endpoint_with_nobody_s_session",
    "tests/identity/assisted_service/test_sessions.py::test_a_desk_acts_for_its_own_service",
)


NOT_BY_READING = {"/cities/<city>/applications/<form>/answers.csv"}
"""What is fetched and takes along more than a page shows: for whoever decides alone."""


@pytest.mark.processes
def test_who_may_is_asked_without_asserts() -> None:
    """The walks over every endpoint hold there too. pytest rewrites the tests' own assertions
    into statements, so those still count."""
    options = ("-q", "-k", "not postgresql", "-p", "no:cacheprovider", "-W", "default")
    run = subprocess.run(
        [sys.executable, "-O", "-m", "pytest", *options, *WALKS],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stdout[-2000:] + run.stderr[-2000:]
    assert " passed" in run.stdout


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
    found = [
        (rule, policies[rule.endpoint])
        for rule in world.app.url_map.iter_rules()
        if rule.host == "console" and policies[rule.endpoint].permission
    ]
    assert len(found) > 50
    return found


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
                    policy.permission,
                    service=policy.service,
                    reading=method == "GET" and rule.rule not in NOT_BY_READING,
                )
                reached = within or role == OPERATOR
                what = f"{role} {method} {rule.rule} {'within' if within else 'beyond'}"
                assert answer.status_code < 500, what
                if not allowed:
                    hidden = {404} if rule.rule in NOT_BY_READING and not reached else set()
                    assert answer.status_code in {403, *hidden}, what
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


@pytest.mark.parametrize("who", ["nobody", "a neighbour", "staff", "a client without a scope"])
def test_every_endpoint_of_a_city_with_nobody_s_session(world: World, who: str) -> None:
    """Nobody, a resident of the next city, staff of this one with the console's cookie, a back
    office whose token has another scope: what is a resident's leads to the sign-in or answers 401,
    what is a back office's 401 or 403, and nothing is a fault."""
    world.save(HANGZHOU + EVERY_SERVICE)
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
                path_of(world, rule, {"form": FORM}),
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
