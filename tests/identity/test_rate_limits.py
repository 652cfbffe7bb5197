"""Counting attempts: never a fault, however many come in the same moment."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from smartcity_saas.errors import Throttled
from smartcity_saas.identity.rate_limits import count_attempt, give_back
from smartcity_saas.identity.residents.models import ResidentAttempt
from smartcity_saas.identity.staff.models import StaffAttempt
from tests.support.browser import fresh
from tests.support.world import World


@pytest.mark.parametrize("model", [ResidentAttempt, StaffAttempt])
def test_the_first_attempts_at_once(world: World, model: Any) -> None:
    """Eight at once on a fresh key, five allowed: five pass, three are refused."""

    def once() -> bool:
        with world.app.app_context():
            try:
                if model is StaffAttempt:
                    count_attempt(model, "k", 5, world.clock())
                else:
                    with world.inside("hangzhou"):
                        count_attempt(model, "k", 5, world.clock())
            except Throttled:
                return False
            return True

    with ThreadPoolExecutor(8) as pool:
        passed = list(pool.map(lambda _n: fresh(once), range(8)))  # type: ignore[arg-type]
    assert sum(map(bool, passed)) == 5


def test_what_turned_out_well_does_not_count(world: World) -> None:
    """Many people may share an address."""
    for _time in range(10):
        count_attempt(StaffAttempt, "address", 2, world.clock())
        give_back(StaffAttempt, "address")
    count_attempt(StaffAttempt, "address", 2, world.clock())
    count_attempt(StaffAttempt, "address", 2, world.clock())
    with pytest.raises(Throttled):
        count_attempt(StaffAttempt, "address", 2, world.clock())
