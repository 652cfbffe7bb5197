"""A city's site, as residents meet it."""

from __future__ import annotations

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
