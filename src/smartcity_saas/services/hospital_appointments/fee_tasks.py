"""What is done about fees after a commit: closing pages to pay on, giving unpaid places back,
sending money back."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from flask_babel import lazy_gettext as _
from sqlalchemy import select

from smartcity_saas.audit import record, system
from smartcity_saas.database import db, transaction
from smartcity_saas.outbox import enqueue
from smartcity_saas.payments.accounts import PaymentsClosed
from smartcity_saas.payments.checkout import close_pages
from smartcity_saas.payments.refunds import refund_rest
from smartcity_saas.payments.repository import locked
from smartcity_saas.services.hospital_appointments.back_office import report
from smartcity_saas.services.hospital_appointments.booking import locked_appointment
from smartcity_saas.services.hospital_appointments.fee_models import AppointmentFee
from smartcity_saas.services.hospital_appointments.fee_notifications import tell_unpaid
from smartcity_saas.services.hospital_appointments.fees import (
    LAPSE_UNPAID,
    SETTLE,
    locked_fee,
    void_fee,
)
from smartcity_saas.services.hospital_appointments.models import AppointmentState
from smartcity_saas.services.hospital_appointments.names import SERVICE
from smartcity_saas.services.hospital_appointments.rules import Rules
from smartcity_saas.services.hospital_appointments.schedule import locked_session
from smartcity_saas.services.hospital_appointments.waiting_list import pass_on
from smartcity_saas.tenancy.current import current_city
from smartcity_saas.web.languages import both

LOOK_AGAIN = timedelta(minutes=30)
AFTER_DISPUTE = timedelta(days=1)


def lapse_unpaid(payload: Mapping[str, Any], now: datetime) -> None:
    """The task: a place that nobody paid for goes to the next in line. While money for it is on
    its way it stays; once its time, or its patient, has come the hospital takes the fee."""
    fee = _fee(payload)
    if not fee.is_holding:
        return
    if _close(fee, now):
        enqueue(LAPSE_UNPAID, payload, now, due_at=now + LOOK_AGAIN)
        return
    rules = Rules.of_city(current_city())
    with transaction():
        session = locked_session(fee.appointment.session_id)
        appointment = locked_appointment(fee.appointment_id)
        found = locked_fee(fee.appointment_id)
        if found is None or not found.is_holding or appointment.is_off:
            return
        if appointment.starts_at <= now or not appointment.is_booked:
            found.leave_to_hospital(None)
            return
        appointment.cancel(now)
        void_fee(found, now)
        record(system(SERVICE), f"{SERVICE}.lapse", appointment.code, {}, now)
        report(appointment, AppointmentState.CANCELLED, now)
        tell_unpaid(appointment, session, now)
        db.session.flush()
        pass_on(session, appointment.place_id, rules, now)


def settle(payload: Mapping[str, Any], now: datetime) -> None:
    """The task: of a fee that is not to be paid here any more nothing can be paid, and what was paid
    of one that is void goes back, once; while the payer's bank disputes it, after that."""
    fee = _fee(payload)
    if fee.is_unpaid or fee.is_paid:
        return
    _close(fee, now)
    with transaction():
        payment_id = _fee(payload).payment_id
        payment = locked(payment_id) if payment_id else None  # before the fee, as settlement does
        found = locked_fee(fee.appointment_id)
        if payment is None or found is None or not found.is_going_back:
            return
        if found.payment_id != payment.id or found.returned_at is not None:
            return
        if payment.is_disputed:
            enqueue(SETTLE, payload, now, due_at=now + AFTER_DISPUTE)
            return
        found.returned_at = now
        refund_rest(system(SERVICE), payment, found.amount, _reason(found), now)


def _close(fee: AppointmentFee, now: datetime) -> bool:
    """Close the pages on which a fee could be paid; whether money for it is on its way."""
    city, reference = current_city(), str(fee.appointment_id)
    db.session.rollback()
    try:
        return close_pages(city, SERVICE, [reference], now)
    except PaymentsClosed:
        return False


def _reason(fee: AppointmentFee) -> str:
    """Why, for the finance desk, in both languages."""
    code = fee.appointment.code
    return " / ".join(both(lambda: _("Appointment %(code)s: no fee is owed", code=code)).values())


def _fee(payload: Mapping[str, Any]) -> AppointmentFee:
    query = select(AppointmentFee).where(AppointmentFee.id == uuid.UUID(payload["fee"]))
    return db.session.scalars(query.execution_options(populate_existing=True)).one()
