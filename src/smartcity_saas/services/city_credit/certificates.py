"""Certificates: a resident shows a code, a partner learns whether one benefit holds, and nothing else."""

from __future__ import annotations

import secrets
import uuid
from datetime import datetime, timedelta

from flask_babel import lazy_gettext as _
from sqlalchemy import delete, select

from smartcity_saas.audit import record
from smartcity_saas.clock import today_in
from smartcity_saas.database import db, transaction
from smartcity_saas.errors import Conflict, NotFound
from smartcity_saas.identity.api_clients.clients import SignedInClient
from smartcity_saas.identity.rate_limits import count_attempt
from smartcity_saas.identity.residents.accounts import SignedInResident
from smartcity_saas.identity.residents.models import ResidentAttempt
from smartcity_saas.identity.tokens import token_hash
from smartcity_saas.services.city_credit.entries import entries_of, standing_of
from smartcity_saas.services.city_credit.membership import locked_membership, membership_of
from smartcity_saas.services.city_credit.models import CreditCertificate, CreditQuestion
from smartcity_saas.services.city_credit.names import SERVICE
from smartcity_saas.services.city_credit.rules import Benefit, credit_rules
from smartcity_saas.services.city_credit.standing import reaches
from smartcity_saas.tenancy.current import current_city

VALID_FOR = timedelta(minutes=10)
KNOWN_FOR = timedelta(days=1)
"""How long a code is known after its time, for what is asked late."""
CODE_DIGITS = 10
MOST_AN_HOUR = 30
MOST_SHOWN = 50


def benefit_of(name: str) -> Benefit:
    """A benefit of the city's that partners check by a code.

    Raises:
        NotFound: The city has none of that name.
    """
    found = _known().get(name)
    if found is None:
        raise NotFound(_("This city has no such benefit."))
    return found


def holds(resident_id: uuid.UUID, benefit: Benefit, now: datetime) -> bool:
    """Whether a benefit holds for a resident now: who does not take part has none."""
    city = current_city()
    if membership_of(resident_id) is None:
        return False
    today = today_in(city.timezone, now)
    found = standing_of(entries_of(resident_id), city, today)
    return reaches(found, benefit.level, credit_rules(city).rules)


def issue(resident: SignedInResident, name: str, now: datetime) -> str:
    """A new code for a benefit, to be shown within ten minutes; it is kept as a hash alone.

    Raises:
        NotFound: The city has no such benefit.
        Conflict: It does not hold for the resident.
        Throttled: Too many codes.
    """
    benefit = benefit_of(name)
    key = f"certificate:{resident.id}"
    count_attempt(ResidentAttempt, key, MOST_AN_HOUR, now, timedelta(hours=1))
    code = "".join(secrets.choice("0123456789") for _digit in range(CODE_DIGITS))
    with transaction() as session:
        locked_membership(resident.id)
        if not holds(resident.id, benefit, now):
            raise Conflict(_("This does not hold for you yet. The page says what would change it."))
        session.add(
            CreditCertificate(
                resident_id=resident.id,
                benefit=name,
                code_hash=token_hash(code),
                expires_at=now + VALID_FOR,
            )
        )
    return code


def verify(client: SignedInClient, code: str, name: str, now: datetime) -> bool:
    """Answer a partner: whether a benefit holds for whoever showed a code.

    A code that was used, is too old, is for another benefit, or is none of this city's: no. Every
    question about a code that a resident has had is kept with its answer, for them to see.
    """
    with transaction() as session:
        found = session.scalars(
            select(CreditCertificate)
            .where(CreditCertificate.code_hash == token_hash(code))
            .with_for_update()
        ).one_or_none()
        if found is None:
            return False
        benefit = _known().get(name)
        held = (
            found.is_valid(now)
            and found.benefit == name
            and benefit is not None
            and holds(found.resident_id, benefit, now)
        )
        found.used_at = found.used_at or now
        session.add(
            CreditQuestion(
                resident_id=found.resident_id,
                benefit=name if benefit is not None else found.benefit,
                asked_by=client.name,
                asked_at=now,
                holds=held,
            )
        )
        record(client.actor, f"{SERVICE}.verify", str(found.id), {"holds": held}, now)
    return held


def forget_codes(now: datetime) -> None:
    """Erase codes that have been over for a day; the questions about them stay."""
    with transaction() as session:
        session.execute(
            delete(CreditCertificate).where(CreditCertificate.expires_at <= now - KNOWN_FOR)
        )


def questions_of(resident: SignedInResident) -> list[CreditQuestion]:
    """Who has looked: every question that was answered about a resident, the newest first."""
    query = (
        select(CreditQuestion)
        .where(CreditQuestion.resident_id == resident.id)
        .order_by(CreditQuestion.asked_at.desc())
        .limit(MOST_SHOWN)
    )
    return list(db.session.scalars(query))


def _known() -> dict[str, Benefit]:
    benefits = credit_rules(current_city()).benefits
    return {one.name: one for one in benefits if one.is_certificate}
