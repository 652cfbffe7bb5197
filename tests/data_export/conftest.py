"""Days of three cities in two provinces, some of them of few people."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from smartcity_saas.measures import Measure
from tests.support.exporting import BILLS, CITIES, CLINIC, DAYS, Exporting
from tests.support.world import World


@pytest.fixture
def exporting(world: World, tmp_path: Path) -> Exporting:
    """The three cities, and what they did."""
    made = Exporting(world, tmp_path)
    if world.states.bring("exporting"):
        return made
    for place, slug in enumerate(CITIES):
        rows = []
        for back in range(DAYS):
            day = made.yesterday - timedelta(days=back)
            number = 20 + (back * 7 + place * 3) % 11
            rows += [
                (day, BILLS, "none", Measure.OFFERED.value, "", 1),
                (day, BILLS, "web", Measure.DONE.value, "", number),
                (day, BILLS, "web", Measure.AMOUNT.value, "CNY", number * 4_200),
                (day, BILLS, "web", Measure.WAIT.value, "15", number - 6),
                (day, BILLS, "web", Measure.WAIT.value, "60", 6),
                (day, CLINIC, "alipay", Measure.DONE.value, "", 8),
                (day, CLINIC, "web", Measure.DONE.value, "", back % 3 + 1),
                (day, CLINIC, "web", Measure.OUTAGE.value, f"08:{back % 4}5", 3),
            ]
        made.add(slug, rows)
    world.states.keep("exporting")
    return made
