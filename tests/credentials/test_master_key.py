"""A database belongs to one master key: another starts nothing, and nothing is sealed with it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from click.testing import CliRunner

import smartcity_saas.cli as command_line
from smartcity_saas.app import create_app
from smartcity_saas.audit import system
from smartcity_saas.cli.keys import secrets
from smartcity_saas.credentials import read_credential, rewrap, store_credential
from smartcity_saas.credentials.master_key import admit_master_key
from smartcity_saas.database.transactions import db
from smartcity_saas.errors import SettingsError
from smartcity_saas.tenancy.context import tenant_context
from smartcity_saas.worker import make_runner
from tests.support.browser import fresh
from tests.support.documents import KEY
from tests.support.world import World

STRAY = "a stray key of the tests, longer than thirty-two characters"
CITIES = ("hangzhou", "ningbo")


def with_keys(world: World, key: str, old: str, work: Callable[[Any], Any]) -> Any:
    """Do something in a process of its own keys, started as a server is."""
    settings = replace(world.app.product.settings, master_key=key, old_master_key=old)

    def inside() -> Any:
        app = create_app(settings, serving=True)
        try:
            with app.app_context():
                return work(app)
        finally:
            with app.app_context():
                db.engine.dispose()

    db.session.rollback()
    return fresh(inside)


def starts(world: World, key: str, old: str = "") -> bool:
    try:
        with_keys(world, key, old, lambda app: None)
    except SettingsError as error:
        assert "SMARTCITY_OLD_MASTER_KEY" in str(error.detail)
        return False
    return True


def keep(app: Any, city_id: int, value: str) -> None:
    with tenant_context(city_id):
        ring, now = app.product.keyring, app.product.clock()
        store_credential(ring, system("test"), "stripe_secret_key", value, now)


def test_another_key_starts_nothing(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Server, worker and command, with what to do; whoever has the right one goes on."""
    assert starts(world, KEY)
    assert not starts(world, STRAY)
    settings = replace(world.app.product.settings, master_key=STRAY)
    app = create_app(settings, serving=False)
    with pytest.raises(SettingsError, match="not the one of this database"):
        fresh(lambda: make_runner(app))  # type: ignore[arg-type, return-value]
    monkeypatch.setattr(command_line.Settings, "from_environment", lambda: settings)
    for words in (["secrets", "list", "hangzhou"], ["history", "hangzhou"], ["plan"]):
        answer = fresh(lambda words=words: CliRunner().invoke(command_line.main, words))  # type: ignore[misc]
        assert answer.exit_code == 1, words
        assert "not the one of this database" in answer.output
    assert starts(world, KEY)


def test_nothing_is_sealed_with_another_key(world: World) -> None:
    """A process that runs already when the database turns out to be another's: it says that it is
    not ready, a new city's key is not made, and what was sealed still opens."""
    ids = {city: world.city_id(city) for city in CITIES}
    with_keys(world, KEY, "", lambda app: keep(app, ids["hangzhou"], "kept"))

    def stray(app: Any) -> None:
        app.registry.admit = lambda: None
        app.registry.refresh()
        keep(app, ids["ningbo"], "lost")

    app = create_app(replace(world.app.product.settings, master_key=STRAY), serving=False)
    ready = fresh(app.test_client().get, "/readyz", base_url="http://localhost")
    assert (ready.status_code, ready.json["checks"]["master_key"]) == (503, False)  # type: ignore[index]

    def seal() -> None:
        with app.app_context(), pytest.raises(SettingsError, match="not the one"):
            stray(app)

    fresh(seal)  # type: ignore[arg-type]

    def right(app: Any) -> Any:
        keep(app, ids["ningbo"], "kept too")
        with tenant_context(ids["hangzhou"]):
            use = next(
                u for u in app.registry.snapshot.by_id[ids["hangzhou"]].secret_uses if u.pays
            )
            return read_credential(app.product.keyring, use)

    assert with_keys(world, KEY, "", right) == "kept"
    ready = fresh(world.app.test_client().get, "/readyz", base_url="http://localhost")
    assert ready.json["checks"]["master_key"]  # type: ignore[index]


def test_changing_the_key_killed_midway(world: World) -> None:
    """Two cities. The new key beside the old one begins the change; from then on the old one alone
    seals nothing, and the new one alone starts only when everything is sealed anew."""
    ids = {city: world.city_id(city) for city in CITIES}
    for city in CITIES:
        with_keys(world, KEY, "", lambda app, city=city: keep(app, ids[city], f"of {city}"))

    def one_city(app: Any) -> None:
        with tenant_context(ids["hangzhou"]):
            assert rewrap(app.product.keyring)

    with_keys(world, STRAY, KEY, one_city)
    assert not starts(world, KEY)
    assert not starts(world, STRAY)
    with pytest.raises(SettingsError):
        admit_master_key(world.app.product.keyring)
    finish = CliRunner().invoke
    answer = with_keys(world, STRAY, KEY, lambda app: finish(secrets, ["rotate-master"]))
    assert answer.exit_code == 0, answer.output
    assert starts(world, STRAY)
    assert not starts(world, KEY)
