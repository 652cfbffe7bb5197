"""All members of a city at once, for what is counted of them and never told of one."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby

from sqlalchemy import and_, func, select
from sqlalchemy.orm import load_only

from smartcity_saas.database import db
from smartcity_saas.identity.residents.models import Resident
from smartcity_saas.services.city_credit.entries import AccountedEntry, accounted_entries
from smartcity_saas.services.city_credit.models import (
    CreditAppeal,
    CreditEntry,
    CreditMembership,
)
from smartcity_saas.services.city_credit.standing import Record

AT_A_TIME = 2_000


def has_members() -> bool:
    """Whether anybody has ever taken part in the current city."""
    return db.session.scalars(select(CreditMembership.id).limit(1)).first() is not None


def records_by_member() -> Iterator[list[Record]]:
    """What the rules read of each present member, without saying whose; an empty list for a member
    without entries."""
    with_entries = 0
    for records in _by_resident():
        with_entries += 1
        yield records
    for _member in range(_present_members() - with_entries):
        yield []


def _present_members() -> int:
    query = (
        select(func.count())
        .select_from(CreditMembership)
        .join(Resident, Resident.id == CreditMembership.resident_id)
        .where(CreditMembership.left_at.is_(None), Resident.closed_at.is_(None))
    )
    return db.session.scalar(query) or 0


def _by_resident() -> Iterator[list[Record]]:
    query = (
        accounted_entries()
        .join(
            CreditMembership,
            and_(
                CreditMembership.resident_id == CreditEntry.resident_id,
                CreditMembership.left_at.is_(None),
            ),
        )
        .join(Resident, Resident.id == CreditEntry.resident_id)
        .where(Resident.closed_at.is_(None))
        .order_by(CreditEntry.resident_id)
        .options(load_only(CreditAppeal.state))
        .execution_options(yield_per=AT_A_TIME)
    )
    rows = (AccountedEntry(*row) for row in db.session.execute(query))
    for _resident, entries in groupby(rows, key=lambda one: one.entry.resident_id):
        yield [one.record for one in entries]
