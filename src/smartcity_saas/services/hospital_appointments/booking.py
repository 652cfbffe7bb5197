"""Booking a place and noting whether someone came, in the current city."""

from __future__ import annotations

import secrets
import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import cache

from flask_babel import lazy_gettext as _
from sqlalchemy import Update, bindparam, select, update

from smartcity_saas.audit import Actor, record
from smartcity_saas.catalog.events import ServiceEvent, publish_event, withdraw_event
from smartcity_saas.clock import today_in
from smartcity_saas.database import (
    CITY,
    db,
    load,
    one_or_404,
    run,
    send_together,
    store,
    table_of,
    transaction,
)
from smartcity_saas.errors import Conflict, NotFound
from smartcity_saas.identity.residents.accounts import SignedInResident
from smartcity_saas.measures import Measure, count, note_refusal
from smartcity_saas.services.hospital_appointments.back_office import report
from smartcity_saas.services.hospital_appointments.bookable import Bookable, read_bookable
from smartcity_saas.services.hospital_appointments.booking_limits import (
    AnyPatient,
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
    PlaceState,
    TakenPlace,
)
from smartcity_saas.services.hospital_appointments.names import ATTENDED, ROOT, SERVICE
from smartcity_saas.services.hospital_appointments.notifications import tell_booked
from smartcity_saas.services.hospital_appointments.patients import locked_patient, unknown_patient
from smartcity_saas.services.hospital_appointments.rules import Rules
from smartcity_saas.services.hospital_appointments.schedule import any_free
from smartcity_saas.tenancy.current import current_city
from smartcity_saas.web.formats import moment_of

ARRIVES_BEFORE = timedelta(hours=12)
"""How long before its time someone may be there."""
PLACES = table_of(ClinicPlace)
_ANY_FREE = any_free(PLACES, at_a_time=False).limit(1)
CODE_LETTERS = "ABCDEFGHJKMNPQRSTUVWXYZ23456789"


class Full(Conflict):
    """No place is left there; ``others`` is the path of the page that has the department's other slots."""

    title = _("The last slot was just taken")
    others = ""


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
    found = find_bookable(resident, patient_id, session_id, at, rules, now)
    return book_into(found, resident, at, rules, now, pays)


def find_bookable(
    resident: SignedInResident,
    patient_id: uuid.UUID,
    session_id: uuid.UUID,
    at: datetime | None,
    rules: Rules,
    now: datetime,
) -> Bookable:
    """What is to be booked, as it stands: the first half of ``book``, which holds nothing, so
    that whoever comes too late is told so at little cost.

    Raises:
        NotFound, AlreadyBooked, Full, Blocked: As ``book``.
    """
    found = read_bookable(resident, patient_id, session_id, at, now)
    _refuse_unbookable(found.session, rules, now)
    if found.patient is None:
        raise unknown_patient()
    if not found.free:
        refuse_held_here(found.patient, found.session)
        raise _full(found.session)
    return found


def book_into(
    found: Bookable,
    resident: SignedInResident,
    at: datetime | None,
    rules: Rules,
    now: datetime,
    pays: PayWhen | None = None,
) -> Appointment:
    """Book a place that was found: the second half of ``book``, in one transaction.

    Raises:
        NotFound, Conflict, AlreadyBooked, Full, Blocked: As ``book``.
    """
    session, known = found.session, found.patient
    if known is None:
        raise unknown_patient()
    with transaction():
        agreed = agree_on(resident, session, pays, rules, now)
        patient = locked_patient(resident, known.id, now, known.name)
        held = refuse_beyond_limits(patient, session, rules, now)
        if agreed[0] == PayWhen.AHEAD:
            refuse_after_unpaid_holds(patient, session, rules, now)
        if at is not None:
            refuse_at_one_time(patient, at, held, rules)
        place = take_place(session.id, at, now, [rules.busy(one.starts_at) for one in held])
        if place is None:
            _refuse_what_is_left(patient, session, held, rules, now)
            raise _full(session)
        made = keep(resident.actor, resident.id, patient, session, place, now)
        fee = keep_fee(made, session, agreed, rules, now)
        tell_booked(made, session, fee, now, found.names)
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
    patient: AnyPatient,
    session: ClinicSession,
    place: TakenPlace,
    now: datetime,
) -> Appointment:
    """Write the appointment of a place that the present transaction has taken; the caller agrees on
    its fee and tells of it."""
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
    send_together()
    store(appointment)
    record(actor, "hospital_appointments.book", appointment.code, {"number": place.number}, now)
    report(appointment, AppointmentState.BOOKED, now)
    count(SERVICE, Measure.DONE, now, waited=place.starts_at - now, at_once=True)
    return appointment


def take_place(
    session_id: uuid.UUID,
    at: datetime | None,
    now: datetime,
    busy: Sequence[tuple[datetime, datetime]] = (),
) -> TakenPlace | None:
    """Take the earliest free place, by time and then by number. Whoever comes at the same moment
    passes over it instead of waiting for it.

    Args:
        session_id: Of which session.
        at: At exactly that time, None for any.
        now: The time.
        busy: Between these moments, both excluded, none.
    """
    values = {"session": session_id, "now": now, "at": at}
    for number, (begins, ends) in enumerate(busy):
        values |= {f"begins_{number}": begins, f"ends_{number}": ends}
    row = run(_taking(len(busy), at is not None), values).one_or_none()
    return TakenPlace._make(row) if row else None


@cache
def _taking(busy: int, at_a_time: bool) -> Update:
    free = PLACES.alias()
    chosen = any_free(free, at_a_time).order_by(free.c.starts_at, free.c.number).limit(1)
    for number in range(busy):
        before = free.c.starts_at <= bindparam(f"begins_{number}")
        chosen = chosen.where(before | (free.c.starts_at >= bindparam(f"ends_{number}")))
    one = chosen.with_for_update(skip_locked=True).scalar_subquery()
    taking = update(PLACES).where(PLACES.c.city_id == CITY, PLACES.c.id == one)
    return taking.values(state=PlaceState.TAKEN).returning(
        PLACES.c.id, PLACES.c.number, PLACES.c.starts_at
    )


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


_appointment = table_of(Appointment)
_APPOINTMENTS_OF = (
    select(_appointment)
    .where(_appointment.c.city_id == CITY, _appointment.c.resident_id == bindparam("resident"))
    .order_by(_appointment.c.starts_at.desc())
    .limit(bindparam("most"))
)


def appointments_of(resident: SignedInResident, limit: int = 50) -> list[Appointment]:
    """A resident's appointments, the latest first."""
    return load(Appointment, _APPOINTMENTS_OF, {"resident": resident.id, "most": limit})


def _refuse_unbookable(session: ClinicSession, rules: Rules, now: datetime) -> None:
    if session.is_called_off:
        raise Blocked(_("This clinic is cancelled."))
    if session.is_over(now):
        raise Blocked(_("This clinic is over."))
    if not rules.is_released(session.day, now):
        opens = moment_of(rules.opens_at(session.day), rules.zone)
        raise Blocked(_("You can book these slots from %(when)s.", when=opens))


def _refuse_what_is_left(
    patient: AnyPatient, session: ClinicSession, held: Sequence[Held], rules: Rules, now: datetime
) -> None:
    """Say so where there are places, all of them at a time at which the person has another."""
    query = select(ClinicPlace.starts_at).where(
        ClinicPlace.session_id == session.id,
        ClinicPlace.state == PlaceState.FREE,
        ClinicPlace.starts_at > now,
    )
    for at in db.session.scalars(query.order_by(ClinicPlace.starts_at)):
        refuse_at_one_time(patient, at, held, rules)


def has_free_place(session_id: uuid.UUID, now: datetime) -> bool:
    """Whether one is free, asked without a lock."""
    return run(_ANY_FREE, {"session": session_id, "now": now}).first() is not None


def _full(session: ClinicSession) -> Full:
    note_refusal("full")
    found = Full(_("Choose another time, or join the waiting list."))
    found.others = f"{ROOT}/departments/{session.department_id}?day={session.day}"
    return found
