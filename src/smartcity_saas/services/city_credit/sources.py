"""The sources of a city as a member sees them: what each brought, and what turning it off does."""

from __future__ import annotations

import uuid
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from smartcity_saas.configuration.city import City
from smartcity_saas.services.city_credit.consent import choices_of, takes
from smartcity_saas.services.city_credit.entries import entries_of, standing_of
from smartcity_saas.services.city_credit.membership import entries_by_source
from smartcity_saas.services.city_credit.models import CreditSourceChoice
from smartcity_saas.services.city_credit.rules import CreditRules
from smartcity_saas.services.city_credit.standing import SourceRule, Standing


class SourceState(StrEnum):
    """How a source stands with a member."""

    COUNTS = "counts"
    OFF = "off"
    NEW = "new"
    """The member has never been asked; nothing of it is taken."""
    CHANGED = "changed"
    """It is something else by now; nothing new is taken, what is there counts on."""


@dataclass(frozen=True)
class SourceView:
    """One source with its state, and how many entries it has brought."""

    rule: SourceRule
    state: SourceState
    entries: int

    @property
    def is_on(self) -> bool:
        """Whether its switch is on."""
        return self.state in (SourceState.COUNTS, SourceState.CHANGED)

    @property
    def is_new(self) -> bool:
        """Whether the member has never been asked."""
        return self.state is SourceState.NEW

    @property
    def is_changed(self) -> bool:
        """Whether it is something else than what the member agreed to."""
        return self.state is SourceState.CHANGED


def source_views(resident_id: uuid.UUID, credit: CreditRules) -> list[SourceView]:
    """Every source of the rules, in their order."""
    choices, counts = choices_of(resident_id), entries_by_source(resident_id)
    return [
        SourceView(rule, _state(choices.get(name), credit), counts.get(name, 0))
        for name, rule in credit.rules.sources.items()
    ]


def standing_without(
    resident_id: uuid.UUID, off: Collection[str], city: City, today: date
) -> Standing:
    """The level that a member would have without what some sources brought."""
    left = [one for one in entries_of(resident_id) if one.entry.source not in off]
    return standing_of(left, city, today)


def _state(choice: CreditSourceChoice | None, credit: CreditRules) -> SourceState:
    if choice is None:
        return SourceState.NEW
    if not choice.counts:
        return SourceState.OFF
    return SourceState.COUNTS if takes(choice, credit) else SourceState.CHANGED
