"""Looks for changes: before a request enters its city, never inside one."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from flask import current_app, request
from sqlalchemy import event, select

from smartcity_saas.configuration.models import Document
from smartcity_saas.database import db
from smartcity_saas.errors import TenantIsolationError
from tests.support.browser import Browser
from tests.support.routes import paths
from tests.support.statements import statements_sent
from tests.support.world import World

STATE = ("services", "utility_bills", "state")


@pytest.fixture
def always_due(world: World, monkeypatch: pytest.MonkeyPatch) -> World:
    """Every glance at the clock finds the last look long ago, as on a busy machine."""
    ticks = itertools.count(1000)
    monkeypatch.setattr(world.app.registry, "monotonic", lambda: float(next(ticks)))
    return world


def faults(browser: Browser, found: list[str]) -> list[str]:
    """Which of them answer 500."""
    return [path for path in found if browser.get(path).status_code == 500]


def test_no_page_fails_because_a_look_is_due(always_due: World) -> None:
    """Whatever a page builds while it is made, no look happens inside its city (two cities)."""
    for slug in ("hangzhou", "ningbo"):
        assert faults(always_due.resident(slug), paths(always_due.app, "city")) == []
    assert faults(always_due.city_staff(), paths(always_due.app, "console")) == []
    assert faults(always_due.client("localhost"), paths(always_due.app, "index")) == []


@pytest.mark.parametrize("host", ["hangzhou.localhost", "console.localhost", "localhost"])
def test_the_error_page_after_a_form_needs_no_look(always_due: World, host: str) -> None:
    """An error page links back to the page of the form, and looks nothing up for that."""
    browser = always_due.client(host)
    for referrer in ("/", "/sign-in", "/me/verify", "/no/such/page"):
        answer = browser.client.post(
            "/sign-in/demo",
            base_url=f"http://{host}",
            headers={"Referer": f"http://{host}{referrer}"},
            data={"csrf_token": "no token"},
        )
        assert 400 <= answer.status_code < 500


def test_a_look_inside_a_city_is_refused_even_when_none_is_due(world: World) -> None:
    """The mistake fails each time it is made, not once in a hundred."""
    registry = world.app.registry
    for look in (registry.refresh_if_due, registry.refresh, registry.refresh_at_the_start):
        with world.inside("hangzhou"), pytest.raises(TenantIsolationError):
            look()


def test_the_console_looks_in_the_transaction_of_its_page(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Promise: a page of the console looks for changes in the transaction that it reads in, and begins
    no other."""
    browser = world.province_admin()
    browser.get("/provinces/zhejiang")
    monkeypatch.setattr(world.app.registry, "monotonic", lambda: 0.0)  # no other look is due
    begun: list[Any] = []

    def note(connection: Any) -> None:
        begun.append(connection)

    event.listen(db.engine, "begin", note)
    try:
        with statements_sent() as sent:
            assert browser.get("/provinces/zhejiang").status_code == 200
    finally:
        event.remove(db.engine, "begin", note)
    assert sum("FROM installation" in one for one in sent) == 1
    assert len(begun) == 1


def test_a_look_does_not_believe_an_older_transaction(world: World) -> None:
    """Promise: where the session has read before, what was stored since is found all the same, of two
    cities."""
    registry = world.app.registry
    for slug in ("hangzhou", "ningbo"):
        with world.app.app_context():
            assert db.session.scalars(select(Document.name)).all()
            with world.app.app_context():
                number = world.documents().live(slug).number
                world.documents().change(slug, number, "", {STATE: "closed"})
            registry.refresh_at_the_start()
            assert registry.snapshot.cities[slug].catalog["utility_bills"].state == "closed"


def test_a_request_keeps_its_site_while_the_registry_moves_on(world: World) -> None:
    """Building an adapter again, from a view or an error page, changes nothing of the request."""
    with world.app.test_request_context("/", base_url="http://hangzhou.localhost"):
        before = request.site  # type: ignore[attr-defined]
        assert before.city.catalog["utility_bills"].state == "open"
        world.documents().change("hangzhou", 1, "", {STATE: "closed"})
        world.app.registry.refresh()
        assert current_app.create_url_adapter(request) is not None
        assert request.site is before  # type: ignore[attr-defined]
