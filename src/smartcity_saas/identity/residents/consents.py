"""What residents agree to, purpose by purpose and version by version (PIPL, articles 13 to 17)."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

from flask_babel import lazy_gettext as _
from sqlalchemy import select, update

from smartcity_saas.database import db, transaction
from smartcity_saas.identity.residents.models import Consent, Resident
from smartcity_saas.texts import Text

PRIVACY, MESSAGES, REAL_NAME = "privacy", "messages", "real_name"


@dataclass(frozen=True)
class Purpose:
    """Something that personal data is used for. ``version`` changes with what it says; who has
    agreed to an older one is asked again. Without ``needed`` nobody can have an account."""

    name: str
    version: str
    title: Text
    says: Text
    needed: bool = False


PURPOSES: Mapping[str, Purpose] = {
    found.name: found
    for found in (
        Purpose(
            PRIVACY,
            "2026-11",
            _("Keeping an account for you"),
            _(
                "Within this city, we keep how you sign in, what you link, book and pay, and a record of it, so that you can find it again."
            ),
            needed=True,
        ),
        Purpose(
            MESSAGES,
            "2026-11",
            _("Sending you messages"),
            _(
                "We send messages about your services to your verified mobile number or email address."
            ),
        ),
        Purpose(
            REAL_NAME,
            "2026-11",
            _("Verifying your real name"),
            _(
                "We keep your name and ID number, encrypted, for services that you can only use under your own name."
            ),
        ),
    )
}


def give(resident_id: uuid.UUID, purpose: str, now: datetime) -> None:
    """Note that a resident agrees to the present version of a purpose; once is enough."""
    version = PURPOSES[purpose].version
    with transaction() as session:
        if purpose == PRIVACY:
            session.execute(
                update(Resident).where(Resident.id == resident_id).values(consented=version)
            )
        standing = session.scalars(
            select(Consent.id).where(
                Consent.resident_id == resident_id,
                Consent.purpose == purpose,
                Consent.version == version,
                Consent.withdrawn_at.is_(None),
            )
        ).first()
        if standing is None:
            session.add(
                Consent(resident_id=resident_id, purpose=purpose, version=version, given_at=now)
            )


def withdraw(resident_id: uuid.UUID, purpose: str, now: datetime) -> None:
    """Note that a resident takes their consent to a purpose back."""
    with transaction() as session:
        session.execute(
            update(Consent)
            .where(
                Consent.resident_id == resident_id,
                Consent.purpose == purpose,
                Consent.withdrawn_at.is_(None),
            )
            .values(withdrawn_at=now)
        )
        if purpose == PRIVACY:
            session.execute(
                update(Resident).where(Resident.id == resident_id).values(consented=None)
            )


def agrees(resident_id: uuid.UUID, purpose: str) -> bool:
    """Whether a resident agrees to the present version of a purpose."""
    return resident_id in standing([resident_id], purpose)


def standing(resident_ids: Collection[uuid.UUID], purpose: str) -> set[uuid.UUID]:
    """Those of some residents who agree to the present version of a purpose."""
    query = select(Consent.resident_id).where(
        Consent.resident_id.in_(list(resident_ids)),
        Consent.purpose == purpose,
        Consent.version == PURPOSES[purpose].version,
        Consent.withdrawn_at.is_(None),
    )
    found: set[uuid.UUID] = set(db.session.scalars(query))
    return found


def consents_of(resident_id: uuid.UUID) -> list[Consent]:
    """Every consent of a resident's, given and taken back, the newest first."""
    query = select(Consent).where(Consent.resident_id == resident_id)
    return list(db.session.scalars(query.order_by(Consent.given_at.desc(), Consent.id.desc())))
