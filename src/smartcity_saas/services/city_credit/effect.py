"""How many residents would rise or fall by other rules: told to whoever stores them, and never who."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from flask import has_request_context

from smartcity_saas.clock import today_in
from smartcity_saas.configuration.extensions import SettingsChange
from smartcity_saas.identity.assisted_service.access_log import not_shown
from smartcity_saas.measures import SMALL_CELL
from smartcity_saas.services.city_credit.members import records_by_member
from smartcity_saas.services.city_credit.rules import rules_of
from smartcity_saas.services.city_credit.standing import LevelRule, standing
from smartcity_saas.tenancy.context import tenant_context
from smartcity_saas.texts import lazy_gettext as _


def effect(change: SettingsChange) -> list[Any]:
    """In a sentence, how many members' levels another text of the rules would raise or lower today;
    nothing where the rules say the same."""
    before, after = rules_of(change.before), rules_of(change.after)
    if before == after:
        return []
    today = today_in(change.zone, change.now)
    rises = falls = 0
    with tenant_context(change.city_id), _unseen():
        for records in records_by_member():
            step = compare(
                standing(records, before, today).level.name,
                standing(records, after, today).level.name,
                before.levels,
                after.levels,
            )
            rises += step > 0
            falls += step < 0
    return [
        _(
            "Today, by these rules: %(rises)s to a higher level, %(falls)s to a lower one.",
            rises=_people(rises),
            falls=_people(falls),
        )
    ]


def _unseen() -> AbstractContextManager[None]:
    """Nobody's entries are shown to whoever saves, so nobody's are noted as seen."""
    return not_shown() if has_request_context() else nullcontext()


def compare(was: str, becomes: str, before: Sequence[LevelRule], after: Sequence[LevelRule]) -> int:
    """Whether one level is above (1) or below (-1) another: by the order of the older levels, else
    of the newer, where one of the two knows both; else by how many stand below each."""
    old, new = [one.name for one in before], [one.name for one in after]
    for order in (old, new):
        if was in order and becomes in order:
            return _sign(order.index(becomes) - order.index(was))
    return _sign(new.index(becomes) - old.index(was))


def _sign(difference: int) -> int:
    return (difference > 0) - (difference < 0)


def _people(number: int) -> Any:
    if number < SMALL_CELL:
        return _("fewer than %(least)s residents", least=SMALL_CELL)
    return _("%(number)s residents", number=number)
