"""Taking part: by consent of its own, source by source, and left as easily as joined.

Leaving, or turning a source off, erases at once: Personal Information Protection Law, article 47
(what is processed on consent is deleted of itself when that is withdrawn).
"""

from __future__ import annotations

import uuid
from collections.abc import Collection
from datetime import datetime

from flask_babel import lazy_gettext as _
from sqlalchemy import ColumnElement, bindparam, delete, func, select

from smartcity_saas.audit import record
from smartcity_saas.database import CITY, db, load, table_of, transaction
from smartcity_saas.errors import FieldErrors
from smartcity_saas.identity.residents.accounts import SignedInResident
from smartcity_saas.identity.residents.models import Resident
from smartcity_saas.notifications.models import Message, MessageDelivery
from smartcity_saas.services.city_credit.consent import (
    CONSENT_VERSION,
    choices_of,
    note_version,
    takes,
    terms_of,
)
from smartcity_saas.services.city_credit.models import (
    CreditAppeal,
    CreditAppealPhoto,
    CreditCertificate,
    CreditEntry,
    CreditMembership,
    CreditQuestion,
    CreditSourceChoice,
)
from smartcity_saas.services.city_credit.names import SERVICE
from smartcity_saas.services.city_credit.rules import CreditRules, credit_rules
from smartcity_saas.tenancy.current import current_city

_membership, _resident = table_of(CreditMembership), table_of(Resident)
_MEMBERSHIP_OF = (
    select(_membership)
    .join(_resident, _resident.c.id == _membership.c.resident_id)
    .where(
        _membership.c.city_id == CITY,
        _resident.c.city_id == CITY,
        _membership.c.resident_id == bindparam("resident"),
        _membership.c.left_at.is_(None),
        _resident.c.closed_at.is_(None),
    )
)


def membership_of(resident_id: uuid.UUID) -> CreditMembership | None:
    """A resident's present membership, None for whoever never joined, has left or is gone."""
    return next(iter(load(CreditMembership, _MEMBERSHIP_OF, {"resident": resident_id})), None)


def locked_membership(resident_id: uuid.UUID) -> CreditMembership | None:
    """The same, and nobody joins, chooses or leaves as this resident until the transaction ends."""
    _lock(resident_id)
    return membership_of(resident_id)


def join(resident: SignedInResident, chosen: Collection[str], now: datetime) -> None:
    """Note that a resident agrees to take part with some sources; once is enough.

    Raises:
        FieldErrors: None of them is a source of the city's.
    """
    city = current_city()
    credit = credit_rules(city)
    if not credit.rules.sources.keys() & set(chosen):
        raise FieldErrors({"source": _("Choose at least one source, or leave the page.")})
    with transaction() as session:
        _lock(resident.id)
        if membership_of(resident.id) is not None:
            return
        version = note_version(city, now)
        session.add(
            CreditMembership(
                resident_id=resident.id,
                consent_version=CONSENT_VERSION,
                rules_version=version.number,
                answered=version.question,
                joined_at=now,
                agreed_at=now,
            )
        )
        _choose(resident.id, credit, chosen, now)
        record(resident.actor, f"{SERVICE}.join", "", {"rules": version.number}, now)


def choose_sources(resident: SignedInResident, chosen: Collection[str], now: datetime) -> None:
    """Let some sources count and no others, agreeing to the present text and rules. What a source
    that is off has brought is erased; one that is on again counts from now."""
    city = current_city()
    with transaction():
        member = locked_membership(resident.id)
        if member is None:
            return
        version = note_version(city, now)
        _choose(resident.id, credit_rules(city), chosen, now)
        member.consent_version, member.rules_version = CONSENT_VERSION, version.number
        member.answered, member.agreed_at = version.question, now
        record(resident.actor, f"{SERVICE}.sources", "", {"rules": version.number}, now)


def leave_as_it_was(resident: SignedInResident, now: datetime) -> None:
    """Note that a member was asked and agrees to nothing new."""
    city = current_city()
    with transaction():
        member = locked_membership(resident.id)
        if member is None:
            return
        version = note_version(city, now)
        member.answered = version.question
        record(resident.actor, f"{SERVICE}.declined", "", {"rules": version.number}, now)


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
        forget_entries(CreditEntry.resident_id == resident.id)
        for model in (CreditCertificate, CreditQuestion, CreditSourceChoice):
            session.execute(delete(model).where(model.resident_id == resident.id))
        record(resident.actor, f"{SERVICE}.leave", "", {}, now)


def entries_by_source(resident_id: uuid.UUID) -> dict[str, int]:
    """How many entries each source has brought a member: what turning it off erases."""
    query = (
        select(CreditEntry.source, func.count().label("entries"))
        .where(CreditEntry.resident_id == resident_id)
        .group_by(CreditEntry.source)
    )
    return {row.source: row.entries for row in db.session.execute(query)}


def forget_entries(which: ColumnElement[bool]) -> None:
    """Erase entries with the appeals against them."""
    forget_appeals(CreditAppeal.entry_id.in_(select(CreditEntry.id).where(which)))
    db.session.execute(delete(CreditEntry).where(which))


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


def _choose(
    resident_id: uuid.UUID, credit: CreditRules, chosen: Collection[str], now: datetime
) -> None:
    before = choices_of(resident_id)
    for source, rule in credit.rules.sources.items():
        known = before.get(source)
        on = source in chosen
        if known is None:
            known = CreditSourceChoice(resident_id=resident_id, source=source, since=now)
            db.session.add(known)
        elif on != known.counts or (on and not takes(known, credit)):
            known.since = now
        known.counts, known.months = on, rule.months
        known.terms = terms_of(rule, credit.source_name(source))
        if not on:
            forget_entries(
                (CreditEntry.resident_id == resident_id) & (CreditEntry.source == source)
            )


def _lock(resident_id: uuid.UUID) -> None:
    db.session.scalars(select(Resident).where(Resident.id == resident_id).with_for_update()).one()
