"""Taking part: by consent of its own, and left as easily as joined."""

from __future__ import annotations

import uuid
from datetime import datetime

from sqlalchemy import delete, select

from smartcity_saas.audit import record
from smartcity_saas.database import db, transaction
from smartcity_saas.identity.residents.accounts import SignedInResident
from smartcity_saas.identity.residents.models import Resident
from smartcity_saas.services.city_credit.models import (
    CreditAppeal,
    CreditAppealPhoto,
    CreditCertificate,
    CreditEntry,
    CreditMembership,
)
from smartcity_saas.services.city_credit.names import SERVICE

CONSENT_VERSION = "2026-11"
"""Changes with what the page of consent says; who agreed to another is asked again."""


def membership_of(resident_id: uuid.UUID) -> CreditMembership | None:
    """A resident's present membership, None for whoever never joined or has left."""
    query = select(CreditMembership).where(
        CreditMembership.resident_id == resident_id, CreditMembership.left_at.is_(None)
    )
    return db.session.scalars(query).one_or_none()


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

    That somebody agreed, and until when, is kept as proof (PIPL, articles 14 and 69).
    """
    with transaction() as session:
        _lock(resident.id)
        found = membership_of(resident.id)
        if found is None:
            return
        found.left_at = now
        appeals = select(CreditAppeal.id).where(CreditAppeal.resident_id == resident.id)
        session.execute(delete(CreditAppealPhoto).where(CreditAppealPhoto.appeal_id.in_(appeals)))
        session.execute(delete(CreditAppeal).where(CreditAppeal.resident_id == resident.id))
        session.execute(
            delete(CreditCertificate).where(CreditCertificate.resident_id == resident.id)
        )
        session.execute(delete(CreditEntry).where(CreditEntry.resident_id == resident.id))
        record(resident.actor, f"{SERVICE}.leave", "", {}, now)


def _lock(resident_id: uuid.UUID) -> None:
    db.session.scalars(select(Resident).where(Resident.id == resident_id).with_for_update()).one()
