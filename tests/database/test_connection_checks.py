"""Pooled connections to PostgreSQL: none that is gone is used, and none is asked in vain."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select

from smartcity_saas.database import connection_checks, db
from smartcity_saas.identity.residents.models import Resident
from tests.support.states import drop_connections
from tests.support.world import World


@pytest.fixture
def asked(peopled: World, monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """Connections that were asked by a query whether they still work."""
    if peopled.engine == "sqlite":
        pytest.skip("a file drops no connection")
    found: list[object] = []
    dialect, ping = db.engine.dialect, db.engine.dialect.do_ping

    def note(connection: Any) -> bool:
        found.append(connection)
        return bool(ping(connection))

    monkeypatch.setattr(dialect, "do_ping", note)
    return found


def _read(world: World) -> list[str]:
    with world.inside("hangzhou"):
        return list(db.session.scalars(select(Resident.name)))


def test_a_connection_in_use_is_not_asked(peopled: World, asked: list[object]) -> None:
    """A request that follows another sends no query but its own."""
    _read(peopled)
    asked.clear()
    assert _read(peopled) == ["hangzhou"]
    assert not asked


def test_a_dropped_connection_is_replaced(peopled: World, asked: list[object]) -> None:
    """Promise: whoever comes next after the server has restarted notices nothing, however soon."""
    _read(peopled)
    db.session.rollback()
    drop_connections(peopled)
    assert _read(peopled) == ["hangzhou"]
    assert asked


def test_an_idle_connection_is_asked(
    peopled: World, asked: list[object], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Promise: what a network has forgotten without a word is found before it is used."""
    _read(peopled)
    asked.clear()
    monkeypatch.setattr(connection_checks, "IDLE_SECONDS", 0)
    assert _read(peopled) == ["hangzhou"]
    assert asked
