"""The city registry: changes are seen within a second on every process, by one cheap look."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest
from flask import current_app
from sqlalchemy import create_engine, select, text
from sqlalchemy.exc import OperationalError

from smartcity_saas.configuration.city import compile_city
from smartcity_saas.configuration.extensions import Extensions
from smartcity_saas.configuration.models import Installation
from smartcity_saas.database import db
from smartcity_saas.errors import NotReady, TenantIsolationError
from smartcity_saas.tenancy import city_compiler
from smartcity_saas.tenancy.background_compiling import compile_waiting
from smartcity_saas.tenancy.registry import CHECK_SECONDS, PATIENCE_SECONDS, CityRegistry
from smartcity_saas.tenant_context import current_city_id
from tests.support.documents import HANGZHOU, NINGBO, PLATFORM, SHANGHAI, ZHEJIANG
from tests.support.statements import statements_sent
from tests.support.world import World

CITIES = ("hangzhou", "ningbo", "shanghai")
STATE = ("services", "utility_bills", "state")


class Ticks:
    """A monotonic clock that is moved by hand."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def another_process(
    world: World, extensions: Extensions | None = None
) -> tuple[CityRegistry, Ticks]:
    ticks = Ticks()
    registry = CityRegistry(
        extensions or world.app.registry.extensions, "localhost", ticks, demo=True
    )
    registry.refresh_if_due()
    return registry, ticks


def test_another_process_sees_a_change_within_a_second(world: World) -> None:
    """The look is due in well under a second, and finds what another process saved."""
    registry, ticks = another_process(world)
    world.documents().change("hangzhou", 1, "", {STATE: "closed"})
    registry.refresh_if_due()
    assert registry.snapshot.cities["hangzhou"].catalog["utility_bills"].state == "open"
    ticks.now += CHECK_SECONDS
    assert CHECK_SECONDS < 1
    registry.refresh_if_due()
    assert registry.snapshot.cities["hangzhou"].catalog["utility_bills"].state == "closed"


def test_a_slow_look_does_not_put_off_the_next(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is stored while a process loads is seen as soon as if loading had taken no time."""
    registry, ticks = another_process(world)
    load = registry._load

    def slowly(*arguments: Any) -> Any:
        found = load(*arguments)
        world.documents().change("shanghai", 1, "", {STATE: "closed"})
        ticks.now += CHECK_SECONDS
        return found

    monkeypatch.setattr(registry, "_load", slowly)
    world.documents().change("hangzhou", 1, "", {STATE: "closed"})
    ticks.now += CHECK_SECONDS
    registry.refresh_if_due()
    assert registry.snapshot.cities["shanghai"].catalog["utility_bills"].state == "open"
    monkeypatch.undo()
    registry.refresh_if_due()
    assert registry.snapshot.cities["shanghai"].catalog["utility_bills"].state == "closed"


@contextmanager
def loading(registry: CityRegistry, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """While another thread of the process is in the middle of loading what changed."""
    app, load = current_app._get_current_object(), registry._load  # type: ignore[attr-defined]
    begun, finish = threading.Event(), threading.Event()

    def held_up(*arguments: Any) -> Any:
        begun.set()
        assert finish.wait(30)
        return load(*arguments)

    def look() -> None:
        with app.app_context():
            registry.refresh_if_due()

    monkeypatch.setattr(registry, "_load", held_up)
    other = threading.Thread(target=look)
    other.start()
    assert begun.wait(30)
    try:
        yield
    finally:
        finish.set()
        other.join(30)


def test_a_request_waits_for_a_look_that_another_has_begun(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A page and its style, asked for at once, come from the same state of the city registry."""
    registry, ticks = another_process(world)
    app = world.app
    world.documents().change("hangzhou", 1, "", {STATE: "closed"})
    ticks.now += CHECK_SECONDS
    seen: list[str] = []

    def serve() -> None:
        with app.app_context():
            registry.refresh_if_due()
            seen.append(registry.snapshot.cities["hangzhou"].catalog["utility_bills"].state)

    second = threading.Thread(target=serve)
    with loading(registry, monkeypatch):
        second.start()
        second.join(0.3)
        assert seen == []
    second.join(30)
    assert seen == ["closed"]


def test_loading_thousands_holds_up_nobody(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A look that takes longer than a second is not waited for; the state before it is served."""
    registry, ticks = another_process(world)
    world.documents().change("hangzhou", 1, "", {STATE: "closed"})
    ticks.now += CHECK_SECONDS
    with loading(registry, monkeypatch):
        ticks.now += PATIENCE_SECONDS
        registry.refresh_if_due()
        assert registry.snapshot.cities["hangzhou"].catalog["utility_bills"].state == "open"
    assert registry.snapshot.cities["hangzhou"].catalog["utility_bills"].state == "closed"


def test_a_new_city_answers_without_a_restart(world: World) -> None:
    """Onboarded in one process, it is in the map of the other at its next look."""
    registry, ticks = another_process(world)
    text = HANGZHOU.replace("hangzhou", "wenzhou").replace("330100", "330300")
    world.save(text)
    ticks.now += CHECK_SECONDS
    registry.refresh_if_due()
    assert registry.city_at("wenzhou.localhost") is not None


def test_looking_costs_one_statement_and_not_one_a_request(world: World) -> None:
    """Between looks a request asks the database nothing about the cities; a look is one row."""
    registry, ticks = another_process(world)
    with statements_sent() as statements:
        for _request in range(50):
            registry.refresh_if_due()
        assert statements == []
        ticks.now += CHECK_SECONDS
        registry.refresh_if_due()
        looks = [found for found in statements if "installation" in found]
    assert len(looks) == 1
    assert len([found for found in statements if "SELECT" in found]) == 1


@pytest.fixture
def compiled(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The cities that are compiled from now on, in turn."""
    slugs: list[str] = []

    def noted(layers: Any, extensions: Extensions) -> Any:
        slugs.append(layers[-1].name)
        return compile_city(layers, extensions)

    monkeypatch.setattr(city_compiler, "compile_city", noted)
    return slugs


def test_a_city_is_compiled_when_it_is_first_asked_for(world: World, compiled: list[str]) -> None:
    """A process is ready by the index alone, whatever the number of cities."""
    registry, _ticks = another_process(world)
    assert compiled == []
    for host in ("ningbo.localhost", "city.hangzhou.example", "ningbo.localhost"):
        assert registry.city_at(host) is not None
    assert registry.city_at("nowhere.localhost") is None
    assert compiled == ["ningbo", "hangzhou"]
    assert {city.slug for city in registry.snapshot.cities.values()} == {*CITIES}
    assert sorted(compiled) == sorted(CITIES)


def test_what_nobody_asks_for_is_compiled_in_the_background(
    world: World, compiled: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """All of it, without stopping at a city whose earlier revisions cannot be read now."""
    _store_unchecked(world, "hangzhou", UNREADABLE % "live")
    registry, _ticks = another_process(world)

    def away(*arguments: Any) -> Any:
        raise OperationalError("SELECT", {}, Exception("away"))

    with monkeypatch.context() as patch:
        patch.setattr(city_compiler, "last_good", away)
        assert compile_waiting(registry) == 2
    assert compile_waiting(registry) == 1
    assert compile_waiting(registry) == 0
    assert compiled == ["hangzhou", "ningbo", "shanghai", "hangzhou"]


def test_a_baseline_reaches_cities_that_were_compiled_before_it(world: World) -> None:
    """Compiled early or late, a city is of the layers that are live."""
    registry, ticks = another_process(world)
    assert registry.city_at("ningbo.localhost") is not None
    world.save(PLATFORM.replace('hotline: "12345"', 'hotline: "96110"'))
    ticks.now += CHECK_SECONDS
    registry.refresh_if_due()
    hotlines = {city.site["hotline"] for city in registry.snapshot.cities.values()}
    assert hotlines == {"96110"}


def test_only_what_changed_is_loaded(world: World) -> None:
    """A city's revision leaves the values of the others as they were, the same objects."""
    registry, ticks = another_process(world)
    before = registry.snapshot.cities
    world.documents().change("hangzhou", 1, "", {STATE: "closed"})
    ticks.now += CHECK_SECONDS
    registry.refresh_if_due()
    after = registry.snapshot.cities
    assert after["shanghai"] is before["shanghai"]
    assert after["hangzhou"] is not before["hangzhou"]


def without(extensions: Extensions, **changes: Any) -> Extensions:
    return replace(extensions, **changes)


def test_a_service_no_longer_installed_is_closed_and_flagged(world: World) -> None:
    """The rest of the city stays current."""
    registry, _ticks = another_process(world, without(world.app.registry.extensions, services={}))
    city = registry.snapshot.cities["hangzhou"]
    assert city.catalog == {}
    assert any("not installed" in str(flag.message) for flag in city.flags)
    assert registry.snapshot.broken == {}


def _store_unchecked(world: World, name: str, change: str) -> None:
    """A newest revision that this version cannot read, as an upgrade leaves one behind."""
    owner = create_engine(world.app.product.settings.owner_url)
    number = world.documents().live(name).number
    json = "CAST(:v AS jsonb)" if world.engine == "postgresql" else ":v"
    with owner.begin() as connection:
        document = connection.execute(
            text("SELECT id FROM document WHERE name = :n"), {"n": name}
        ).scalar_one()
        connection.execute(
            text(
                "INSERT INTO revision SELECT document_id, number + 1, number, text, "
                f"{json}, files, since, author, author_label, message, origin, created_at "
                "FROM revision WHERE document_id = :d AND number = :k"
            ),
            {"v": change, "d": document, "k": number},
        )
        connection.execute(text("UPDATE installation SET version = version + 1"))
        connection.execute(
            text(
                "UPDATE document SET live_number = live_number + 1, changed_at_version = "
                "(SELECT version FROM installation) WHERE id = :d"
            ),
            {"d": document},
        )
    owner.dispose()


UNREADABLE = """{"city": "hangzhou", "province": "zhejiang", "division_code": "330100",
 "name": {"zh": "杭州市", "en": "Hangzhou"}, "state": "%s", "branding": {"color": "plaid"},
 "services": {"utility_bills": {"state": "closed"}}}"""


def test_a_city_that_no_longer_compiles_stays_on_its_last_good_revision(world: World) -> None:
    """It keeps its site, says so, reopens nothing closed since; nobody else notices."""
    _store_unchecked(world, "hangzhou", UNREADABLE % "live")
    registry, _ticks = another_process(world)
    city = registry.snapshot.cities["hangzhou"]
    assert city.color == "#0b6e4f"
    assert city.revision == 1
    assert city.catalog["utility_bills"].state == "closed"
    assert "hangzhou" in registry.snapshot.broken
    assert "In use instead" in str(city.flags[0].message)
    assert set(registry.snapshot.cities) == {"hangzhou", "ningbo", "shanghai"}
    assert not registry.snapshot.cities["shanghai"].flags


def test_a_city_may_be_asked_for_first_from_inside_it(world: World) -> None:
    """A task enters a city by its key: its earlier revisions, which are the platform's rows, are read
    all the same, and nothing else is by that."""
    _store_unchecked(world, "hangzhou", UNREADABLE % "live")
    registry, _ticks = another_process(world)
    with world.inside("hangzhou"):
        assert registry.snapshot.by_id[current_city_id()].revision == 1
        with pytest.raises(TenantIsolationError):
            db.session.scalar(select(Installation.version))


def test_the_last_good_revision_does_not_lift_a_suspension(world: World) -> None:
    """What the newest revision stops stays stopped, though the newest cannot be read."""
    _store_unchecked(world, "hangzhou", UNREADABLE % "suspended")
    registry, _ticks = another_process(world)
    assert registry.snapshot.cities["hangzhou"].state == "suspended"


def test_a_broken_baseline_falls_back_too(world: World) -> None:
    """A province's document that no longer compiles leaves its cities served."""
    _store_unchecked(world, "province:zhejiang", '{"province": "zhejiang", "site": {"hotline": 1}}')
    registry, _ticks = another_process(world)
    assert {"hangzhou", "ningbo", "shanghai"} == set(registry.snapshot.cities)
    assert registry.snapshot.broken.keys() == {"hangzhou", "ningbo"}


def test_a_fallback_takes_no_host_back_and_opens_no_lock(world: World) -> None:
    """An older text names a host that leads elsewhere now, and lacks a newer lock: both hold."""
    world.save(HANGZHOU.replace("hosts: [city.hangzhou.example]\n", ""))
    world.save(SHANGHAI + "hosts: [city.hangzhou.example]\n")
    _store_unchecked(world, "hangzhou", UNREADABLE % "live")
    world.save(NINGBO + "services: {utility_bills: {state: open}}\n")
    world.save(
        ZHEJIANG + "services: {utility_bills: {state: closed}}\nlocked: [services.utility_bills]\n"
    )
    broken = (
        '{"province": "zhejiang", "division_code": "330000", "site": {"hotline": 1},'
        ' "services": {"utility_bills": {"state": "closed"}}, "locked": ["services.utility_bills"]}'
    )
    _store_unchecked(world, "province:zhejiang", broken)
    registry, _ticks = another_process(world)
    host = registry.city_at("city.hangzhou.example")
    assert host is not None
    assert host.slug == "shanghai"
    assert registry.snapshot.cities["ningbo"].catalog["utility_bills"].state == "closed"


def test_a_restart_serves_the_same(world: World) -> None:
    """After a bad document was refused, a fresh process loads what was live before."""
    with pytest.raises(Exception, match="has errors"):
        world.save(HANGZHOU.replace("#0b6e4f", "plaid"), 1)
    registry, _ticks = another_process(world)
    assert registry.snapshot.cities["hangzhou"].color == "#0b6e4f"


def test_production_does_not_serve_the_demos_rows(world: World) -> None:
    """Even if the database is reached only after the start."""
    owner = create_engine(world.app.product.settings.owner_url)
    with owner.begin() as connection:
        connection.execute(text("UPDATE installation SET demo = true"))
    owner.dispose()
    registry = CityRegistry(world.app.registry.extensions, "localhost")
    with pytest.raises(NotReady, match="demo"):
        registry.refresh_if_due()


def test_statements_a_request_do_not_grow_with_cities(world: World) -> None:
    """The same look-ups and statements a page at three cities and at eighty."""

    def statements() -> int:
        world.app.registry.refresh()
        browser = world.client("hangzhou.localhost")
        with statements_sent() as found:
            browser.get("/services")
        return len([one for one in found if "installation" not in one])

    few = statements()
    for number in range(80):
        world.save(
            f'city: town-{number}\nprovince: zhejiang\ndivision_code: "33{number + 2000}"\n'
            f"name: {{zh: 城{number}, en: Town {number}}}\nstate: live\n"
        )
    assert statements() == few
