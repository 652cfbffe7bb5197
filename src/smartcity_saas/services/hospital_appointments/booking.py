"""Booking a place and noting whether someone came, in the current city."""

from __future__ import annotations

import secrets
import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta

from flask_babel import lazy_gettext as _
from sqlalchemy import func, or_, select

from smartcity_saas.audit import Actor, record
from smartcity_saas.catalog.events import ServiceEvent, publish_event, withdraw_event
from smartcity_saas.clock import today_in
from smartcity_saas.database import db, one_or_404, transaction
from smartcity_saas.errors import Conflict, NotFound
from smartcity_saas.identity.residents.accounts import SignedInResident
from smartcity_saas.measures import Measure, count, note_refusal
from smartcity_saas.services.hospital_appointments.back_office import report
from smartcity_saas.services.hospital_appointments.booking_limits import (
    Blocked,
    Held,
    refuse_after_unpaid_holds,
    refuse_at_one_time,
    refuse_beyond_limits,
    refuse_held_here,
)
from smartcity_saas.services.hospital_appointments.fee_models import PayWhen
from smartcity_saas.services.hospital_appointments.fee_notifications import tell_due
from smartcity_saas.services.hospital_appointments.fees import agree_on, keep_fee, note_visit
from smartcity_saas.services.hospital_appointments.models import (
    KEPT,
    Appointment,
    AppointmentState,
    ClinicPlace,
    ClinicSession,
    Patient,
    PlaceState,
)
from smartcity_saas.services.hospital_appointments.names import ATTENDED, SERVICE
from smartcity_saas.services.hospital_appointments.notifications import tell_booked
from smartcity_saas.services.hospital_appointments.patients import locked_patient, patient_of
from smartcity_saas.services.hospital_appointments.rules import Rules
from smartcity_saas.services.hospital_appointments.schedule import session_of
from smartcity_saas.tenancy.current import current_city
from smartcity_saas.web.formats import moment_of

ARRIVES_BEFORE = timedelta(hours=12)
"""How long before its time someone may be there."""
CODE_LETTERS = "ABCDEFGHJKMNPQRSTUVWXYZ23456789"


class Full(Conflict):
    """No place is left there."""

    title = _("The last slot was just taken")


def book(
    resident: SignedInResident,
    patient_id: uuid.UUID,
    session_id: uuid.UUID,
    at: datetime | None,
    rules: Rules,
    now: datetime,
    pays: PayWhen | None = None,
) -> Appointment:
    """Book a place for a patient: the earliest of a slot, or of the session.

    Args:
        resident: Who books.
        patient_id: For whom: themselves or family, added before.
        session_id: The session.
        at: The slot, None for the earliest there is.
        rules: The city's.
        now: The time.
        pays: When the fee is paid; None for what is usual.

    Raises:
        NotFound: There is no such session, or the patient is not the resident's.
        Conflict: The fee cannot be paid that way (any more).
        AlreadyBooked: The person has a place here, or another at that time.
        Full: No place is left there.
        Blocked: Not released yet, over, closed; or the person's limits or missed appointments.
    """
    session = session_of(session_id)
    _refuse_unbookable(session, rules, now)
    if not free_places(session_id, now, at):
        refuse_held_here(patient_of(resident, patient_id), session)
        raise _full()
    with transaction():
        agreed = agree_on(resident, session, pays, rules, now)
        patient = locked_patient(resident, patient_id, now)
        held = refuse_beyond_limits(patient, session, rules, now)
        if agreed[0] == PayWhen.AHEAD:
            refuse_after_unpaid_holds(patient, session, rules, now)
        if at is not None:
            refuse_at_one_time(patient, at, held, rules)
        place = take_place(session_id, at, now, [rules.busy(one.starts_at) for one in held])
        if place is None:
            _refuse_what_is_left(patient, session, held, rules, now)
            raise _full()
        made = keep(resident.actor, resident.id, patient, session, place, now)
        tell_booked(made, session, keep_fee(made, session, agreed, rules, now), now)
        return made


def mark(actor: Actor, appointment_id: uuid.UUID, state: str, now: datetime) -> Appointment:
    """Note that someone came (``attended``) or did not (``no_show``); can be changed.

    Raises:
        NotFound: There is no such appointment.
        Conflict: It was cancelled, or its day is yet to come.
    """
    if state not in KEPT:
        raise NotFound
    wanted = AppointmentState(state)
    with transaction():
        appointment = locked_appointment(appointment_id)
        if not appointment.is_kept:
            raise Conflict(_("This appointment was cancelled."))
        if wanted == AppointmentState.NO_SHOW and appointment.starts_at > now:
            raise Conflict(_("It is too early to mark this as missed."))
        if wanted == AppointmentState.ATTENDED and appointment.starts_at > now + ARRIVES_BEFORE:
            raise Conflict(_("It is too early to mark this as attended."))
        appointment.mark(wanted, now)
        record(actor, f"hospital_appointments.{wanted}", appointment.code, {}, now)
        _tell_others(appointment, now)
        due = note_visit(appointment, Rules.of_city(current_city()), now)
        if due is not None:
            tell_due(due, now)
    return appointment


def _tell_others(appointment: Appointment, now: datetime) -> None:
    """Tell other services whether someone came, or that nobody says so any more."""
    key = str(appointment.id)
    if appointment.is_booked:
        withdraw_event(ATTENDED, key)
        return
    day = today_in(current_city().timezone, appointment.starts_at)
    came = appointment.state is AppointmentState.ATTENDED
    publish_event(ServiceEvent(ATTENDED, key, appointment.resident_id, day, came, now))


def keep(
    actor: Actor,
    resident_id: uuid.UUID,
    patient: Patient,
    session: ClinicSession,
    place: ClinicPlace,
    now: datetime,
) -> Appointment:
    """Write the appointment of a place that the present transaction holds; the caller agrees on its
    fee and tells of it."""
    place.take()
    appointment = Appointment(
        place_id=place.id,
        session_id=session.id,
        patient_id=patient.id,
        resident_id=resident_id,
        number=place.number,
        starts_at=place.starts_at,
        code="".join(secrets.choice(CODE_LETTERS) for _letter in range(10)),
        state=AppointmentState.BOOKED,
        booked_at=now,
    )
    db.session.add(appointment)
    db.session.flush()
    record(actor, "hospital_appointments.book", appointment.code, {"number": place.number}, now)
    report(appointment, AppointmentState.BOOKED, now)
    count(SERVICE, Measure.DONE, now, waited=place.starts_at - now, at_once=True)
    return appointment


def take_place(
    session_id: uuid.UUID,
    at: datetime | None,
    now: datetime,
    busy: Sequence[tuple[datetime, datetime]] = (),
) -> ClinicPlace | None:
    """The earliest free place, by time and then by number, held for the present transaction. Whoever
    comes at the same moment passes over it instead of waiting for it.

    Args:
        session_id: Of which session.
        at: At exactly that time, None for any.
        now: The time.
        busy: Between these moments, both excluded, none.
    """
    query = (
        select(ClinicPlace)
        .where(
            ClinicPlace.session_id == session_id,
            ClinicPlace.state == PlaceState.FREE,
            ClinicPlace.starts_at > now,
            *(
                or_(ClinicPlace.starts_at <= begins, ClinicPlace.starts_at >= ends)
                for begins, ends in busy
            ),
        )
        .order_by(ClinicPlace.starts_at, ClinicPlace.number)
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    if at is not None:
        query = query.where(ClinicPlace.starts_at == at)
    return db.session.scalars(query).one_or_none()


def locked_appointment(appointment_id: uuid.UUID) -> Appointment:
    """An appointment that nobody else changes until this transaction ends.

    Raises:
        NotFound: There is none.
    """
    return one_or_404(
        select(Appointment).where(Appointment.id == appointment_id).with_for_update(),
        _("We cannot find that appointment."),
    )


def own_appointment(resident: SignedInResident, appointment_id: uuid.UUID) -> Appointment:
    """One appointment of a resident's.

    Raises:
        NotFound: It is someone else's, another city's, or none.
    """
    return one_or_404(
        select(Appointment).where(
            Appointment.id == appointment_id, Appointment.resident_id == resident.id
        ),
        _("We cannot find that appointment."),
    )


def coming_appointments(resident: SignedInResident, now: datetime) -> list[Appointment]:
    """What a resident has booked that is to come, the next first."""
    query = select(Appointment).where(
        Appointment.resident_id == resident.id,
        Appointment.state == AppointmentState.BOOKED,
        Appointment.starts_at > now,
    )
    return list(db.session.scalars(query.order_by(Appointment.starts_at)))


def appointments_of(resident: SignedInResident, limit: int = 50) -> list[Appointment]:
    """A resident's appointments, the latest first."""
    query = select(Appointment).where(Appointment.resident_id == resident.id)
    return list(db.session.scalars(query.order_by(Appointment.starts_at.desc()).limit(limit)))


def _refuse_unbookable(session: ClinicSession, rules: Rules, now: datetime) -> None:
    if session.is_called_off:
        raise Blocked(_("This clinic is cancelled."))
    if session.is_over(now):
        raise Blocked(_("This clinic is over."))
    if not rules.is_released(session.day, now):
        opens = moment_of(rules.opens_at(session.day), rules.zone)
        raise Blocked(_("You can book these slots from %(when)s.", when=opens))


def _refuse_what_is_left(
    patient: Patient, session: ClinicSession, held: Sequence[Held], rules: Rules, now: datetime
) -> None:
    """Say so where there are places, all of them at a time at which the person has another."""
    query = select(ClinicPlace.starts_at).where(
        ClinicPlace.session_id == session.id,
        ClinicPlace.state == PlaceState.FREE,
        ClinicPlace.starts_at > now,
    )
    for at in db.session.scalars(query.order_by(ClinicPlace.starts_at)):
        refuse_at_one_time(patient, at, held, rules)


def free_places(session_id: uuid.UUID, now: datetime, at: datetime | None = None) -> int:
    """How many are free, asked without a lock: whoever comes too late is told so at once."""
    query = select(func.count(ClinicPlace.id)).where(
        ClinicPlace.session_id == session_id,
        ClinicPlace.state == PlaceState.FREE,
        ClinicPlace.starts_at > now,
    )
    if at is not None:
        query = query.where(ClinicPlace.starts_at == at)
    return db.session.scalar(query) or 0


def _full() -> Full:
    note_refusal("full")
    return Full(_("Choose another time, or join the waiting list."))
