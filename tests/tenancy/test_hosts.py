"""From the Host header to a city, and nothing else: unknown, malformed, forwarded."""

from __future__ import annotations

import ipaddress
import re
from typing import Any

import pytest
from werkzeug.test import Client

from smartcity_saas.audit import system
from smartcity_saas.credentials import store_credential
from smartcity_saas.web.security import TrustedProxies
from tests.support.browser import fresh
from tests.support.documents import HANGZHOU
from tests.support.world import World

LOOPBACK = {"REMOTE_ADDR": "127.0.0.1"}


def ask(world: World, host: str, path: str = "/", **environ: Any) -> Any:
    overrides = {"REMOTE_ADDR": "127.0.0.1", "HTTP_HOST": host, **environ}
    return fresh(
        world.app.test_client().get,
        path,
        environ_overrides=overrides,
        environ_base={"HTTP_ACCEPT_LANGUAGE": "en"},
    )


@pytest.mark.parametrize(
    "host",
    [
        "hangzhou.localhost",
        "HANGZHOU.LocalHost",
        "hangzhou.localhost.",
        "hangzhou.localhost:8000",
        "city.hangzhou.example",
        "City.Hangzhou.Example.:443",
    ],
)
def test_a_citys_hosts_lead_to_it(world: World, host: str) -> None:
    """Case, a trailing dot and a port do not matter; its own host works like the platform's."""
    answer = ask(world, host)
    assert answer.status_code == 200
    assert "Hangzhou" in answer.text


@pytest.mark.parametrize(
    "host", ["nowhere.localhost", "hangzhou.example", "127.0.0.1:8000", "[::1]:8000", "hangzhou"]
)
def test_an_unknown_host_names_no_city(world: World, host: str) -> None:
    """404, no default city, no city's name on the page; probes still answer."""
    answer = ask(world, host)
    assert answer.status_code == 404
    for name in ("Hangzhou", "hangzhou", "杭州", "Ningbo", "Shanghai"):
        assert name not in answer.text
    assert ask(world, host, "/healthz").status_code == 200
    assert ask(world, host, "/readyz").status_code == 200


@pytest.mark.parametrize(
    "host",
    [
        "",
        " ",
        "hangzhou.localhost,shanghai.localhost",
        "hangzhou.localhost shanghai.localhost",
        "hangzhou.localhost/",
        "user@hangzhou.localhost",
        "hangzhou..localhost",
        "-x.localhost",
        "hangzhou.localhost:80x",
        "ｈａｎｇｚｈｏｕ.localhost".encode().decode("latin-1"),
        "a" * 300,
        "[::1",
        "hangzhou_.localhost",
    ],
)
def test_a_malformed_host_is_a_bad_request(world: World, host: str) -> None:
    """Empty, doubled, with a path, user, space or folding characters: 400, also for probes."""
    answer = ask(world, host)
    assert answer.status_code == 400
    assert "Hangzhou" not in answer.text


def test_a_missing_host_is_a_bad_request(world: World) -> None:
    """HTTP/1.0 without a Host gets no city either."""

    def without_host(environ: dict[str, Any], start_response: Any) -> Any:
        environ.pop("HTTP_HOST", None)
        return world.app(environ, start_response)

    answer = fresh(Client(without_host).get, "/", environ_base=LOOPBACK)
    assert answer.status_code == 400


FORWARDED = {"HTTP_X_FORWARDED_HOST": "shanghai.localhost", "HTTP_X_FORWARDED_FOR": "203.0.113.9"}


def test_forwarded_headers_count_from_configured_proxies_only(world: World) -> None:
    """A client cannot choose its address by a header; a named proxy can. The city is chosen by
    ``Host`` alone, whoever says something else."""
    assert "Hangzhou" in ask(world, "hangzhou.localhost", **FORWARDED).text
    direct = world.app.wsgi_app
    world.app.wsgi_app = TrustedProxies(direct.direct, (ipaddress.ip_network("10.0.0.0/8"),))
    try:
        loopback = {**FORWARDED, "HTTP_X_FORWARDED_FOR": "127.0.0.1"}
        trusted = ask(world, "hangzhou.localhost", REMOTE_ADDR="10.1.2.3", **loopback)
        assert "Hangzhou" in trusted.text
        assert "Hangzhou" in ask(world, "hangzhou.localhost", **FORWARDED).text
    finally:
        world.app.wsgi_app = direct


def test_the_demo_serves_this_machine_alone(world: World) -> None:
    """Its passwords are public: however it is started, another machine gets nothing."""
    assert ask(world, "hangzhou.localhost", REMOTE_ADDR="192.0.2.7").status_code == 403


def test_a_draft_is_not_there_until_it_is_live(world: World) -> None:
    """A draft answers as an unknown host does, except by a single-use preview, for reading."""
    draft = HANGZHOU.replace("hangzhou", "wenzhou").replace("330100", "330300")
    draft = draft.replace("state: live", "state: draft").replace("杭州", "温州")
    weibo = "channels:\n  weibo: {client_id: '1', client_secret: {credential: weibo_app_secret}}\n"
    world.save(draft + weibo)
    with world.inside("wenzhou"):
        keyring, actor = world.app.product.keyring, system("test")
        store_credential(keyring, actor, "weibo_app_secret", "of the test", world.clock())
    unknown = ask(world, "nowhere.localhost").text
    assert ask(world, "wenzhou.localhost").text == unknown
    assert ask(world, "wenzhou.localhost", "/services").status_code == 404
    for path in ("/nothing", "/privacy", "/accessibility", "/announcements", "/sign-in"):
        assert ask(world, "wenzhou.localhost", path).text == unknown, path
    assert ask(world, "wenzhou.localhost", "/brand/x.css").status_code == 404
    for path in ("/", "/?lang=en", "/sign-in/weibo"):
        hidden, nobody = (ask(world, f"{h}.localhost", path) for h in ("wenzhou", "nowhere"))
        assert (hidden.status_code, dict(hidden.headers)) == (404, dict(nobody.headers)), path
    console = world.province_admin()
    page = console.post("/cities/wenzhou/preview-link", "/cities/wenzhou")
    path = "/preview/" + page.text.split("/preview/")[1].split('"')[0]
    browser = world.client("wenzhou.localhost")
    assert browser.get(path).status_code == 302
    assert browser.get("/").status_code == 200
    assert "Weibo" in browser.get("/sign-in").text
    for path_that_writes in ("/sign-in/weibo", "/sign-in/weibo/callback?state=x&code=y"):
        assert browser.get(path_that_writes).status_code == 404
    assert browser.post("/sign-in/demo", "/sign-in", subject="household").status_code == 404
    assert world.client("wenzhou.localhost").get(path).status_code == 404
    assert world.client("hangzhou.localhost").get(path).status_code == 404


def test_a_suspended_city_says_so_and_keeps_what_residents_have(world: World) -> None:
    """New business stops with a branded page; one's own page still opens."""
    browser = world.resident("hangzhou")
    world.documents().change("hangzhou", 1, "", {("state",): "suspended"})
    world.app.registry.refresh()
    answer = browser.get("/")
    assert answer.status_code == 503
    assert "Hangzhou" in answer.text
    assert "12345" in answer.text
    assert browser.get("/me").status_code == 200
    assert browser.get("/privacy").status_code == 200


@pytest.mark.parametrize(
    "path", ["//evil.example", "/%09/evil.example", "/%5Cevil.example", "/%0a/x"]
)
@pytest.mark.parametrize("host", ["hangzhou.localhost", "localhost", "console.localhost"])
def test_choosing_a_language_leads_nowhere_else(world: World, host: str, path: str) -> None:
    """No address makes a redirect to another site, and none makes a fault."""
    answer = ask(world, host, f"{path}?lang=en")
    location = answer.headers.get("Location", "/")
    assert answer.status_code < 500
    assert location.startswith("/")
    assert not location.startswith(("//", "/\\"))


METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT", "BREW")
HEADERS: dict[str, dict[str, str]] = {
    "none": {},
    "json": {"Accept": "application/json"},
    "chinese": {"Accept-Language": "zh-CN"},
    "bearer": {"Authorization": "Bearer x"},
    "origin": {"Origin": "http://evil.example", "Access-Control-Request-Method": "POST"},
    "override": {"X-HTTP-Method-Override": "DELETE", "X-Forwarded-Host": "hangzhou.localhost"},
    "cookies": {"Cookie": "session=x.y.z; device=x; preview=x; lang=en; text=large"},
    "key": {"Idempotency-Key": "x", "Content-Type": "application/json"},
    "conditional": {"If-None-Match": "*", "Range": "bytes=0-1"},
    "webhook": {"Stripe-Signature": "t=1,v1=x"},
    "phone": {"User-Agent": "MicroMessenger/8"},
}


def draft_city(world: World) -> None:
    """Wenzhou, a draft with a channel that wants a secret."""
    draft = HANGZHOU.replace("hangzhou", "wenzhou").replace("330100", "330300")
    world.save(draft.replace("state: live", "state: draft").replace("杭州", "温州"))


def answers(world: World, path: str, method: str, headers: dict[str, str]) -> list[Any]:
    """What an unknown host and a draft's answer, as far as it can be seen; the second in which
    each was asked is blanked."""
    found = []
    for host in ("nowhere.localhost", "wenzhou.localhost"):
        answer = fresh(
            world.app.test_client().open,
            path,
            method=method,
            base_url=f"http://{host}",
            headers=headers,
        )
        headers_seen = [(name, "" if name == "Date" else value) for name, value in answer.headers]
        found.append((answer.status_code, headers_seen, answer.data.replace(b"wenzhou", b"")))
    return found


def test_no_method_and_no_path_tells_a_draft_from_nothing(world: World) -> None:
    """Every rule of every site, and what stands at none, by every method: the draft's host gives
    the very bytes and headers of an unknown one."""
    draft_city(world)
    paths = {re.sub(r"<[^>]+>", "x", rule.rule) for rule in world.app.url_map.iter_rules()}
    paths |= {"/nothing", "/static/site.css", "/static/..%2f", "//", "/?lang=en", "/?text=large"}
    paths |= {
        "/api/v1/nothing",
        "/preview/",
        "/preview/x/",
        f"/preview/{'x' * 43}",
        "/%00",
        "/healthz/",
    }
    for path in sorted(paths):
        for method in METHODS if len(path) < 24 else ("GET", "POST", "OPTIONS"):
            unknown, draft = answers(world, path, method, {})
            assert unknown == draft, (method, path)


@pytest.mark.parametrize("headers", HEADERS)
@pytest.mark.parametrize(
    "path", ["/", "/healthz", "/preview/x", "/api/v1/session", "/static/site.css"]
)
def test_no_header_tells_a_draft_from_nothing(world: World, path: str, headers: str) -> None:
    """Nor does anything that a request carries."""
    draft_city(world)
    for method in METHODS:
        unknown, draft = answers(world, path, method, HEADERS[headers])
        assert unknown == draft, (method, path)


def test_a_draft_is_read_by_its_own_link_for_a_while(world: World) -> None:
    """Once, within ten minutes, on that host; then for two hours, by fetching alone. Another link
    is opened in the same browser; a cookie of one draft, or a live city's, shows no other."""
    draft_city(world)
    world.save(HANGZHOU.replace("hangzhou", "jiaxing").replace("330100", "330400")
               .replace("state: live", "state: draft").replace("杭州", "嘉兴"))  # fmt: skip
    admin = world.province_admin()
    browser, other = world.client("wenzhou.localhost"), world.client("jiaxing.localhost")
    for _twice in range(2):
        page = admin.post("/cities/wenzhou/preview-link", "/cities/wenzhou").text
        path = "/preview/" + page.split("/preview/")[1].split('"')[0]
        for wrong in (world.client("nowhere.localhost"), world.client("hangzhou.localhost"), other):
            assert wrong.get(path).status_code == 404
        assert browser.get(path).status_code == 302
        assert browser.get(path).status_code == 404
        assert browser.get("/").status_code == 200
    cookie = browser.client.get_cookie("preview", domain=browser.host)
    assert cookie is not None
    other.client.set_cookie("preview", cookie.value, domain=other.host)
    assert other.get("/").status_code == 404
    assert browser.client.post("/", base_url="http://wenzhou.localhost").status_code == 404
    world.clock.move(hours=2, minutes=1)
    assert browser.get("/").status_code == 404
