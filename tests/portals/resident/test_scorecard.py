"""The scorecard as everyone reads it: on a city's site, and cities beside each other."""

from __future__ import annotations

import csv
import io
from datetime import timedelta

from smartcity_saas.audit import Actor
from smartcity_saas.clock import today_in
from smartcity_saas.scorecard.summaries import summarise
from smartcity_saas.scorecard.values import enter, item_of
from tests.support.scorecard import edition, whole_edition
from tests.support.world import World

CLERK = Actor("staff:li.jing", "Li Jing", "city:hangzhou")


def put(world: World, number: str, hundredths: int) -> None:
    made = edition()
    with world.inside("hangzhou"):
        day = today_in(world.city("hangzhou").timezone, world.clock()) - timedelta(days=1)
        enter(CLERK, made, item_of(made, number), hundredths, "Bulletin p. 3", day, world.clock())


def test_a_stranger_reads_a_range_and_its_why(world: World) -> None:
    """Promise: a range, never one number over a hole; each figure with its source and sum, and
    nobody's name."""
    with whole_edition(world.app):
        put(world, "L2P1-A1", 5_000)
        page = world.client("hangzhou.localhost").get("/scorecard").text
        assert "This is not an official evaluation" in page
        assert "Bulletin p. 3" in page
        assert "10.1 / 20.2" in page
        assert "open today ÷ services of the platform × 100" in page
        assert "Li Jing" not in page
        other = world.client("shanghai.localhost").get("/scorecard").text
        assert "Bulletin p. 3" not in other


def test_what_was_not_read_is_said_and_counts_as_missing(world: World) -> None:
    """Promise: the shipped editions claim nothing: 54 and 62 items, missing unless read."""
    browser = world.client("hangzhou.localhost")
    old = browser.get("/scorecard?edition=2016").text
    assert "0 to 100" in old
    assert "27 items are not listed." in old
    assert old.count("Items not read<") == 6
    assert "Not counted: weight or formula not read" in old
    new = browser.get("/scorecard?edition=2022").text
    assert "62 items are not listed." in new
    assert browser.get("/scorecard?edition=2099").status_code == 404
    assert browser.get("/scorecard.csv?edition=2099").status_code == 404


def test_the_card_is_a_table_to_download(world: World) -> None:
    """Promise: every item with its number, source and score, and a row for what was not read."""
    with whole_edition(world.app):
        put(world, "L2P1-A1", 5_000)
        text = world.client("hangzhou.localhost").get("/scorecard.csv").text
        rows = list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff"))))
        found = next(row for row in rows if row["item"] == "L2P1-A1")
        assert (found["percent"], found["score"], found["source"]) == (
            "50.00",
            "10.10",
            "Bulletin p. 3",
        )
        assert "Li Jing" not in text
    text = world.client("hangzhou.localhost").get("/scorecard.csv?edition=2022").text
    assert "62 items not read" in text


def test_changes_stay_readable_without_names(world: World) -> None:
    """Promise: what was entered, and when, is public; by whom is not."""
    with whole_edition(world.app):
        put(world, "L2P1-A1", 5_000)
        put(world, "L2P1-A1", 4_000)
        page = world.client("hangzhou.localhost").get("/scorecard/changes").text
        assert page.index("40%") < page.index("50%")
        assert "Li Jing" not in page
        assert "40%" not in world.client("ningbo.localhost").get("/scorecard/changes").text


def test_cities_stand_beside_each_other_on_the_platforms_host(world: World) -> None:
    """Promise: one scale, live cities alone, and no rank where ranges overlap."""
    with whole_edition(world.app):
        put(world, "L2P1-A1", 5_000)
        with world.inside("hangzhou"):
            summarise(world.clock())
        page = world.client("localhost").get("/scorecard").text
        assert "neither city is ahead" in page
        assert page.index("Hangzhou") < page.index("Ningbo")
        assert "No figures of the last 7 days" in page
        world.save(
            "city: ningbo\nprovince: zhejiang\ndivision_code: '330200'\n"
            "name: {zh: 宁波市, en: Ningbo}\nstate: suspended\n"
        )
        assert "Ningbo" not in world.client("localhost").get("/scorecard").text
    assert world.client("localhost").get("/scorecard?edition=2099").status_code == 404


def test_a_page_of_changes_that_is_not_there_is_not_found(world: World) -> None:
    """Promise: whatever number a stranger writes, it is a page with entries or a plain 404; the first
    page is always there, and leads to an older one only where there is one."""
    stranger = world.client("hangzhou.localhost")
    with whole_edition(world.app):
        assert stranger.get("/scorecard/changes").status_code == 200
        for _number in range(50):
            put(world, "L2P1-A1", 5_000)
        assert "page=2" not in stranger.get("/scorecard/changes").text
        put(world, "L2P1-A1", 4_000)
        assert "page=2" in stranger.get("/scorecard/changes").text
        assert stranger.get("/scorecard/changes?page=2").status_code == 200
        for page in ("0", "-3", "3", "9" * 18, "9" * 30):
            assert stranger.get(f"/scorecard/changes?page={page}").status_code == 404, page
