"""What the tests of packs share: two cities with an application at every app, payments, and a service
that their documents define."""

from __future__ import annotations

import pytest

from tests.support.app_packs import FORM
from tests.support.channels import open_apps
from tests.support.world import World


@pytest.fixture
def packed(world: World) -> World:
    """Hangzhou and Ningbo can hand in to every app."""
    open_apps(world, FORM)
    for city in ("hangzhou", "ningbo"):
        world.open_payments(city)
    return world
