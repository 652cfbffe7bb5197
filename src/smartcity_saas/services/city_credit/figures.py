"""What anybody may know of city credit in a city: counts, made once a day, without small cells.

Residents per level, and the appeals of twelve months with their median time and the share that was
upheld. What is kept is what is published, so an anonymous page walks no entries. Appeals are counted
by month when they are decided, in rows that lead to nobody, because what was appealed leaves with
whoever leaves.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import delete, func, select
from uuid_utils.compat import uuid7

from smartcity_saas.clock import today_in
from smartcity_saas.configuration.city import City, Localized
from smartcity_saas.database import db, insert_once, transaction
from smartcity_saas.database.transactions import upsert_into
from smartcity_saas.measures import SMALL_CELL, suppressed
from smartcity_saas.services.city_credit.members import has_members, records_by_member
from smartcity_saas.services.city_credit.models import (
    AppealState,
    CreditAppeal,
    CreditAppealCount,
    CreditFigures,
)
from smartcity_saas.services.city_credit.rules import credit_rules
from smartcity_saas.services.city_credit.standing import standing
from smartcity_saas.tenancy.current import current_city
from smartcity_saas.tenant_context import current_city_id
from smartcity_saas.working_days import working_days_until

MONTHS = 12
UPHELD = (AppealState.UPHELD, AppealState.OVERDUE)
ANSWERED = (*UPHELD, AppealState.REJECTED)


@dataclass(frozen=True)
class Figures:
    """What is published of a day.

    Attributes:
        day: The city's day on which it was counted.
        levels: Each level's name, from the lowest, and its residents; None where the count is left
            out because it is small, or because a small one would follow from it.
        members: All together, None where that would give away a count that is left out.
        appeals: How many were decided in the twelve months before, without those that were
            withdrawn, or None: under 5.
        median_days: Working days until the answer; None for under 5 answers.
        upheld: The share of the answers that was for the resident, between 0 and 1; None likewise.
    """

    day: date
    levels: tuple[tuple[Localized, int | None], ...]
    members: int | None
    appeals: int | None
    median_days: float | None
    upheld: float | None


def count_decision(row: CreditAppeal, now: datetime) -> None:
    """Count an appeal that is decided, in the transaction of its decision: its month, how it ended
    and after how many working days, and nothing that leads to it."""
    zone = current_city().timezone
    today = today_in(zone, now)
    key = {
        "month": today.replace(day=1),
        "outcome": row.state,
        "days": working_days_until(today_in(zone, row.created_at), today),
    }
    statement = upsert_into(CreditAppealCount).values(
        city_id=current_city_id(), id=uuid7(), number=1, **key
    )
    db.session.execute(
        statement.on_conflict_do_update(
            index_elements=["city_id", *key], set_={"number": CreditAppealCount.number + 1}
        )
    )


def write_figures(now: datetime) -> None:
    """Count the current city's day, once; the figures of earlier days go."""
    city = current_city()
    today = today_in(city.timezone, now)
    if not has_members():
        return
    if db.session.scalars(select(CreditFigures.id).where(CreditFigures.day == today)).first():
        return
    made = {**_levels(city, today), **_appeals(today)}
    with transaction() as session:
        insert_once(CreditFigures, ("day",), day=today, figures=made)
        session.execute(delete(CreditFigures).where(CreditFigures.day < today))
        session.execute(
            delete(CreditAppealCount).where(CreditAppealCount.month < _first_month(today))
        )


def present_figures() -> Figures | None:
    """What was counted last in the current city; None where nothing has been."""
    query = select(CreditFigures).order_by(CreditFigures.day.desc()).limit(1)
    row = db.session.scalars(query).one_or_none()
    if row is None:
        return None
    levels = tuple((one["name"], one["residents"]) for one in row.figures["levels"])
    return Figures(day=row.day, **{**row.figures, "levels": levels})


def median(counts: Iterable[tuple[int, int]]) -> float | None:
    """The median of numbers that are given with how often each occurs; None of none."""
    ordered = sorted(counts)
    total = sum(number for _value, number in ordered)
    if not total:
        return None
    return (_at(ordered, (total - 1) // 2) + _at(ordered, total // 2)) / 2


def _levels(city: City, today: date) -> dict[str, Any]:
    credit = credit_rules(city)
    rules = credit.rules
    cells = Counter({level.name: 0 for level in rules.levels})
    cells.update(standing(records, rules, today).level.name for records in records_by_member())
    shown = suppressed(cells, total_known=True)
    whole = all(value is not None for value in shown.values())
    return {
        "levels": [
            {"name": dict(credit.level_name(name)), "residents": value}
            for name, value in shown.items()
        ],
        "members": cells.total() if whole else None,
    }


def _appeals(today: date) -> dict[str, Any]:
    query = (
        select(
            CreditAppealCount.outcome, CreditAppealCount.days, func.sum(CreditAppealCount.number)
        )
        .where(CreditAppealCount.month >= _first_month(today))
        .group_by(CreditAppealCount.outcome, CreditAppealCount.days)
    )
    rows = [(AppealState(row[0]), row[1], int(row[2])) for row in db.session.execute(query)]
    answered = [(days, number) for outcome, days, number in rows if outcome in ANSWERED]
    upheld = sum(number for outcome, _days, number in rows if outcome in UPHELD)
    answers = sum(number for _days, number in answered)
    enough = answers >= SMALL_CELL
    return {
        "appeals": answers if enough or not answers else None,
        "median_days": median(answered) if enough else None,
        "upheld": upheld / answers if enough else None,
    }


def _first_month(today: date) -> date:
    """The first of the twelve months that end with this one."""
    year, month = divmod(today.year * 12 + today.month - 1 - (MONTHS - 1), 12)
    return date(year, month + 1, 1)


def _at(ordered: list[tuple[int, int]], place: int) -> int:
    for value, number in ordered:
        if place < number:
            return value
        place -= number
    raise IndexError(place)
