"""A city's site, as residents meet it."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest

from smartcity_saas.audit import system
from smartcity_saas.tenancy.announcements import publish
from tests.support.world import World

STATE = ("services", "utility_bills", "state")
NOTICE = ("services", "utility_bills", "notice")
WORDS = {"zh": "管道检修，周五恢复。", "en": "Pipes are being repaired. Back on Friday."}


def pause(world: World) -> None:
    number = world.documents().live("hangzhou").number
    world.documents().change("hangzhou", number, "", {STATE: "paused", NOTICE: WORDS})
    world.app.registry.refresh()


def test_the_first_page_is_the_citys_own(world: World) -> None:
    """Its name, its colour's stylesheet, its services, its hotline and filing number."""
    page = world.client("hangzhou.localhost", "zh").get("/").text
    fingerprint = world.app.registry.snapshot.cities["hangzhou"].fingerprint
    for part in (
        "杭州市",
        "水电燃气账单",
        "12345",
        "浙ICP备00000000号-1",
        "/privacy",
        f"/brand/{fingerprint}.css",
    ):
        assert part in page
    css = world.client("hangzhou.localhost").get(f"/brand/{fingerprint}.css")
    assert "--brand: #0b6e4f" in css.text
    assert "immutable" in css.headers["Cache-Control"]
    stale = world.client("hangzhou.localhost").get("/brand/0000.css")
    assert "immutable" not in stale.headers["Cache-Control"]


def test_the_anonymous_first_page_holds_no_visitors_byte(world: World) -> None:
    """Two visitors get the same bytes, no cookie, and a 304 the second time."""
    first = world.client("hangzhou.localhost").get("/")
    second = world.client("hangzhou.localhost").get("/", headers={"User-Agent": "other"})
    assert first.data == second.data
    queried = world.client("hangzhou.localhost").get("/?utm_source=mine")
    assert "ETag" not in queried.headers, "the switches carry its query, so it is nobody else's"
    assert b"mine" not in world.client("hangzhou.localhost").get("/").data
    assert "Set-Cookie" not in first.headers
    assert "Cookie" in first.headers["Vary"]
    etag = first.headers["ETag"]
    again = world.client("hangzhou.localhost").get("/", headers={"If-None-Match": etag})
    assert (again.status_code, again.data) == (304, b"")


def test_pages_differ_by_language_text_size_revision_and_content(world: World) -> None:
    """The cache never shows one reader's language, or yesterday's notices, to another."""
    world_client = world.client("hangzhou.localhost")
    seen = {world_client.get("/").data}
    seen.add(world.client("hangzhou.localhost", "zh").get("/").data)
    assert world_client.get("/?text=large").status_code == 302
    seen.add(world_client.get("/").data)
    pause(world)
    seen.add(world.client("hangzhou.localhost").get("/").data)
    with world.inside("hangzhou"):
        both = {"zh": "停水通知", "en": "Water off tonight"}
        publish(system("test"), both, both, both, world.clock())
    world.documents().touch_content("hangzhou")
    world.app.registry.refresh()
    page = world.client("hangzhou.localhost").get("/")
    seen.add(page.data)
    assert "Water off tonight" in page.text
    assert "Water off tonight" not in world.client("ningbo.localhost").get("/").text
    assert len(seen) == 5


@pytest.mark.parametrize("query", ["水费", "shuifei", "sf", "water", "Utility", "账单", "煤气"])
def test_search_finds_by_chinese_pinyin_and_english(world: World, query: str) -> None:
    """A resident types it the way they know it."""
    assert (
        "/services/utility-bills"
        in world.client("hangzhou.localhost").get(f"/search?q={query}").text
    )


def test_search_that_finds_nothing_says_what_to_do(world: World) -> None:
    """An empty result names the hotline and keeps what was typed, harmlessly."""
    page = world.client("hangzhou.localhost").get("/search?q=<script>x").text
    assert "Nothing found" in page
    assert "12345" in page
    assert "<script>x" not in page


def test_a_paused_service_says_why_and_since_when(world: World) -> None:
    """On the first page and on its own: the notice, the time, and what still works."""
    world.clock.move(minutes=3)
    pause(world)
    home = world.client("hangzhou.localhost", "zh").get("/").text
    assert WORDS["zh"] in home
    assert "起暂停" in home
    page = world.client("hangzhou.localhost").get("/services/utility-bills")
    assert page.status_code == 503
    assert WORDS["en"] in page.text
    assert "Paused since" in page.text
    assert "can still" in page.text


def test_a_closed_service_is_not_there(world: World) -> None:
    """Neither on the first page, nor in the search, nor at its address, which says so."""
    world.documents().change("hangzhou", 1, "", {STATE: "closed"})
    world.app.registry.refresh()
    browser = world.client("hangzhou.localhost")
    assert "utility-bills" not in browser.get("/").text
    assert "utility-bills" not in browser.get("/search?q=water").text
    page = browser.get("/services/utility-bills")
    assert (page.status_code, "This service is not open" in page.text) == (404, True)


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


def test_a_write_without_its_token_is_refused(world: World) -> None:
    """CSRF: no token, another city's token, or a stale one writes nothing."""
    browser = world.resident()
    other = world.client("shanghai.localhost").token("/sign-in")
    for token in ("", other):
        answer = browser.client.post(
            "/sign-out", base_url="http://hangzhou.localhost", data={"csrf_token": token}
        )
        assert answer.status_code == 400
    assert browser.get("/me").status_code == 200


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


class Resources(HTMLParser):
    """Everything that a page loads, and everything inline that a strict policy forbids."""

    def __init__(self) -> None:
        super().__init__()
        self.loaded: list[str] = []
        self.inline: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        if tag in ("script", "img", "iframe", "source"):
            self.loaded.append(found.get("src") or "")
        if tag == "link" or (tag == "use"):
            self.loaded.append(found.get("href") or "")
        if tag == "style" or (tag == "script" and not found.get("src")):
            self.inline.append(tag)
        self.inline += [name for name in found if name == "style" or name.startswith("on")]


PAGES = (
    "/",
    "/services",
    "/search?q=x",
    "/announcements",
    "/sign-in",
    "/privacy",
    "/accessibility",
    "/services/utility-bills",
    "/nothing",
)


@pytest.mark.parametrize("path", PAGES)
def test_pages_load_nothing_from_elsewhere(world: World, path: str) -> None:
    """Every subresource is the site's own, nothing is inline, and the policy says so."""
    answer = world.client("hangzhou.localhost").get(path)
    page = Resources()
    page.feed(answer.text)
    assert page.inline == []
    assert all(url.startswith("/") and not url.startswith("//") for url in page.loaded)
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize(
    "path", ["/nothing", "/announcements/00000000-0000-7000-8000-000000000000"]
)
def test_errors_are_branded_and_say_what_to_do(world: World, path: str) -> None:
    """A 404 is the city's own page, with a way on; never a traceback."""
    answer = world.client("hangzhou.localhost").get(path)
    assert answer.status_code == 404
    assert "Hangzhou" in answer.text
    assert 'href="/"' in answer.text
    problem = world.client("hangzhou.localhost").get(path, headers={"Accept": "application/json"})
    assert problem.mimetype == "application/problem+json"
    assert problem.json["status"] == 404


def test_a_fault_shows_no_traceback(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A fault of the program is a branded page with a reference, and nothing of the inside."""

    def broken() -> None:
        raise RuntimeError("secret inside")

    monkeypatch.setitem(world.app.view_functions, "resident.privacy", broken)
    answer = world.client("hangzhou.localhost").get("/privacy")
    assert answer.status_code == 500
    assert "secret inside" not in answer.text
    assert "Traceback" not in answer.text
    assert re.search(r"\([0-9a-f]{8}\)", answer.text)


SEARCHES = {
    "交电费": "utility-bills",
    "我要交水费": "utility-bills",
    "electric bill": "utility-bills",
    "how do I pay the water bill": "utility-bills",
    "watre": "utility-bills",
    "停水": "utility-bills",
    "hospitl": "hospital-appointments",
    "醫院": "hospital-appointments",
    "孩子发烧": "hospital-appointments",
    "ｆｅｖｅｒ": "hospital-appointments",
    "看医生": "hospital-appointments",
    "交罚款": "traffic-tickets",
    "speeding": "traffic-tickets",
    "发票": "/me/payments",
    "receipt": "/me/payments",
    "注销": "/me/data",
    "换手机号": "/me/ways-in",
    "大字": "/accessibility",
    "停电": "tel:95598",
    "护照": "tel:12367",
    "社保": "tel:12333",
    "passport": "tel:12367",
    "结婚登记": "tel:12345",
    "打疫苗": "tel:12320",
    "老年卡": "tel:12345",
    "牙疼": "hospital-appointments",
    "dentist": "hospital-appointments",
    "候补": "hospital-appointments",
    "家人": "hospital-appointments/patients",
    "用水量": "utility-bills",
    "公告": "/announcements",
}


@pytest.mark.parametrize("typed, leads_to", SEARCHES.items())
def test_search_knows_what_people_say(world: World, typed: str, leads_to: str) -> None:
    """Promise: verbs, everyday words, traditional and full-width forms, a slip, one's own pages,
    and what is done elsewhere: each is answered with where to go."""
    page = world.client("hangzhou.localhost").get("/search", query_string={"q": typed}).text
    main = page[page.index("<main") : page.index("</main>")]
    assert re.search(rf'href="[^"]*{re.escape(leads_to)}', main), main


def test_search_finds_notices(world: World) -> None:
    """Promise: a notice is found by its title or its body, and at its own city alone."""
    with world.inside("hangzhou"):
        publish(
            system("test"),
            {"zh": "城西管网检修", "en": "Works in the west"},
            {"zh": "周三夜里古荡一带水压会低。", "en": "Low pressure in Gudang on Wednesday."},
            {"zh": "供水公司", "en": "Water company"},
            world.clock(),
        )
    here, there = world.client("hangzhou.localhost"), world.client("ningbo.localhost")
    for typed in ("管网", "古荡 水压", "gudang", "works"):
        assert "Works in the west" in here.get(f"/search?q={typed}").text, typed
        assert "Works in the west" not in there.get(f"/search?q={typed}").text


def test_search_says_that_a_service_is_closed_here(world: World) -> None:
    """Promise: who looks for a closed service is told so, with the number to call."""
    number = world.documents().live("hangzhou").number
    world.documents().change("hangzhou", number, "", {STATE: "closed"})
    world.app.registry.refresh()
    page = world.client("hangzhou.localhost").get("/search?q=水费").text
    assert "Utility bills is not open in Hangzhou just now" in page
    assert 'href="tel:12345"' in page
