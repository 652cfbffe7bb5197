"""Staff: invited, signed in, with a second factor."""

from __future__ import annotations

import re
from typing import Any

import pyotp

from smartcity_saas.audit import system
from smartcity_saas.identity.staff.accounts import create_staff
from smartcity_saas.identity.staff.roles import StaffMember
from tests.support.browser import Browser, fresh
from tests.support.world import World

STRONG = "four blue herons walk"


def make(world: World, username: str, *roles: str, demo: bool = False, **place: str) -> StaffMember:
    return create_staff(
        system("test"),
        username,
        username.title(),
        roles,
        STRONG,
        demo=demo,
        now=world.clock(),
        **place,
    )


def enter(world: World, username: str, password: str = STRONG) -> tuple[Browser, Any]:
    browser = world.client("console.localhost")
    return browser, browser.post("/sign-in", username=username, password=password)


def secret_of(page: str) -> str:
    found = re.search(r"<code>([A-Z2-7]{32})</code>", page)
    assert found, page
    return found[1]


def code_at(world: World, secret: str) -> str:
    return pyotp.TOTP(secret).at(world.clock())


def set_up(world: World, browser: Browser) -> tuple[str, list[str]]:
    """Set up an app; returns its secret and the recovery codes."""
    secret = secret_of(browser.get("/sign-in/set-up").text)
    assert browser.get("/sign-in/code.svg").status_code == 200
    page = browser.post("/sign-in/set-up", code=code_at(world, secret)).text
    return secret, re.findall(r"<code>([0-9a-f]{8}-[0-9a-f]{8})</code>", page)


def cookie_of(browser: Browser) -> str:
    """The session's cookie as the browser holds it now."""
    found = browser.client.get_cookie("session", domain=browser.host)
    assert found is not None
    return found.value


def invite(world: World, inviter: Browser, root: str, *roles: str, **more: str) -> Any:
    token = inviter.token(root)
    data = {
        "csrf_token": token,
        "mail": "new@city.example",
        "name": "新人",
        "roles": list(roles),
        **more,
    }
    return fresh(
        inviter.client.post,
        root,
        base_url="http://console.localhost",
        data=data,
        headers={"Accept-Language": "en"},
    )


def link_of(page: str) -> str:
    found = re.search(r"http://console\.localhost(/invitations/[\w-]+)", page)
    assert found, page
    return found[1]


def path_of(world: World, rule: Any, where: dict[str, str]) -> str:
    """An address of a rule at a place; what else it names does not exist."""
    nothing = "00000000-0000-7000-8000-000000000000"
    stand_ins = {"uuid": nothing, "int": "999999", "string": "nothing"}
    path = rule.rule
    for name in rule.arguments:
        found = re.search(rf"<(?:(\w+)(?:\(([^)]*)\))?:)?{name}>", path)
        assert found
        known = found[2].split(",")[0] if found[1] == "any" else None
        value = where.get(name) or known or stand_ins.get(found[1] or "string", "nothing")
        path = path.replace(found[0], value)
    return str(path)


def carry(origin: Browser, to: Browser) -> None:
    """Bring the session's cookie of one site to another, as somebody would who has stolen it."""
    cookie = origin.client.get_cookie("session", domain=origin.host)
    assert cookie is not None
    to.client.set_cookie("session", cookie.value, domain=to.host)
