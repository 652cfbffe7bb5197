"""The stylesheets: one file each, kept for ever under the address of its content."""

from __future__ import annotations

import re

import pytest

from tests.support.world import World


def stylesheets(page: str) -> list[str]:
    return re.findall(r'<link rel="stylesheet" href="([^"]+)"', page)


def test_a_page_loads_one_stylesheet(world: World) -> None:
    """And a city's page its colours besides. A page that loads Pico apart from the tokens asks for
    pictures that its policy blocks."""
    (console,) = stylesheets(world.city_staff("hangzhou").get("/cities/hangzhou").text)
    assert console.startswith("/static/console.css?v=")
    site, brand = stylesheets(world.resident().get("/").text)
    assert site.startswith("/static/site.css?v=")
    assert brand.startswith("/brand/")


def test_a_stylesheet_is_kept_for_ever(world: World) -> None:
    """Under the address that pages name, and no other."""
    browser = world.resident()
    named, _brand = stylesheets(browser.get("/").text)
    sheet = browser.get(named)
    assert sheet.mimetype == "text/css"
    assert "immutable" in sheet.headers["Cache-Control"]
    assert "immutable" not in browser.get("/static/site.css?v=0").headers["Cache-Control"]


@pytest.mark.parametrize("part", ["styles/tokens.css", "vendor/pico.classless.min.css"])
def test_the_parts_of_a_stylesheet_are_not_served(world: World, part: str) -> None:
    """Nobody loads one of them apart by mistake."""
    assert world.resident().get(f"/static/{part}").status_code == 404
