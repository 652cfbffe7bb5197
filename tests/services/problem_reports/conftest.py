"""Two cities where problems can be reported."""

from __future__ import annotations

import pytest

from tests.support.problem_reports import Reports
from tests.support.world import World


@pytest.fixture
def reports(world: World) -> Reports:
    """Hangzhou and Ningbo with problem reports open."""
    return Reports(world)
