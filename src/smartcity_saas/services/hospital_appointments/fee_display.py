"""What a resident's pages show of fees: how they stand, and how one can pay them now."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from smartcity_saas.catalog.checkout import begin_checkout
from smartcity_saas.clock import today_in
from smartcity_saas.identity.residents.accounts import SignedInResident
from smartcity_saas.payments.models import Payment
from smartcity_saas.payments.providers import CannotBegin
from smartcity_saas.payments.repository import on_their_way
from smartcity_saas.payments.terms import PayTerms, open_terms
from smartcity_saas.services.hospital_appointments.fee_models import AppointmentFee, PayWhen
from smartcity_saas.services.hospital_appointments.fees import due_fees, fee_of, leave_to_hospital
from smartcity_saas.services.hospital_appointments.models import Appointment
from smartcity_saas.services.hospital_appointments.names import SERVICE
from smartcity_saas.tenancy.current import current_city


@dataclass(frozen=True)
class FeeView:
    """One fee as its page shows it.

    Attributes:
        fee: What was agreed, and what became of it.
        paying: How it can be paid now; None where it cannot.
        coming: The payment whose money for it is on its way.
        overdue: Whether it was to be paid before today.
        lapsed: Whether its place was given back because nobody paid.
    """

    fee: AppointmentFee
    paying: PayTerms | None
    coming: Payment | None
    overdue: bool
    lapsed: bool


@dataclass(frozen=True)
class DueFees:
    """What a resident is to pay after visits, and how; ``coming`` is paid and has not arrived."""

    due: Sequence[AppointmentFee]
    coming: Sequence[tuple[AppointmentFee, Payment]]
    paying: PayTerms | None
    overdue: bool


def fee_view(appointment: Appointment, now: datetime) -> FeeView | None:
    """The fee of an appointment; None where it is the hospital's to take."""
    fee = fee_of(appointment.id)
    if fee is None:
        return None
    city, reference = current_city(), str(appointment.id)
    coming = on_their_way(SERVICE, [reference]).get(reference)
    payable = coming is None and fee.is_payable(now)
    ended = appointment.ended_at
    return FeeView(
        fee,
        open_terms(city, [fee], now) if payable else None,
        coming,
        fee.is_overdue(today_in(city.timezone, now)),
        appointment.is_cancelled
        and fee.payment_id is None
        and fee.hold_until is not None
        and ended is not None
        and ended >= fee.hold_until,
    )


def due_fees_of(resident: SignedInResident, now: datetime) -> DueFees:
    """What a resident is to pay after visits."""
    city, owed = current_city(), due_fees(resident.id)
    arriving = on_their_way(SERVICE, [str(fee.appointment_id) for fee in owed])
    due = [fee for fee in owed if str(fee.appointment_id) not in arriving]
    coming = [
        (fee, arriving[str(fee.appointment_id)])
        for fee in owed
        if str(fee.appointment_id) in arriving
    ]
    today = today_in(city.timezone, now)
    return DueFees(
        due, coming, open_terms(city, due, now), any(fee.is_overdue(today) for fee in owed)
    )


def begin_fee_checkout(appointments: Sequence[object]) -> Payment:
    """Begin to pay the fees of some appointments as the signed-in resident.

    Raises:
        CannotBegin: The provider opens no page for them: for a visit to come the hospital takes
            them then.
        NotFound, Conflict, PaymentsClosed, ProviderUnreachable: As ``begin_checkout`` does.
    """
    try:
        return begin_checkout(SERVICE, appointments)
    except CannotBegin:
        leave_to_hospital(uuid.UUID(str(one)) for one in appointments)
        raise


def read_pays(text: str | None) -> PayWhen | None:
    """When a form says that a fee is to be paid; None for what is usual."""
    return PayWhen(text) if text in set(PayWhen) else None
