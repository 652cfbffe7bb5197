"""Nothing in the product can punish: without city credit, or at its lowest, all is as before."""

from __future__ import annotations

import ast
import re

from smartcity_saas.tenancy.hosts import CITY_HOST
from tests.support.bills import linked
from tests.support.browser import Browser
from tests.support.city_credit import ROOT, CreditCity
from tests.support.paths import ROOT as CHECKOUT
from tests.support.routes import paths
from tests.support.world import World

_TOKEN = re.compile(r'name="csrf_token" value="[^"]*"')


def pages(world: World) -> list[str]:
    """Every page of every other service, and where services are found."""
    every = paths(world.app, CITY_HOST)
    services = [one for one in every if one.startswith("/services/") and ROOT not in one]
    assert len(services) >= 9
    return ["/", "/services", "/search?q=bill", *services]


def seen(world: World, browser: Browser) -> dict[str, tuple[int, str]]:
    """What a resident gets of every service."""
    found = {}
    for path in pages(world):
        answer = browser.get(path)
        found[path] = answer.status_code, _TOKEN.sub("", answer.text)
    return found


def test_every_service_is_the_same_at_every_level(world: World) -> None:
    """Promise: a resident who never joined, one without entries, one of each level and one who has
    left see the same services, to the letter."""
    credit = CreditCity(world)
    browser, _account = linked(world)
    never = seen(world, browser)
    assert all(status in (200, 302, 404) for status, _text in never.values())
    credit.join(browser)
    assert seen(world, browser) == never
    credit.tell("missed", fulfilled=False)
    assert seen(world, browser) == never
    for count in range(1, 6):
        credit.tell(f"bill-{count}")
    page = browser.get(f"{ROOT}/entries").text
    assert "30 + 0 + 0 = 30" in page
    assert seen(world, browser) == never
    browser.post(f"{ROOT}/leave")
    assert seen(world, browser) == never


def test_no_other_code_asks_for_a_level() -> None:
    """Promise: no code path outside the service reads levels, entries or membership."""
    package = CHECKOUT / "src/smartcity_saas"
    inside = package / "services/city_credit"
    found = []
    for path in package.rglob("*.py"):
        if path.is_relative_to(inside):
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            names = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            if isinstance(node, ast.Import):
                names = [one.name for one in node.names]
            found += [f"{path.name}: {name}" for name in names if "city_credit" in name]
    assert found == []
