"""What the tests of the database share."""

from __future__ import annotations

import pytest

from smartcity_saas.database import transaction
from smartcity_saas.identity.residents.models import Resident, ResidentIdentity
from tests.support.world import World


@pytest.fixture
def peopled(world: World) -> World:
    """Two cities with a resident each, named after the city."""
    for city in ("hangzhou", "shanghai"):
        with world.inside(city), transaction() as session:
            person = Resident(name=city, created_at=world.clock())
            session.add(person)
            session.flush()
            session.add(ResidentIdentity(resident_id=person.id, channel="demo", subject=city))
    return world
