"""Fees: how one may be paid, agreeing on it with the booking, what becomes of it with the visit.

Everybody pays as the city says: at the hospital, or ahead. Whoever holds the benefit may pay after
the visit instead. While something of that is overdue the benefit rests, and nothing else happens:
they pay as everybody does.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from flask_babel import lazy_gettext as _
from sqlalchemy import bindparam, select
from sqlalchemy.orm import joinedload

from smartcity_saas.audit import Actor, record
from smartcity_saas.catalog.benefits import (
    PAY_AFTER_TREATMENT,
    PayAfterTreatment,
    RestingBenefit,
    pay_after_treatment,
)
from smartcity_saas.clock import today_in
from smartcity_saas.database import CITY, db, load, load_related, table_of, transaction
from smartcity_saas.errors import Conflict, NotFound
from smartcity_saas.identity.residents.accounts import SignedInResident
from smartcity_saas.identity.residents.models import Resident
from smartcity_saas.outbox import enqueue
from smartcity_saas.payments.accounts import payments_open
from smartcity_saas.payments.terms import terms_of
from smartcity_saas.services.hospital_appointments.fee_models import (
    UNPAID,
    AppointmentFee,
    FeeState,
    PayWhen,
)
from smartcity_saas.services.hospital_appointments.models import (
    Appointment,
    AppointmentState,
    ClinicSession,
)
from smartcity_saas.services.hospital_appointments.names import ROOT, SERVICE
from smartcity_saas.services.hospital_appointments.rules import Rules
from smartcity_saas.tenancy.current import current_city
from smartcity_saas.web.money import format_money, format_sums

LAPSE_UNPAID = "hospital_appointments.lapse_unpaid"
"""The task that gives a place back that nobody paid for."""
SETTLE = "hospital_appointments.settle"
"""The task that closes what could still be paid of a fee that is not to be paid here any more, and
sends back what was paid of one that is void."""


@dataclass(frozen=True)
class PayChoices:
    """How a resident may pay the fee of a session.

    Attributes:
        usual: As everybody pays: at the hospital, or ahead.
        after: The terms on which they may pay after the visit instead; None where they may not.
        resting: Why they may not although they hold the benefit; None where they do not.
        see: The page that changes that.
    """

    usual: PayWhen = PayWhen.AT_HOSPITAL
    after: PayAfterTreatment | None = None
    resting: Any = None
    see: str = ""

    @property
    def is_ahead(self) -> bool:
        """Whether everybody pays when they book."""
        return self.usual == PayWhen.AHEAD


def usual_way(session: ClinicSession, rules: Rules, now: datetime) -> PayWhen:
    """How everybody pays the fee of a session: ahead only what the payment provider takes."""
    ahead = rules.pays_ahead and is_chargeable(session, now)
    return PayWhen.AHEAD if ahead else PayWhen.AT_HOSPITAL


def is_chargeable(session: ClinicSession, now: datetime) -> bool:
    """Whether there is a fee that can be paid here: not one that the provider has called too small
    of late."""
    city = current_city()
    if not session.fee or not payments_open(city):
        return False
    terms, amounts = terms_of(city, session.currency, now), [session.fee]
    return terms.objection(amounts) is None and terms.warning(amounts) is None


def choices_for(
    resident: SignedInResident, session: ClinicSession, rules: Rules, now: datetime
) -> PayChoices:
    """How a resident may pay the fee of a session."""
    usual = usual_way(session, rules, now)
    # What a resident holds is theirs to use, and no staff's at the counter to see.
    terms = pay_after_treatment(resident.id, now) if resident.acting is None else None
    if terms is None or terms.currency != session.currency or not is_chargeable(session, now):
        return PayChoices(usual)
    if overdue := overdue_fees(resident.id, now):
        (resting,) = _resting(overdue)
        return PayChoices(usual, resting=resting.reason, see=resting.url)
    used = open_amount(resident.id, terms.currency, now)
    if used + session.fee > terms.limit:
        return PayChoices(usual, resting=_beyond(terms, used))
    return PayChoices(usual, terms)


def agree_on(
    resident: SignedInResident,
    session: ClinicSession,
    pays: PayWhen | None,
    rules: Rules,
    now: datetime,
) -> tuple[PayWhen, int | None]:
    """How the fee of a booking is paid, in its transaction, before anything else is held: two
    bookings of one resident after the visit see each other's fees.

    Args:
        resident: Who books.
        session: What is booked.
        pays: What they chose; None for what is usual.
        rules: The city's.
        now: The time.

    Returns:
        When it is paid, and the days that paying after the visit leaves.

    Raises:
        Conflict: It cannot be paid that way (any more).
    """
    if pays != PayWhen.AFTER:
        usual = usual_way(session, rules, now)
        if pays not in (None, usual):
            raise Conflict(_("How this fee is paid has just changed. Check it and book again."))
        return usual, None
    db.session.execute(select(Resident.id).where(Resident.id == resident.id).with_for_update())
    found = choices_for(resident, session, rules, now)
    if found.after is None:
        raise Conflict(
            found.resting or _("You cannot pay after the visit here. Choose another way to pay.")
        )
    return pays, found.after.days


def keep_fee(
    appointment: Appointment,
    session: ClinicSession,
    agreed: tuple[PayWhen, int | None],
    rules: Rules,
    now: datetime,
) -> AppointmentFee | None:
    """Write what was agreed beside an appointment that was just made; None where its fee is the
    hospital's to take."""
    pays, days = agreed
    if pays == PayWhen.AT_HOSPITAL:
        return None
    until = rules.hold_until(appointment.starts_at, now) if pays == PayWhen.AHEAD else None
    fee = AppointmentFee(
        appointment_id=appointment.id,
        resident_id=appointment.resident_id,
        pays=pays,
        amount=session.fee,
        currency=session.currency,
        state=FeeState.OPEN,
        hold_until=until,
        pay_days=days,
    )
    db.session.add(fee)
    db.session.flush()
    if until is not None:
        enqueue(LAPSE_UNPAID, {"fee": str(fee.id)}, now, due_at=until)
    return fee


def note_visit(appointment: Appointment, rules: Rules, now: datetime) -> AppointmentFee | None:
    """Bring a fee to what is noted of the visit, in the caller's transaction, which holds the
    appointment: due once somebody has come, void where nobody did. One that is paid ahead and was not
    is left to the hospital once nothing can be paid of it here any more.

    Returns:
        The fee if it is due by this.
    """
    fee = locked_fee(appointment.id)
    if fee is None or fee.is_at_hospital:
        return None
    came = appointment.state == AppointmentState.ATTENDED
    if fee.is_ahead:
        if came and fee.is_holding:  # its page is closed first; what was paid on it counts
            enqueue(LAPSE_UNPAID, {"fee": str(fee.id)}, now)
        return None
    if appointment.state == AppointmentState.NO_SHOW:
        void_fee(fee, now)
    elif fee.keep_payment():
        return None
    elif not came and not fee.is_paid:
        fee.reopen()
    elif came and not fee.is_paid and not fee.is_due:
        today = rules.today(now)
        visit = today_in(rules.zone, appointment.starts_at)
        fee.become_due(rules.due_on(visit, fee.pay_days or 0, today))
        return fee
    return None


def leave_to_hospital(appointments: Iterable[uuid.UUID]) -> None:
    """Let the hospital take fees for which the payment provider opens no page, so that their places
    are not lost by it."""
    with transaction():
        for key in appointments:
            fee = locked_fee(key)
            if fee is not None and fee.is_holding:
                fee.leave_to_hospital(None)


def note_paid_there(actor: Actor, appointment_id: uuid.UUID, now: datetime) -> None:
    """Note that a fee that was due was paid at the hospital's counter; what could be paid of it
    here is closed, and what comes for it all the same is held for finance.

    Raises:
        NotFound: There is no such fee.
        Conflict: It is not due (any more).
    """
    with transaction():
        fee = locked_fee(appointment_id)
        if fee is None:
            raise NotFound(_("We cannot find that fee."))
        if not fee.is_due:
            raise Conflict(_("This fee is not due. It may have just been paid here."))
        fee.leave_to_hospital(today_in(current_city().timezone, now))
        enqueue(SETTLE, {"fee": str(fee.id)}, now)
        record(actor, f"{SERVICE}.paid_there", fee.appointment.code, {}, now)


def void_fee_of(appointment: Appointment, now: datetime) -> AppointmentFee | None:
    """Let nothing be owed for an appointment that is given back or called off; in the caller's
    transaction, which holds it."""
    fee = locked_fee(appointment.id)
    if fee is not None and not fee.is_at_hospital:
        void_fee(fee, now)
    return fee


def void_fee(fee: AppointmentFee, now: datetime) -> None:
    """Let nothing be owed of a fee that the transaction holds; what could be paid of it is closed
    after the commit, and what was paid goes back."""
    fee.void()
    enqueue(SETTLE, {"fee": str(fee.id)}, now)


def fee_of(appointment_id: uuid.UUID) -> AppointmentFee | None:
    """The fee of an appointment; None where it is the hospital's to take."""
    return fees_of([appointment_id]).get(appointment_id)


_fee = table_of(AppointmentFee)
_FEES_OF = select(_fee).where(
    _fee.c.city_id == CITY, _fee.c.appointment_id.in_(bindparam("appointments", expanding=True))
)
_DUE_FEES = (
    select(_fee)
    .where(
        _fee.c.city_id == CITY,
        _fee.c.resident_id == bindparam("resident"),
        _fee.c.state == FeeState.DUE,
    )
    .order_by(_fee.c.due_on, _fee.c.id)
)


def fees_of(appointments: Iterable[uuid.UUID]) -> dict[uuid.UUID, AppointmentFee]:
    """The fees of some appointments, by appointment; without those that the hospital takes."""
    wanted = list(appointments)
    if not wanted:
        return {}
    found = load(AppointmentFee, _FEES_OF, {"appointments": wanted})
    return {fee.appointment_id: fee for fee in found}


def locked_fee(appointment_id: uuid.UUID) -> AppointmentFee | None:
    """The fee of an appointment, held until the transaction ends."""
    query = select(AppointmentFee).where(AppointmentFee.appointment_id == appointment_id)
    found: AppointmentFee | None = db.session.scalars(
        query.with_for_update().execution_options(populate_existing=True)
    ).one_or_none()
    return found


def due_fees(resident_id: uuid.UUID) -> list[AppointmentFee]:
    """What a resident is to pay after visits, the earliest day first."""
    fees = load(AppointmentFee, _DUE_FEES, {"resident": resident_id})
    load_related(fees, "appointment", Appointment)
    return fees


def overdue_fees(resident_id: uuid.UUID, now: datetime) -> list[AppointmentFee]:
    """What a resident was to pay after visits before today."""
    today = today_in(current_city().timezone, now)
    return [fee for fee in due_fees(resident_id) if fee.is_overdue(today)]


def open_amount(resident_id: uuid.UUID, currency: str, now: datetime) -> int:
    """What a resident has agreed to pay after visits and has not, in the minor unit. A visit of
    which nobody has noted anything counts until its days are over."""
    zone = current_city().timezone
    today = today_in(zone, now)
    query = (
        select(AppointmentFee)
        .where(
            AppointmentFee.resident_id == resident_id,
            AppointmentFee.pays == PayWhen.AFTER,
            AppointmentFee.state.in_(UNPAID),
            AppointmentFee.currency == currency,
        )
        .options(joinedload(AppointmentFee.appointment))
    )
    return sum(
        fee.amount
        for fee in db.session.scalars(query)
        if fee.is_due
        or today_in(zone, fee.appointment.starts_at) + timedelta(days=fee.pay_days or 0) >= today
    )


def resting_benefits(resident_id: uuid.UUID, now: datetime) -> list[RestingBenefit]:
    """That paying after treatment rests while something of it is overdue, and what brings it
    back."""
    return _resting(overdue_fees(resident_id, now))


def _resting(overdue: Sequence[AppointmentFee]) -> list[RestingBenefit]:
    if not overdue:
        return []
    amount = format_sums((fee.amount, fee.currency) for fee in overdue)
    reason = _("It comes back as soon as you have paid %(amount)s from an earlier visit.",
               amount=amount)  # fmt: skip
    url = f"{ROOT}/appointments/{overdue[0].appointment_id}" if len(overdue) == 1 else FEES
    return [RestingBenefit(PAY_AFTER_TREATMENT, reason, url)]


FEES = f"{ROOT}/fees"
"""The page of what is to be paid after visits."""


def _beyond(terms: PayAfterTreatment, used: int) -> Any:
    return _(
        "Up to %(limit)s may be open at a time; %(used)s is open now.",
        limit=format_money(terms.limit, terms.currency),
        used=format_money(used, terms.currency),
    )
