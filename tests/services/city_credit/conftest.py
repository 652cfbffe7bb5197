"""City credit, open in Hangzhou."""

from __future__ import annotations

import pytest

from tests.support.city_credit import CreditCity
from tests.support.world import World


@pytest.fixture
def credit(world: World) -> CreditCity:
    """Hangzhou with city credit open."""
    return CreditCity(world)
