"""Taking part: by consent of its own, and left as easily as joined."""

from __future__ import annotations

import uuid
from datetime import date, datetime

from sqlalchemy import ColumnElement, delete, select

from smartcity_saas.audit import record
from smartcity_saas.clock import today_in
from smartcity_saas.database import db, transaction
from smartcity_saas.identity.residents.accounts import SignedInResident
from smartcity_saas.identity.residents.models import Resident
from smartcity_saas.notifications.models import Message, MessageDelivery
from smartcity_saas.services.city_credit.models import (
    CreditAppeal,
    CreditAppealPhoto,
    CreditCertificate,
    CreditEntry,
    CreditMembership,
)
from smartcity_saas.services.city_credit.names import SERVICE

CONSENT_VERSION = "2026-11"
"""To which text of the page of consent somebody agreed; kept as proof."""


def membership_of(resident_id: uuid.UUID) -> CreditMembership | None:
    """A resident's present membership, None for whoever never joined, has left or is gone."""
    query = (
        select(CreditMembership)
        .join(Resident, Resident.id == CreditMembership.resident_id)
        .where(
            CreditMembership.resident_id == resident_id,
            CreditMembership.left_at.is_(None),
            Resident.closed_at.is_(None),
        )
    )
    return db.session.scalars(query).one_or_none()


def locked_membership(resident_id: uuid.UUID) -> CreditMembership | None:
    """The same, and nobody joins or leaves as this resident until the transaction ends."""
    _lock(resident_id)
    return membership_of(resident_id)


def covers(membership: CreditMembership, day: date, zone: str) -> bool:
    """Whether something was done on or after the day on which its doer joined."""
    return day >= today_in(zone, membership.joined_at)


def join(resident: SignedInResident, now: datetime) -> None:
    """Note that a resident agrees to take part; once is enough."""
    with transaction() as session:
        _lock(resident.id)
        if membership_of(resident.id) is None:
            session.add(
                CreditMembership(
                    resident_id=resident.id, consent_version=CONSENT_VERSION, joined_at=now
                )
            )
            record(resident.actor, f"{SERVICE}.join", "", {}, now)


def leave(resident: SignedInResident, now: datetime) -> None:
    """Withdraw the consent: entries and appeals are erased at once, what is booked stays.

    That somebody agreed, and until when, is kept as proof.
    """
    with transaction() as session:
        _lock(resident.id)
        found = membership_of(resident.id)
        if found is None:
            return
        found.left_at = now
        own = select(CreditEntry.id).where(CreditEntry.resident_id == resident.id)
        forget_appeals(CreditAppeal.entry_id.in_(own))
        session.execute(
            delete(CreditCertificate).where(CreditCertificate.resident_id == resident.id)
        )
        session.execute(delete(CreditEntry).where(CreditEntry.resident_id == resident.id))
        record(resident.actor, f"{SERVICE}.leave", "", {}, now)


def forget_appeals(which: ColumnElement[bool]) -> None:
    """Erase appeals with their photographs and the messages that told of them."""
    found = list(db.session.scalars(select(CreditAppeal.id).where(which)))
    keys = [appeal_key(appeal_id) for appeal_id in found]
    told = select(Message.id).where(Message.key.in_(keys))
    for model, rows in (
        (CreditAppealPhoto, CreditAppealPhoto.appeal_id.in_(found)),
        (CreditAppeal, CreditAppeal.id.in_(found)),
        (MessageDelivery, MessageDelivery.message_id.in_(told)),
        (Message, Message.key.in_(keys)),
    ):
        db.session.execute(delete(model).where(rows))


def appeal_key(appeal_id: uuid.UUID) -> str:
    """What the message about an appeal is known by."""
    return f"credit_appeal:{appeal_id}"


def _lock(resident_id: uuid.UUID) -> None:
    db.session.scalars(select(Resident).where(Resident.id == resident_id).with_for_update()).one()
