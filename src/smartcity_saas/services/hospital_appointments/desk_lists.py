"""Lists for the desk: a day's sessions, a session's people, finding an appointment."""

from __future__ import annotations

import uuid
from datetime import date, datetime
from typing import Any

from flask_babel import lazy_gettext as _
from sqlalchemy import func, or_, select
from sqlalchemy.orm import joinedload

from smartcity_saas.database import db
from smartcity_saas.services.hospital_appointments.fee_models import (
    UNPAID,
    AppointmentFee,
    FeeState,
)
from smartcity_saas.services.hospital_appointments.models import (
    Appointment,
    AppointmentState,
    ClinicSession,
    HospitalDepartment,
    Patient,
)
from smartcity_saas.services.hospital_appointments.patients import has_phone
from smartcity_saas.services.hospital_appointments.rules import Rules
from smartcity_saas.services.hospital_appointments.schedule import SessionView, views_of
from smartcity_saas.web.money import format_sums

STATE_NAMES: dict[str, Any] = {
    "booked": _("Booked"),
    "cancelled": _("Cancelled"),
    "attended": _("Attended"),
    "no_show": _("Missed"),
    "closed": _("Cancelled by the hospital"),
}


def sessions_of_day(day: date, rules: Rules, now: datetime) -> list[SessionView]:
    """All sessions of a day, with their doctors, departments and hospitals."""
    sessions = db.session.scalars(
        select(ClinicSession)
        .where(ClinicSession.day == day)
        .order_by(ClinicSession.starts_at, ClinicSession.id)
        .options(
            joinedload(ClinicSession.doctor),
            joinedload(ClinicSession.department).joinedload(HospitalDepartment.hospital),
        )
    ).all()
    return views_of(sessions, rules, now)


def list_of(session_id: uuid.UUID) -> list[tuple[Appointment, Patient]]:
    """The people of a session by number; cancelled ones are not on it, those called off
    are: someone may have to ring them up."""
    query = (
        select(Appointment, Patient)
        .join(Patient, Patient.id == Appointment.patient_id)
        .where(
            Appointment.session_id == session_id,
            Appointment.state.in_(
                (
                    AppointmentState.BOOKED,
                    AppointmentState.ATTENDED,
                    AppointmentState.NO_SHOW,
                    AppointmentState.CLOSED,
                )
            ),
        )
        .order_by(Appointment.number)
    )
    return [(*row,) for row in db.session.execute(query)]


def find_appointments(
    text: str, now: datetime, limit: int = 50
) -> list[tuple[Appointment, Patient, Any]]:
    """Appointments by code, the patient's name or telephone; the latest first."""
    code = text.upper().removeprefix("APPT:")
    query = (
        select(Appointment, Patient, ClinicSession)
        .join(Patient, Patient.id == Appointment.patient_id)
        .join(ClinicSession, ClinicSession.id == Appointment.session_id)
        .where(or_(Appointment.code == code, Patient.name == text, has_phone(text, now)))
        .order_by(Appointment.starts_at.desc())
        .limit(limit)
        .options(joinedload(ClinicSession.doctor))
    )
    return [(*row,) for row in db.session.execute(query)]


def fees_due(limit: int = 100) -> list[tuple[AppointmentFee, Appointment, Patient]]:
    """What is due after visits, the earliest day first."""
    query = (
        select(AppointmentFee, Appointment, Patient)
        .join(Appointment, Appointment.id == AppointmentFee.appointment_id)
        .join(Patient, Patient.id == Appointment.patient_id)
        .where(AppointmentFee.state == FeeState.DUE)
        .order_by(AppointmentFee.due_on, AppointmentFee.id)
        .limit(limit)
    )
    return [(*row,) for row in db.session.execute(query)]


def sums_of_open_fees() -> dict[str, str]:
    """What is open: to be paid ahead for places that are held, agreed for after visits, due after
    them; each as a sum in words, empty for none."""
    query = (
        select(
            AppointmentFee.pays,
            AppointmentFee.state,
            AppointmentFee.currency,
            func.sum(AppointmentFee.amount),
        )
        .where(AppointmentFee.state.in_(UNPAID))
        .group_by(AppointmentFee.pays, AppointmentFee.state, AppointmentFee.currency)
        .order_by(AppointmentFee.currency)
    )
    found: dict[str, list[tuple[int, str]]] = {"ahead": [], "after": [], "due": []}
    for pays, state, currency, total in db.session.execute(query):
        found["due" if state == FeeState.DUE else pays].append((int(total), currency))
    return {name: format_sums(sums) for name, sums in found.items()}
