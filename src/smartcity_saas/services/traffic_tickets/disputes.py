"""Disputing a ticket, with a reason and photographs, and the desk's answer."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from flask_babel import lazy_gettext as _
from sqlalchemy import select

from smartcity_saas.audit import Actor, record
from smartcity_saas.catalog.objections import (
    photo_content,
    photo_keys,
    read_answer,
    read_objection,
)
from smartcity_saas.database import db, one_or_404, transaction
from smartcity_saas.errors import Conflict, NotFound
from smartcity_saas.identity.rate_limits import count_attempt
from smartcity_saas.identity.residents.accounts import SignedInResident
from smartcity_saas.identity.residents.models import ResidentAttempt
from smartcity_saas.measures import Measure, count
from smartcity_saas.notifications import notify
from smartcity_saas.payments.repository import claimants
from smartcity_saas.services.traffic_tickets.back_office import report
from smartcity_saas.services.traffic_tickets.models import (
    Dispute,
    DisputePhoto,
    TicketDisputeState,
    TicketStatus,
    Violation,
)
from smartcity_saas.services.traffic_tickets.names import ROOT, SERVICE
from smartcity_saas.services.traffic_tickets.tickets import own_violation
from smartcity_saas.tenancy.current import current_city
from smartcity_saas.web.languages import both
from smartcity_saas.web.plates import shown

MOST_TRIES = 10
ANSWERED_WITHIN = timedelta(days=30)
"""A dispute that is answered within this was answered in time."""


def can_dispute(violation: Violation, now: datetime) -> bool:
    """Whether a ticket can (still) be disputed here."""
    days = current_city().catalog[SERVICE].settings.get("dispute_days", 60)
    return violation.is_open and now < violation.at + timedelta(days=days)


def dispute(
    resident: SignedInResident,
    violation_id: uuid.UUID,
    reason: str,
    photos: Sequence[bytes],
    now: datetime,
) -> Dispute:
    """Object to a ticket. It is not to be paid until there is an answer.

    Raises:
        NotFound: It is no ticket that the resident sees.
        FieldErrors: The reason is too short or long, or a file no photograph.
        Conflict: It can no longer be disputed, was before, or is being paid.
        Throttled: Too many tries.
    """
    own = own_violation(resident, violation_id)
    if not can_dispute(own, now):
        raise Conflict(_("You can no longer dispute this ticket here."))
    count_attempt(ResidentAttempt, f"dispute:{resident.id}", MOST_TRIES, now)
    objection = read_objection(reason, photos)
    with transaction() as session:
        violation = _locked(own.id)
        if not can_dispute(violation, now):
            raise Conflict(_("You can no longer dispute this ticket here."))
        if any(p.is_under_way for p in claimants(SERVICE, [str(violation_id)])):
            raise Conflict(_("This ticket is being paid. Finish or cancel the payment first."))
        if dispute_of(violation_id) is not None:
            raise Conflict(_("This ticket has already been disputed. That answer still applies."))
        row = Dispute(
            violation_id=violation_id,
            resident_id=resident.id,
            reason=objection.reason,
            state=TicketDisputeState.ASKED,
            created_at=now,
        )
        session.add(row)
        session.flush()
        session.add_all(
            DisputePhoto(dispute_id=row.id, content=data, created_at=now)
            for data in objection.photos
        )
        violation.dispute()
        record(resident.actor, "traffic_tickets.dispute", violation.number, {}, now)
        report(violation, TicketStatus.DISPUTED, now)
        count(SERVICE, Measure.BEGUN, now)
    return row


def can_reopen(dispute: Dispute, violation: Violation, now: datetime) -> bool:
    """Whether a dispute can be looked at again: it was lost, for the first time, and the ticket can
    still be disputed: neither paid nor too old."""
    return dispute.is_lost and dispute.reopened_at is None and can_dispute(violation, now)


def reopen(
    resident: SignedInResident, violation_id: uuid.UUID, reason: str, now: datetime
) -> Dispute:
    """Have a dispute that was lost looked at once more. The ticket is not to be paid meanwhile.

    Raises:
        NotFound: It is no dispute of the resident's.
        FieldErrors: The reason is too short or long.
        Conflict: It cannot be opened again, or the ticket is being paid.
    """
    objection = read_objection(reason, ())
    with transaction():
        violation = _locked(own_violation(resident, violation_id).id)
        row = one_or_404(
            select(Dispute)
            .where(Dispute.violation_id == violation_id, Dispute.resident_id == resident.id)
            .with_for_update(),
            _("We cannot find that dispute."),
        )
        if not can_reopen(row, violation, now):
            raise Conflict(_("This dispute can no longer be opened again."))
        if any(p.is_under_way for p in claimants(SERVICE, [str(violation_id)])):
            raise Conflict(_("This ticket is being paid. Finish or cancel the payment first."))
        row.reopen(objection.reason, now)
        violation.dispute()
        record(resident.actor, "traffic_tickets.reopen", violation.number, {}, now)
        report(violation, TicketStatus.DISPUTED, now)
        count(SERVICE, Measure.BEGUN, now)
    return row


def answer(
    actor: Actor, dispute_id: uuid.UUID, decision: str, words: str, now: datetime
) -> Dispute:
    """Answer a dispute: the ticket stands (``kept``) or falls (``revoked``).

    Raises:
        NotFound: There is no such dispute.
        FieldErrors: No words, or no decision.
        Conflict: It has been answered.
    """
    errors: dict[str, Any] = {}
    if decision not in (TicketDisputeState.KEPT, TicketDisputeState.WON):
        errors["decision"] = _("Choose whether to uphold the ticket.")
    words = read_answer(words, errors)
    with transaction():
        row = one_or_404(
            select(Dispute).where(Dispute.id == dispute_id).with_for_update(),
            _("We cannot find that dispute."),
        )
        if not row.is_open:
            raise Conflict(_("This dispute has been answered."))
        violation = _locked(row.violation_id)
        row.decide(TicketDisputeState(decision), words, actor.label, now)
        if violation.is_disputed:
            violation.settle_dispute(row.state)
        record(actor, f"traffic_tickets.{decision}", violation.number, {}, now)
        report(violation, violation.status, now)
        count(SERVICE, Measure.DONE, now, waited=now - row.asked_at)
        if now - row.asked_at > ANSWERED_WITHIN:
            count(SERVICE, Measure.LATE, now)
        _tell(row, violation, now)
    return row


def dispute_of(violation_id: uuid.UUID) -> Dispute | None:
    """A ticket's dispute, None if there was none."""
    query = select(Dispute).where(Dispute.violation_id == violation_id)
    return db.session.scalars(query).one_or_none()


def open_disputes(limit: int = 100) -> list[tuple[Dispute, Violation]]:
    """Disputes that wait for an answer, the oldest first."""
    query = (
        select(Dispute, Violation)
        .join(Violation, Violation.id == Dispute.violation_id)
        .where(Dispute.state == TicketDisputeState.ASKED)
        .order_by(Dispute.asked_at)
        .limit(limit)
    )
    return [(*row,) for row in db.session.execute(query)]


def one_dispute(dispute_id: uuid.UUID) -> tuple[Dispute, Violation]:
    """One dispute with its ticket.

    Raises:
        NotFound: There is none.
    """
    query = (
        select(Dispute, Violation)
        .join(Violation, Violation.id == Dispute.violation_id)
        .where(Dispute.id == dispute_id)
    )
    row = db.session.execute(query).one_or_none()
    if row is None:
        raise NotFound(_("We cannot find that dispute."))
    return row[0], row[1]


def photos_of(dispute_id: uuid.UUID) -> list[uuid.UUID]:
    """The keys of a dispute's photographs."""
    return photo_keys(DisputePhoto, DisputePhoto.dispute_id, dispute_id)


def photo(photo_id: uuid.UUID, resident: SignedInResident | None) -> bytes:
    """A photograph, for the desk or (with ``resident``) for whoever sent it.

    Raises:
        NotFound: There is none, or it is someone else's.
    """
    return photo_content(DisputePhoto, DisputePhoto.dispute_id, Dispute, photo_id, resident)


def _locked(violation_id: uuid.UUID) -> Violation:
    return db.session.scalars(
        select(Violation).where(Violation.id == violation_id).with_for_update()
    ).one()


def _tell(row: Dispute, violation: Violation, now: datetime) -> None:
    plate = shown(violation.vehicle.plate)
    won = row.is_won
    notify(
        row.resident_id,
        f"dispute:{row.id}:again" if row.reopened_at else f"dispute:{row.id}",
        both(
            lambda: (
                _("Your ticket for %(plate)s is cancelled", plate=plate)
                if won
                else _("Your ticket for %(plate)s is upheld", plate=plate)
            )
        ),
        both(lambda: _("You can read the answer to your dispute here.")),
        f"{ROOT}/{violation.id}",
        now,
    )
