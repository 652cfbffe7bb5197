"""What the tests of identity share: cities with open ways in, and providers."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.channels import know_apps, open_apps
from tests.support.loopback import serving
from tests.support.lying_provider import Liar
from tests.support.world import World


@pytest.fixture
def apps(world: World) -> World:
    """Two cities with applications of their own at every provider."""
    world.once("apps", lambda: open_apps(world))
    know_apps(world)
    return world


@pytest.fixture(scope="session")
def lying() -> Iterator[tuple[Liar, str]]:
    """Over a real connection on loopback."""
    liar = Liar()
    with serving(liar.app) as base:
        yield liar, base
