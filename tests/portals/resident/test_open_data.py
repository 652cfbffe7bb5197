"""Open data on a city's site: its pages, its files at their addresses, what a document opens."""

from __future__ import annotations

from typing import Any

import pytest

from smartcity_saas.audit import system
from smartcity_saas.errors import Invalid
from smartcity_saas.tenancy.announcements import all_announcements, publish, withdraw
from smartcity_saas.web.page_cache import CachedPage, PageCache
from tests.support.documents import HANGZHOU, ZHEJIANG
from tests.support.product import other_parts
from tests.support.validation import said
from tests.support.world import World

TEXT = {"zh": "停水", "en": "Water off"}
CLOSED = "open_data: {licence: CC0-1.0, datasets: {announcements: closed}}\n"


def test_a_stranger_finds_the_data(world: World) -> None:
    """Promise: from the foot of any page to a dataset's columns, first rows, licence and files, in
    both languages, without signing in."""
    for language, title, licence in (
        ("zh", "公开数据", "CC-BY-4.0"),
        ("en", "Open data", "CC-BY-4.0"),
    ):
        browser = world.client("hangzhou.localhost", language)
        assert 'href="/data"' in browser.get("/").text
        listed = browser.get("/data").text
        assert title in listed
        assert 'href="/data/utility-tariffs"' in listed
        page = browser.get("/data/utility-tariffs").text
        assert all(
            f"/data/utility-tariffs.{ending}" in page for ending in ("csv", "json", "parquet")
        )
        assert licence in page
        assert "0.538" in page
        assert "price" in page


@pytest.mark.parametrize(
    "query, path",
    [("开放数据", "/data"), ("dataset", "/data"), ("满意度", "/transparency")],
    ids=str,
)
def test_both_pages_are_found_by_search(world: World, query: str, path: str) -> None:
    """Promise: whoever types what they look for is led to the data and to how the city is doing."""
    found = world.client("hangzhou.localhost").get(f"/search?q={query}").text
    assert f'class="row" href="{path}"' in found


@pytest.mark.parametrize("ending", ["csv", "json", "parquet"])
def test_a_file_is_asked_for_again_by_its_etag(world: World, ending: str) -> None:
    """Promise: the same rows are the same bytes under the same ETag, however often they are made;
    whoever has them gets 304, and HEAD has the head alone."""
    path = f"/data/utility-tariffs.{ending}"
    stranger = world.client("hangzhou.localhost")
    first = stranger.get(path)
    assert first.headers["Cache-Control"] == "public, max-age=60"
    assert first.headers["Access-Control-Allow-Origin"] == "*"
    assert "creativecommons.org" in first.headers["Link"]
    assert "Set-Cookie" not in first.headers
    with other_parts(world.app, file_cache=PageCache()):
        assert stranger.get(path).headers["ETag"] == first.headers["ETag"]
    known = {"If-None-Match": first.headers["ETag"]}
    again = stranger.get(path, headers=known)
    assert (again.status_code, again.data) == (304, b"")
    head = stranger.client.head(path, base_url="http://hangzhou.localhost")
    assert (head.status_code, head.data) == (200, b"")
    assert head.headers["ETag"] == first.headers["ETag"]


def test_a_change_is_another_file(world: World) -> None:
    """Promise: an announcement that is published, withdrawn or put back is another ETag and a later
    ``Last-Modified``, so whoever asks by either gets it."""
    stranger, path = world.client("hangzhou.localhost"), "/data/announcements.json"
    seen = [stranger.get(path).headers.get("Last-Modified")]
    assert seen == [None]
    for step in range(3):
        world.clock.move(minutes=5)
        with world.inside("hangzhou"):
            if step == 0:
                publish(system("test"), TEXT, TEXT, TEXT, world.clock())
            else:
                row = all_announcements()[0]
                withdraw(system("test"), row.id, world.clock(), back=step == 2)
        with other_parts(world.app, file_cache=PageCache()):
            old = {"If-Modified-Since": seen[-1]} if seen[-1] else {}
            answer = stranger.get(path, headers=old)
        assert answer.status_code == 200
        assert answer.headers["Last-Modified"] not in seen
        assert ("Water off" in answer.text) == (step != 1)
        seen.append(answer.headers["Last-Modified"])


def test_a_document_closes_a_dataset(world: World) -> None:
    """Promise: closed, it is nowhere: no page, no file, not in a catalogue; the licence is the
    document's, and another city's data stay as they were."""
    world.save(HANGZHOU + CLOSED)
    stranger = world.client("hangzhou.localhost")
    for path in ("", ".csv", ".json", ".parquet", ".schema.json"):
        assert stranger.get(f"/data/announcements{path}").status_code == 404
    for path in ("/data", "/data/catalog.jsonld", "/data/datapackage.json"):
        text = stranger.get(path).text
        assert "/data/announcements" not in text
        assert "announcements.csv" not in text
    assert "publicdomain/zero" in stranger.get("/data/services.json").text
    assert world.client("ningbo.localhost").get("/data/announcements.csv").status_code == 200


def test_a_closed_service_gives_nothing_away(world: World) -> None:
    """Promise: data of a service that the city does not have are not there."""
    world.save(f"{HANGZHOU}services: {{utility_bills: {{state: closed}}}}\n")
    stranger = world.client("hangzhou.localhost")
    assert stranger.get("/data/utility-tariffs.csv").status_code == 404
    assert "utility_bills" not in stranger.get("/data/services.csv").text


def test_a_province_locks_what_is_open(world: World) -> None:
    """Promise: a province decides the licence or a dataset for all of its cities."""
    world.save(f"{ZHEJIANG}{CLOSED}locked: [open_data]\n")
    assert world.client("hangzhou.localhost").get("/data/announcements.csv").status_code == 404
    opened = f"{HANGZHOU}open_data: {{datasets: {{announcements: open}}}}\n"
    with pytest.raises(Invalid) as refused:
        world.save(opened)
    assert "province:zhejiang" in str([str(one) for one in refused.value.problems])


def test_wrong_settings_are_refused_where_they_stand() -> None:
    """Promise: a licence that is none, a dataset that is not installed and a state that is none are
    each told with line and column."""
    text = said(
        HANGZHOU
        + "open_data:\n  licence: MIT\n  datasets:\n    notices: open\n    services: paused\n"
    )
    assert "document-0:11:12" in text
    assert "CC-BY-4.0" in text
    assert "document-0:13:5" in text
    assert "document-0:14:15" in text
    assert "open, closed" in text


@pytest.mark.parametrize(
    "path", ["/data/nothing", "/data/nothing.csv", "/data/services.xlsx", "/data/Services.csv"]
)
def test_what_is_not_there_is_not_found(world: World, path: str) -> None:
    """Promise: an address of no dataset, or of no format, is a plain 404."""
    assert world.client("hangzhou.localhost").get(path).status_code == 404


def test_a_suspended_citys_data_stay(world: World) -> None:
    """Promise: what a city has published can be had while its site is suspended."""
    world.save(HANGZHOU.replace("state: live", "state: suspended"))
    assert world.client("hangzhou.localhost").get("/data/services.csv").status_code == 200


@pytest.mark.parametrize("since", ["9999-12-31", "9998-12-31", "0001-01-01"])
@pytest.mark.parametrize("path", ["/data/performance", "/data/services"])
def test_days_at_the_ends_of_the_calendar_are_days(world: World, path: str, since: str) -> None:
    """Promise: no days that a stranger writes are a fault of ours: few are answered, too many are
    refused with how many a file may have."""
    stranger = world.client("hangzhou.localhost")
    for ending in ("", ".csv", ".json"):
        few = stranger.get(f"{path}{ending}?from={since}&to={since}")
        assert few.status_code == 200, few.text
        many = stranger.get(f"{path}{ending}?from=0001-01-01&to=9999-12-31")
        assert many.status_code == 422
        assert "366" in many.text
    assert stranger.get(f"{path}.csv?to=0001-01-01").status_code == 422


class KeepsNothing(PageCache):
    """Notices what would be kept."""

    def put(self, key: tuple[Any, ...], body: bytes) -> CachedPage:
        raise AssertionError(f"kept {len(body)} bytes by {key}")


def test_a_window_is_neither_kept_nor_made_before_it_is_asked_for(world: World) -> None:
    """Promise: windows, of which there are endlessly many, drive no file out of what is remembered, and
    their page makes no file to say its size; the catalogues describe the files without a window."""
    stranger, window = world.client("hangzhou.localhost"), "from=2026-01-01&to=2026-01-31"
    whole = stranger.get("/data/datapackage.json").data
    assert stranger.get(f"/data/datapackage.json?{window}").data == whole
    assert stranger.get("/data/datapackage.json?from=9999-12-31").data == whole
    assert " KB" in stranger.get("/data/performance").text
    with other_parts(world.app, file_cache=KeepsNothing()):
        assert stranger.get(f"/data/performance.csv?{window}").status_code == 200
        page = stranger.get(f"/data/performance?{window}").text
    assert " KB" not in page
    assert f"/data/performance.csv?{window.replace('&', '&amp;')}" in page


def test_a_previewed_drafts_data_are_kept_by_nobody(world: World) -> None:
    """Promise: what only a preview shows is in no shared cache, and no other site reads it."""
    draft = HANGZHOU.replace("hangzhou", "wenzhou").replace("330100", "330300")
    world.save(draft.replace("state: live", "state: draft").replace("杭州", "温州"))
    page = world.province_admin().post("/cities/wenzhou/preview-link", "/cities/wenzhou").text
    browser = world.client("wenzhou.localhost")
    browser.get("/preview/" + page.split("/preview/")[1].split('"')[0])
    for path in ("services.csv", "services.schema.json", "datapackage.json", "catalog.jsonld"):
        answer = browser.get(f"/data/{path}")
        assert answer.status_code == 200, path
        assert answer.headers["Cache-Control"] == "private, no-store"
        assert "Access-Control-Allow-Origin" not in answer.headers
