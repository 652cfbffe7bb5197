"""What the tests of payments share."""

from __future__ import annotations

import pytest

from tests.support.payments import Disputed, Owing
from tests.support.world import World


@pytest.fixture
def owing(world: World) -> Owing:
    """A resident of Hangzhou who owes two bills of 43.50 and 30.00, and a city that takes money."""
    return Owing(world)


@pytest.fixture
def paid(world: World) -> Disputed:
    """A payment of 73.50 that came."""
    return Disputed(world)
