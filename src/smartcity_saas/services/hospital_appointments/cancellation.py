"""Giving places back: residents one by one, the desk a whole session."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from flask_babel import lazy_gettext as _
from sqlalchemy import select, update

from smartcity_saas.audit import Actor, record, system
from smartcity_saas.database import db, transaction
from smartcity_saas.errors import Conflict
from smartcity_saas.identity.residents.accounts import SignedInResident
from smartcity_saas.measures import Count, Measure, count, count_all
from smartcity_saas.services.hospital_appointments.back_office import report
from smartcity_saas.services.hospital_appointments.booking import (
    locked_appointment,
    own_appointment,
)
from smartcity_saas.services.hospital_appointments.fees import void_fee_of
from smartcity_saas.services.hospital_appointments.fhir_models import FhirSlot
from smartcity_saas.services.hospital_appointments.models import (
    OPEN_ENTRY,
    Appointment,
    AppointmentState,
    ClinicPlace,
    ClinicSession,
    PlaceState,
    WaitingEntry,
)
from smartcity_saas.services.hospital_appointments.names import SERVICE
from smartcity_saas.services.hospital_appointments.notifications import (
    tell_closed,
    tell_taken,
    tell_waiting_closed,
)
from smartcity_saas.services.hospital_appointments.rules import Rules
from smartcity_saas.services.hospital_appointments.schedule import locked_session
from smartcity_saas.services.hospital_appointments.waiting_list import pass_on


def cancel(
    resident: SignedInResident, appointment_id: uuid.UUID, rules: Rules, now: datetime
) -> Appointment:
    """Give a place back, until the deadline. Whoever waits is offered it, and what was paid for it
    goes back.

    Raises:
        NotFound: It is no appointment of the resident's.
        Conflict: It is over, or the deadline has passed.
    """
    own = own_appointment(resident, appointment_id)
    with transaction():
        session = locked_session(own.session_id)
        appointment = locked_appointment(appointment_id)
        if appointment.is_cancelled:
            return appointment
        if not appointment.is_coming(now):
            raise Conflict(_("This appointment is in the past."))
        if now > rules.cancel_until(appointment.starts_at):
            raise Conflict(
                _("The deadline to cancel has passed. If you cannot come, call the hospital.")
            )
        appointment.cancel(now)
        void_fee_of(appointment, now)
        record(resident.actor, "hospital_appointments.cancel", appointment.code, {}, now)
        report(appointment, AppointmentState.CANCELLED, now)
        count(SERVICE, Measure.CALLED_OFF, now)
        db.session.flush()
        pass_on(session, appointment.place_id, rules, now)
    return appointment


def close_session(
    actor: Actor, session_id: uuid.UUID, reason: Mapping[str, str], now: datetime
) -> int:
    """Call a session off: its free places go, everyone booked or waiting is told, fees go back.

    The places are shut first. A booking in the same moment either has its place by then, and is
    called off below, or finds none.

    Returns:
        How many appointments were called off.

    Raises:
        NotFound: There is no such session.
        Conflict: It is called off already, or over.
    """
    with transaction() as session:
        found = locked_session(session_id)
        if found.is_called_off or found.is_over(now):
            raise Conflict(_("This clinic is already cancelled or over."))
        found.call_off(reason, now)
        session.flush()
        _shut_places(session_id)
        appointments = _call_off(found, now)
        _send_home(found, now)
        record(
            actor,
            "hospital_appointments.close",
            str(session_id),
            {"appointments": appointments},
            now,
        )
    return appointments


def end_taken(payload: Mapping[str, Any], now: datetime) -> None:
    """The task: end a booking whose slot the hospital gave to somebody else. The resident is told, the
    fee goes back, and the place is shut."""
    key = uuid.UUID(payload["appointment"])
    with transaction() as session:
        found = session.scalars(select(Appointment).where(Appointment.id == key)).one()
        clinic = locked_session(found.session_id)
        appointment = locked_appointment(key)
        session.execute(
            update(FhirSlot).where(FhirSlot.place_id == found.place_id).values(free=False)
        )
        if not appointment.is_booked:
            return
        appointment.call_off(now)
        fee = void_fee_of(appointment, now)
        tell_taken(appointment, clinic, fee is not None and fee.is_going_back, now)
        record(system(SERVICE), "hospital_appointments.taken", appointment.code, {}, now)
        count_all([Count(SERVICE, one) for one in (Measure.FAILED, Measure.LATE)], now)
        session.flush()
        session.execute(
            update(ClinicPlace)
            .where(ClinicPlace.id == appointment.place_id)
            .values(state=PlaceState.SHUT)
        )


def reopen_session(actor: Actor, session_id: uuid.UUID, now: datetime) -> None:
    """Let a session take place after all. Whoever was called off books again.

    Raises:
        Conflict: It was not called off, or is over.
    """
    with transaction() as session:
        found = locked_session(session_id)
        if not found.is_called_off or found.is_over(now):
            raise Conflict(_("This clinic is not cancelled, or is over."))
        found.reopen()
        session.execute(
            update(ClinicPlace)
            .where(
                ClinicPlace.session_id == session_id,
                ClinicPlace.state == PlaceState.SHUT,
                ClinicPlace.number <= found.capacity,
                ClinicPlace.id.not_in(select(FhirSlot.place_id).where(FhirSlot.free.is_(False))),
            )
            .values(state=PlaceState.FREE)
        )
        record(actor, "hospital_appointments.reopen", str(session_id), {}, now)


def _shut_places(session_id: uuid.UUID) -> None:
    db.session.execute(
        update(ClinicPlace)
        .where(
            ClinicPlace.session_id == session_id,
            ClinicPlace.state.in_((PlaceState.FREE, PlaceState.OFFERED)),
        )
        .values(state=PlaceState.SHUT)
    )


def _call_off(found: ClinicSession, now: datetime) -> int:
    rows = db.session.scalars(
        select(Appointment)
        .where(Appointment.session_id == found.id, Appointment.state == AppointmentState.BOOKED)
        .with_for_update()
    ).all()
    for appointment in rows:
        appointment.call_off(now)
        fee = void_fee_of(appointment, now)
        tell_closed(appointment, found, fee is not None and fee.is_going_back, now)
        report(appointment, AppointmentState.CLOSED, now)
    if rows:
        called_off = (Measure.FAILED, Measure.LATE)  # booked, and not to take place as booked
        count_all([Count(SERVICE, one, value=len(rows)) for one in called_off], now)
    db.session.execute(
        update(ClinicPlace)
        .where(ClinicPlace.id.in_([row.place_id for row in rows]))
        .values(state=PlaceState.SHUT)
    )
    return len(rows)


def _send_home(found: ClinicSession, now: datetime) -> None:
    rows = db.session.scalars(
        select(WaitingEntry)
        .where(
            WaitingEntry.session_id == found.id,
            WaitingEntry.state.in_(OPEN_ENTRY),
        )
        .with_for_update()
    ).all()
    for entry in rows:
        entry.leave()
        tell_waiting_closed(entry, found, now)
