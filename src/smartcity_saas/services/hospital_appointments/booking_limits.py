"""What one person may hold, in the current city. It is counted over every row of theirs:
on whoever's list, removed ones included."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from flask_babel import lazy_gettext as _
from flask_babel import lazy_ngettext
from sqlalchemy import ColumnElement, bindparam, or_, select

from smartcity_saas.database import CITY, db, run, table_of
from smartcity_saas.errors import NotAllowed
from smartcity_saas.services.hospital_appointments.fee_models import AppointmentFee, PayWhen
from smartcity_saas.services.hospital_appointments.models import (
    KEPT,
    Appointment,
    AppointmentState,
    ClinicSession,
    Patient,
    PatientAsRead,
)
from smartcity_saas.services.hospital_appointments.names import ROOT
from smartcity_saas.services.hospital_appointments.rules import Rules
from smartcity_saas.tenancy.current import current_city
from smartcity_saas.web.formats import moment_of
from smartcity_saas.web.name_folding import folded_name

MOST_UNPAID_HOLDS = 3
"""How often a person may hold a place of one session without paying, within ``HELD_WITHIN``."""
HELD_WITHIN = timedelta(days=1)

AnyPatient = Patient | PatientAsRead
_PATIENTS, _VISITS, _SESSIONS = (table_of(one) for one in (Patient, Appointment, ClinicSession))
_SAME_INDEX = (_PATIENTS.c.person_index == bindparam("person")) & (_PATIENTS.c.person_index != "")
SAME_PERSON: ColumnElement[bool] = or_(
    _PATIENTS.c.id.in_(bindparam("rows", expanding=True)), _SAME_INDEX
)
"""The condition on a patient with the values of ``person_values``."""
_BY_PHONE = select(_PATIENTS.c.id, _PATIENTS.c.name).where(
    _PATIENTS.c.city_id == CITY, _PATIENTS.c.phone_index == bindparam("phone")
)
_ON_RECORD = (
    select(
        _VISITS.c.id,
        _VISITS.c.state,
        _VISITS.c.starts_at,
        _VISITS.c.session_id,
        _SESSIONS.c.department_id,
        _VISITS.c.resident_id,
    )
    .join(_SESSIONS, _SESSIONS.c.id == _VISITS.c.session_id)
    .join(_PATIENTS, _PATIENTS.c.id == _VISITS.c.patient_id)
    .where(
        *(one.c.city_id == CITY for one in (_VISITS, _SESSIONS, _PATIENTS)),
        or_(*(_VISITS.c.state == state for state in sorted(KEPT))),
        _VISITS.c.starts_at >= bindparam("since"),
    )
    .order_by(_VISITS.c.starts_at)
)
_HELD = _ON_RECORD.where(SAME_PERSON)
_HELD_OF_ONE_ROW = _ON_RECORD.where(or_(_PATIENTS.c.id == bindparam("row"), _SAME_INDEX))


class Blocked(NotAllowed):
    """This patient may not book now."""

    title = _("You cannot book this")


class AlreadyBooked(Blocked):
    """An appointment of the same person stands in the way."""

    title = _("Already booked")


@dataclass(frozen=True)
class Held:
    """An appointment of a person's that was not given back."""

    id: uuid.UUID
    state: str
    starts_at: datetime
    session_id: uuid.UUID
    department_id: uuid.UUID
    resident_id: uuid.UUID


def refuse_beyond_limits(
    patient: AnyPatient, session: ClinicSession, rules: Rules, now: datetime
) -> list[Held]:
    """Hold a person to the city's limits, in the transaction that holds their turn.

    Returns:
        What they hold near or after now: no other place can be taken at the time of one.

    Raises:
        Blocked: With what stands in the way.
    """
    held = held_by(patient, now - timedelta(days=max(2, rules.no_show_days)))
    _refuse_the_same_clinic(patient, session, held)
    coming = [one for one in held if one.state == AppointmentState.BOOKED and one.starts_at > now]
    same = [one for one in coming if one.department_id == session.department_id]
    if len(same) >= rules.per_department:
        raise _in_the_way(
            patient,
            same[0],
            _(
                "%(name)s already has an appointment in this department. Cancel it first, or book after it.",
                name=patient.name,
            ),
            Blocked.title,
        )
    if len(coming) >= rules.per_patient:
        raise Blocked(
            lazy_ngettext(
                "%(name)s has %(num)s open appointment, the maximum.",
                "%(name)s has %(num)s open appointments, the maximum.",
                rules.per_patient,
                name=patient.name,
            )
        )
    _refuse_after_absences(patient, held, rules, now)
    return [
        one
        for one in held
        if one.state != AppointmentState.NO_SHOW and rules.busy(one.starts_at)[1] > now
    ]


def refuse_after_unpaid_holds(
    patient: AnyPatient, session: ClinicSession, rules: Rules, now: datetime
) -> None:
    """Nobody keeps a place from others by holding it for a payment again and again.

    Raises:
        Blocked: The person has held a place of this session three times within a day without
            paying, whether they gave it back or let it lapse.
    """
    query = (
        select(Appointment.booked_at)
        .join(AppointmentFee, AppointmentFee.appointment_id == Appointment.id)
        .join(Patient, Patient.id == Appointment.patient_id)
        .where(
            SAME_PERSON,
            Appointment.session_id == session.id,
            Appointment.state == AppointmentState.CANCELLED,
            Appointment.booked_at > now - HELD_WITHIN,
            AppointmentFee.pays == PayWhen.AHEAD,
            AppointmentFee.payment_id.is_(None),
        )
        .order_by(Appointment.booked_at.desc())
    )
    held = list(db.session.scalars(query, person_values(patient)))
    if len(held) >= MOST_UNPAID_HOLDS:
        again = moment_of(held[MOST_UNPAID_HOLDS - 1] + HELD_WITHIN, rules.zone)
        raise Blocked(
            _(
                "A slot of this clinic was held for %(name)s several times and not paid for. You can book it here again from %(when)s; until then, book and pay at the hospital's counter, or call %(number)s.",
                name=patient.name,
                when=again,
                number=current_city().site["hotline"],
            )
        )


def refuse_held_here(patient: AnyPatient, session: ClinicSession) -> None:
    """Say so where the person has a place in this clinic, before anybody says that it is full.

    Raises:
        AlreadyBooked: With the appointment, if it is the resident's own.
    """
    _refuse_the_same_clinic(patient, session, held_by(patient, session.starts_at))


def refuse_at_one_time(
    patient: AnyPatient, at: datetime, held: Sequence[Held], rules: Rules
) -> None:
    """Nobody is in two places at one time.

    Raises:
        AlreadyBooked: The person has another place at that time.
    """
    for one in held:
        begins, ends = rules.busy(one.starts_at)
        if begins < at < ends:
            raise _in_the_way(
                patient,
                one,
                _(
                    "%(name)s has an appointment at %(when)s, at the same time. Choose another time, or cancel that appointment first.",
                    name=patient.name,
                    when=moment_of(one.starts_at, rules.zone),
                ),
            )


def held_by(patient: AnyPatient, since: datetime) -> list[Held]:
    """What a person has had or will have since a time, in one look."""
    values = {"since": since, **person_values(patient)}
    if len(values["rows"]) == 1:  # nearly everybody; a list of values takes twice as long to bind
        (values["row"],) = values.pop("rows")
        found = run(_HELD_OF_ONE_ROW, values)
    else:
        found = run(_HELD, values)
    return [Held(**row._mapping) for row in found]


def person_values(patient: AnyPatient) -> dict[str, Any]:
    """The values by which ``SAME_PERSON`` finds every row of a person: known by the same name and
    telephone now, or by those they had when what counts began."""
    return {"rows": _of_one_name_and_phone(patient), "person": patient.person_index}


def _of_one_name_and_phone(patient: AnyPatient) -> list[uuid.UUID]:
    if not patient.phone_index:
        return [patient.id]
    called = folded_name(patient.name)
    found = run(_BY_PHONE, {"phone": patient.phone_index})
    return [patient.id, *(one.id for one in found if folded_name(one.name) == called)]


def _refuse_the_same_clinic(
    patient: AnyPatient, session: ClinicSession, held: Sequence[Held]
) -> None:
    for one in held:
        if one.session_id == session.id:
            raise _in_the_way(
                patient,
                one,
                _("%(name)s is already booked into this clinic.", name=patient.name),
                _("You have already booked this") if _own(patient, one) else None,
            )


def _refuse_after_absences(
    patient: AnyPatient, held: Sequence[Held], rules: Rules, now: datetime
) -> None:
    until = rules.blocked_until(
        [one.starts_at for one in held if one.state == AppointmentState.NO_SHOW], now
    )
    if until is not None:
        raise Blocked(
            lazy_ngettext(
                "%(name)s missed %(num)s appointment and can book again from %(when)s. Until "
                "then, go to the hospital's counter.",
                "%(name)s missed %(num)s appointments and can book again from %(when)s. Until "
                "then, go to the hospital's counter.",
                rules.no_shows,
                name=patient.name,
                when=moment_of(until, rules.zone),
            )
        )


def _in_the_way(patient: AnyPatient, one: Held, detail: Any, title: Any = None) -> AlreadyBooked:
    found = AlreadyBooked(detail, title=title)
    if _own(patient, one):  # another account's is nobody else's to see
        found.see = f"{ROOT}/appointments/{one.id}"
    return found


def _own(patient: AnyPatient, one: Held) -> bool:
    return one.resident_id == patient.resident_id
