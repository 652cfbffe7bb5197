"""What leads to a level, or back to one: repair is nothing but doing it again.

Read in part, and not relied on for any rule: 失信行为纠正后的信用信息修复管理办法（试行）(National
Development and Reform Commission, order 58 of 2023; articles 1 and 2), replaced from 1 April 2026 by
信用修复管理办法 (order 36 of 2025; articles 1 to 4). Both are about records of breaches, which city
credit has none of; what it takes from them is that repair is a right, and that its way is said.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date

from smartcity_saas.services.city_credit.expiry import MONTHS_AFTER
from smartcity_saas.services.city_credit.standing import (
    LevelRule,
    Record,
    Rules,
    Standing,
    Term,
    first_day,
    lapses,
    steps_to,
)


@dataclass(frozen=True)
class Way:
    """What leads to a level.

    Attributes:
        missing: Points that are missing.
        steps: For each source that alone suffices, how much more it takes.
        held_until: The last day on which the level was held, where that is not long ago.
    """

    level: LevelRule
    missing: int
    steps: tuple[Term, ...]
    held_until: date | None


def ways(
    records: Collection[Record], found: Standing, rules: Rules, today: date
) -> Mapping[str, Way]:
    """What leads to each level that is not reached, by the level's name."""
    lapsed = lapses(records, rules, today, first_day(today, MONTHS_AFTER))
    return {
        level.name: Way(
            level,
            level.at_least - found.points,
            steps_to(level, found.terms, rules),
            lapsed.get(level.name),
        )
        for level in rules.levels
        if level.at_least > found.points
    }
