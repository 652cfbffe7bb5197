"""Entries that are over: erased when their time, and three months to read why, have passed.

Personal Information Protection Law, article 47: what is no longer needed for its purpose, or has been
kept for as long as was said, is deleted of itself.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta

from sqlalchemy import ColumnElement, exists, or_, select

from smartcity_saas.clock import today_in
from smartcity_saas.database import db, transaction
from smartcity_saas.services.city_credit.consent import note_version
from smartcity_saas.services.city_credit.members import has_members
from smartcity_saas.services.city_credit.membership import forget_entries
from smartcity_saas.services.city_credit.models import (
    AppealState,
    CreditAppeal,
    CreditEntry,
    CreditSourceChoice,
)
from smartcity_saas.services.city_credit.rules import CreditRules, credit_rules
from smartcity_saas.services.city_credit.standing import first_day
from smartcity_saas.tenancy.current import current_city

MONTHS_AFTER = 3
"""Calendar months for which an expired entry is shown, with what makes up for it."""
WITHOUT_RULE = timedelta(days=30)
"""How long entries wait for a source that the city may have taken out by mistake."""


def forget_expired(now: datetime) -> None:
    """Erase what is over in the current city. What somebody appeals against waits for its answer."""
    if not has_members():
        return
    city = current_city()
    credit, today = credit_rules(city), today_in(city.timezone, now)
    with transaction():
        version = note_version(city, now)
        over = [*_expired(credit, today), _without_choice()]
        if version.seen_at is not None and version.seen_at <= now - WITHOUT_RULE:
            over.append(CreditEntry.source.not_in(credit.rules.sources))
        appealed = exists().where(
            CreditAppeal.entry_id == CreditEntry.id, CreditAppeal.state == AppealState.OPEN
        )
        forget_entries(or_(*over) & ~appealed)


def _expired(credit: CreditRules, today: date) -> list[ColumnElement[bool]]:
    """Of each source, what has passed the time of its rule, or the shorter one that was agreed to."""
    found: list[ColumnElement[bool]] = []
    for name, rule in credit.rules.sources.items():
        of_source = CreditEntry.source == name
        found.append(of_source & (CreditEntry.day < first_day(today, rule.months + MONTHS_AFTER)))
        agreed = select(CreditSourceChoice.months).where(
            CreditSourceChoice.source == name, CreditSourceChoice.months < rule.months
        )
        for months in db.session.scalars(agreed.distinct()):
            whose = select(CreditSourceChoice.resident_id).where(
                CreditSourceChoice.source == name, CreditSourceChoice.months == months
            )
            before = CreditEntry.day < first_day(today, months + MONTHS_AFTER)
            found.append(of_source & before & CreditEntry.resident_id.in_(whose))
    return found


def _without_choice() -> ColumnElement[bool]:
    """What came from another account, of a source that its owner has off here."""
    return ~exists().where(
        CreditSourceChoice.resident_id == CreditEntry.resident_id,
        CreditSourceChoice.source == CreditEntry.source,
        CreditSourceChoice.counts.is_(True),
    )
