"""How sure a city is of a resident, and how one becomes surer.

The levels: ``none`` (somebody came in by a channel), ``contact`` (a number or mail address of
theirs was verified), ``real_name`` (name and resident number by GB 11643, or a channel's word for
both). A service states the level that it needs.
"""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from flask_babel import lazy_gettext as _
from sqlalchemy import select

from smartcity_saas.audit import record
from smartcity_saas.clock import today_in
from smartcity_saas.credentials.personal_encryption import own_index, seal_personal
from smartcity_saas.database import transaction
from smartcity_saas.errors import Conflict, SmartCityError
from smartcity_saas.identity.rate_limits import DAY, count_attempt
from smartcity_saas.identity.residents.accounts import SignedInResident
from smartcity_saas.identity.residents.consents import REAL_NAME, give
from smartcity_saas.identity.residents.identity_numbers import read_real_name
from smartcity_saas.identity.residents.models import Resident, ResidentAttempt, ResidentContact
from smartcity_saas.tenancy.current import current_city

OWN_WORD = "resident"
MOST_NAMES_A_DAY = 5
LEVELS = ("none", "contact", "real_name")
LEVEL_NAMES: dict[str, Any] = {
    "none": _("Not verified"),
    "contact": _("Contact verified"),
    "real_name": _("Real name verified"),
}


NAME_COLUMNS = ("real_name", "number", "number_index", "verified_by", "verified_at")
"""What an account's row holds of a real name."""


class NotAssured(SmartCityError):
    """The service needs to be surer of the resident; ``needs`` is the level."""

    status = 403
    title = _("One more step")

    def __init__(self, needs: str) -> None:
        super().__init__(
            _("Verify your real name first, under “My account”.")
            if needs == "real_name"
            else _("Verify a mobile number first, under “My account”.")
        )
        self.needs = needs


class NumberTaken(Conflict):
    """Another account of this city has the number."""

    title = _("Another account in this city uses this number")


def suffices(level: str, needed: str) -> bool:
    """Whether a level is enough."""
    return LEVELS.index(level) >= LEVELS.index(needed)


def verify_contact(
    resident_id: uuid.UUID, kind: str, address: str, language: str, now: datetime
) -> None:
    """Keep a verified number (``sms``) or mail address (``mail``), in place of an older one."""
    sealed = seal_personal(kind, address, now)
    with transaction() as session:
        row = session.scalars(
            select(ResidentContact)
            .where(ResidentContact.resident_id == resident_id, ResidentContact.kind == kind)
            .with_for_update()
        ).one_or_none()
        if row is None:
            row = ResidentContact(resident_id=resident_id, kind=kind)
            session.add(row)
        row.sealed, row.shown = sealed, masked_contact(kind, address)
        row.language, row.verified_at = language, now
        session.flush()
        raise_level(resident_id)


def verify_real_name(
    resident: SignedInResident, name: str, number: str, now: datetime, *, by: str = OWN_WORD
) -> None:
    """Keep somebody's real name and resident number, sealed.

    Args:
        resident: Whose.
        name: As typed.
        number: As typed.
        now: The time.
        by: Who vouches: ``resident`` for their own word, else a channel's name.

    Raises:
        FieldErrors: What is wrong, by field.
        NumberTaken: Another account of this city has the number.
        Conflict: A channel has verified the name already.
        Throttled: Too many were tried within the day.
    """
    name, number = read_real_name(name, number, today_in(current_city().timezone, now))
    index = own_index("resident number", number, now)
    sealed = seal_personal("real_name", name, now), seal_personal("number", number, now)
    own_word = by == OWN_WORD
    if own_word:
        count_attempt(ResidentAttempt, f"real-name:{resident.id}", MOST_NAMES_A_DAY, now, DAY)
    with transaction() as session:
        other = session.scalars(
            select(Resident)
            .where(Resident.number_index == index, Resident.id != resident.id)
            .with_for_update()
        ).one_or_none()
        if other is not None and (own_word or other.verified_by != OWN_WORD):
            raise NumberTaken(
                _("Sign in with that account and merge the two, or call the hotline.")
            )
        if other is not None:  # somebody's word gives way to a channel that has verified it
            blank_name(other)
            session.flush()
            raise_level(other.id)
        row = _locked(resident.id)
        if own_word and row.verified_by not in (None, OWN_WORD):
            raise Conflict(_("Your sign-in method has already verified your name."))
        row.real_name, row.number = sealed
        row.number_index, row.verified_by, row.verified_at = index, by, now
        give(resident.id, REAL_NAME, now)
        record(resident.actor, "resident.real_name", f"resident:{resident.id}", {"by": by}, now)
        raise_level(resident.id)


def forget_real_name(resident: SignedInResident, now: datetime) -> None:
    """Erase somebody's real name and number."""
    with transaction():
        blank_name(_locked(resident.id))
        record(resident.actor, "resident.forget_real_name", f"resident:{resident.id}", {}, now)
        raise_level(resident.id)


def blank_name(row: Resident) -> None:
    """Take the real name and all that came with it out of an account's row."""
    for name in NAME_COLUMNS:
        setattr(row, name, None)


def raise_level(resident_id: uuid.UUID) -> None:
    """Work out anew how sure the city is of a resident; it may also fall."""
    with transaction() as session:
        row = _locked(resident_id)
        contact = session.scalars(
            select(ResidentContact.id).where(
                ResidentContact.resident_id == resident_id,
                ResidentContact.verified_at.is_not(None),
            )
        ).first()
        named = row.number_index is not None
        row.assurance = "real_name" if named else "contact" if contact else "none"


def masked_contact(kind: str, address: str) -> str:
    """A contact as screens show it."""
    if kind == "mail":
        name, _at, domain = address.partition("@")
        return f"{name[:1]}***@{domain}"
    return f"{address[:3]}****{address[-4:]}" if len(address) > 10 else f"****{address[-2:]}"


def _locked(resident_id: uuid.UUID) -> Resident:
    with transaction() as session:
        return session.scalars(
            select(Resident).where(Resident.id == resident_id).with_for_update()
        ).one()
