"""A session that ended while a page was open."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import pytest

from smartcity_saas.web.policy import Caller, Policy
from tests.support.browser import fresh
from tests.support.documents import HANGZHOU
from tests.support.forms import EVERY_SERVICE, FORM
from tests.support.world import World

FORMS = [
    ("hangzhou.localhost", "/services/utility-bills/pay", "/services/utility-bills/water"),
    ("hangzhou.localhost", "/services/traffic-tickets/pay", "/services/traffic-tickets?x=1&y=2"),
    ("hangzhou.localhost", "/services/utility-bills/link", "/services/utility-bills/link?kind=gas"),
    ("hangzhou.localhost", "/me/verify/phone", "/me/verify/phone?next=/services"),
    ("console.localhost", "/cities/hangzhou/branding", "/cities/hangzhou/branding"),
    ("console.localhost", "/cities/hangzhou/services/utility_bills/close", "/cities/hangzhou"),
]


@pytest.mark.parametrize("host, path, stood_on", FORMS)
def test_whoever_was_signed_out_comes_back_to_the_page_of_the_form(
    world: World, host: str, path: str, stood_on: str
) -> None:
    """Promise: a form sent after the session ended leads through signing in back to its page, with
    its query, and says that nothing was sent; never to an address that only takes forms."""
    browser = world.client(host)
    token = browser.token("/sign-in" if host.startswith("console") else "/services/traffic-tickets")
    answer = fresh(
        browser.client.post,
        path,
        base_url=f"http://{host}",
        headers={"Referer": f"http://{host}{stood_on}"},
        data={"csrf_token": token},
    )
    assert answer.status_code == 302
    parts = urlsplit(answer.headers["Location"])
    assert (parts.path, parse_qs(parts.query)["next"]) == ("/sign-in", [stood_on])
    assert "nothing was" in browser.get(answer.headers["Location"]).text


def test_every_form_of_a_resident_leads_back_to_a_page(world: World) -> None:
    """Promise, over every address that takes a form: where one comes back to can be fetched."""
    browser = world.client("hangzhou.localhost")
    token = browser.token("/services/traffic-tickets")
    policies: dict[str, Policy] = world.app.policies
    adapter = world.app.url_map.bind("city")
    seen = 0
    world.save(HANGZHOU + EVERY_SERVICE)
    for rule in world.app.url_map.iter_rules():
        policy = policies.get(rule.endpoint)
        if policy is None or rule.host != "city" or "POST" not in (rule.methods or ()):
            continue
        if policy.who != "resident" or policy.caller is Caller.API:
            continue
        key = "00000000-0000-7000-8000-000000000000"
        named = {**dict.fromkeys(rule.arguments, key), "form": FORM, "step": 1}
        named = {one: named[one] for one in rule.arguments}
        path = adapter.build(rule.endpoint, named, method="POST")
        path = urlsplit(path).path
        answer = fresh(
            browser.client.post,
            path,
            base_url="http://hangzhou.localhost",
            headers={"Referer": "http://evil.example/me"},
            data={"csrf_token": token},
        )
        back = urlsplit(parse_qs(urlsplit(answer.headers["Location"]).query)["next"][0])
        assert adapter.test(back.path, "GET"), (path, back)
        assert not back.netloc
        seen += 1
    assert seen > 20


def test_signing_in_and_out(world: World) -> None:
    """A sample resident comes in, sees their page, and leaves; then it is closed again."""
    browser = world.resident()
    assert "示例住户甲" in browser.get("/me").text
    assert browser.get("/me").headers["Cache-Control"] == "no-store"
    assert browser.post("/sign-out", "/me").status_code == 302
    assert browser.get("/me").status_code == 302


def test_a_cookie_of_one_city_is_nothing_at_another(world: World) -> None:
    """The same cookie bytes, sent to another city or the console, sign nobody in."""
    browser = world.resident("hangzhou")
    cookie = browser.client.get_cookie("session", domain="hangzhou.localhost")
    assert cookie is not None
    for host in ("shanghai.localhost", "console.localhost"):
        thief = world.client(host)
        thief.client.set_cookie("session", cookie.value, domain=host)
        assert thief.get("/me" if host != "console.localhost" else "/").status_code in (302, 404)
        assert (
            "sign-in"
            in thief.get("/me" if host != "console.localhost" else "/").headers["Location"]
        )
    assert "Domain" not in str(browser.get("/sign-in").headers)


@pytest.mark.parametrize(
    "target",
    [
        "//evil.example",
        "https://evil.example",
        "/\\evil.example",
        "\\\\evil",
        "javascript:x",
        "/\tx",
    ],
)
def test_signing_in_leads_nowhere_else(world: World, target: str) -> None:
    """``next`` stays on this site."""
    browser = world.client("hangzhou.localhost")
    answer = browser.post("/sign-in/demo", "/sign-in", subject="household", next=target)
    assert answer.headers["Location"] == "/me"
