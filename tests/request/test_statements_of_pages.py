"""How many statements each signed-in page sends: a page that asks row by row is found here."""

from __future__ import annotations

import pytest

from smartcity_saas.tenancy.context import tenant_context
from tests.support.browser import Browser
from tests.support.routes import paths
from tests.support.statements import statements_sent
from tests.support.world import World

MOST = 10
MORE = {
    "/api/v1/traffic-tickets": 13,
    "/cities/<city>": 11,
    "/cities/<city>/overview": 28,
    "/me": 19,
    "/me/data": 24,
    "/search?q=bill": 19,
    "/services/traffic-tickets": 12,
}
"""Pages that are made of many tables, each with what it may send."""
SETS_UP = ("BEGIN", "SET LOCAL")
PLACES = {"<city>": "hangzhou", "<province>": "zhejiang"}


@pytest.fixture
def filled(world: World) -> World:
    """Two cities with the demo's rows."""
    for slug in ("hangzhou", "ningbo"):
        city = world.city(slug)
        with tenant_context(city.id):
            for service in world.app.product.services.values():
                if service.demo is not None:
                    service.demo(city, world.clock())
    return world


def _is_of_the_page(statement: str) -> bool:
    """Not what a transaction begins with, nor the look for changes, which comes by the clock."""
    return not statement.startswith(SETS_UP) and "FROM installation" not in statement


def _too_many(browser: Browser, rules: list[str]) -> dict[str, int]:
    """The pages that send more than they may, of those that are there for whoever asks."""
    found = {}
    for rule in rules:
        path = rule
        for argument, value in PLACES.items():
            path = path.replace(argument, value)
        browser.get(path)  # what is noted once an hour, made once a process
        with statements_sent() as sent:
            answer = browser.get(path)
        count = sum(map(_is_of_the_page, sent))
        if answer.status_code == 200 and count > MORE.get(rule, MOST):
            found[rule] = count
    return found


def _console_rules(world: World) -> list[str]:
    """The console's pages that name nothing, or only a city or a province."""
    return sorted(
        {
            rule.rule
            for rule in world.app.url_map.iter_rules()
            if rule.host == "console"
            and "GET" in (rule.methods or ())
            and rule.arguments <= {"city", "province"}
        }
    )


@pytest.mark.parametrize("city", ["hangzhou", "ningbo"])
def test_a_residents_pages_send_few_statements(filled: World, city: str) -> None:
    """Every page of a site, to whoever has bills, appointments, messages there."""
    rules = [*paths(filled.app, "city"), "/search?q=bill"]
    found = _too_many(filled.resident(city), rules)
    assert not found, f"more statements than {MOST}, or than MORE allows: {found}"


def test_the_consoles_pages_send_few_statements(filled: World) -> None:
    """Every page of a city's staff, of a province, of the operator."""
    rules = _console_rules(filled)
    for browser in (filled.city_staff(), filled.province_admin(), filled.operator()):
        found = _too_many(browser, rules)
        assert not found, f"more statements than {MOST}, or than MORE allows: {found}"
