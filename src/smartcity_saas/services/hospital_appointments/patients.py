"""For whom a resident books."""

from __future__ import annotations

import re
import unicodedata
import uuid
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from flask_babel import lazy_gettext as _
from marshmallow import ValidationError
from sqlalchemy import ColumnElement, Select, bindparam, select

from smartcity_saas.audit import record
from smartcity_saas.configuration.fields import no_control_characters
from smartcity_saas.credentials.personal_encryption import open_personal, own_index, seal_personal
from smartcity_saas.database import (
    CITY,
    db,
    insert_once,
    one_or_404,
    run,
    table_of,
    transaction,
)
from smartcity_saas.errors import Conflict, FieldErrors, NotFound
from smartcity_saas.identity.residents.accounts import SignedInResident
from smartcity_saas.identity.residents.assurance import masked_contact
from smartcity_saas.identity.residents.models import Resident
from smartcity_saas.services.hospital_appointments.booking_limits import held_by
from smartcity_saas.services.hospital_appointments.models import (
    BOOKING_TURNS,
    OPEN_ENTRY,
    PATIENT_PERSON,
    PATIENT_PHONE,
    RELATIONS,
    Appointment,
    AppointmentState,
    BookingTurn,
    Patient,
    PatientAsRead,
    WaitingEntry,
)
from smartcity_saas.services.hospital_appointments.rules import Rules
from smartcity_saas.web.formats import moment_of
from smartcity_saas.web.name_folding import folded_name

MOST_PATIENTS = 10
MARKED_WITHIN_DAYS = 2
"""How many days after an appointment the desk may still note that nobody came."""

_PATIENTS, _TURNS = table_of(Patient), table_of(BookingTurn)
ON_LIST = (
    _PATIENTS.c.city_id == CITY,
    _PATIENTS.c.id == bindparam("patient"),
    _PATIENTS.c.resident_id == bindparam("resident"),
    _PATIENTS.c.removed_at.is_(None),
)
"""Whether a patient is on a resident's list."""
AS_READ = [_PATIENTS.c[name] for name in PatientAsRead._fields]
"""The columns of a ``PatientAsRead``."""
_READ = select(*AS_READ).where(*ON_LIST)
_HELD = _READ.with_for_update()
_TURN = (
    select(_TURNS.c.id)
    .where(_TURNS.c.city_id == CITY, _TURNS.c.number == bindparam("number"))
    .with_for_update()
)


def patients_of(resident: SignedInResident) -> list[Patient]:
    """A resident's patients, in the order in which they were added."""
    query = select(Patient).where(Patient.resident_id == resident.id, Patient.removed_at.is_(None))
    return list(db.session.scalars(query.order_by(Patient.created_at, Patient.id)))


def patient_of(resident: SignedInResident, patient_id: uuid.UUID) -> Patient:
    """One of them.

    Raises:
        NotFound: It is nobody on the resident's list.
    """
    found = next((one for one in patients_of(resident) if one.id == patient_id), None)
    if found is None:
        raise unknown_patient()
    return found


def _as_read(
    statement: Select[Any], resident: SignedInResident, patient_id: uuid.UUID
) -> PatientAsRead:
    row = run(statement, {"patient": patient_id, "resident": resident.id}).one_or_none()
    if row is None:
        raise unknown_patient()
    return PatientAsRead._make(row)


def unknown_patient() -> NotFound:
    """What is said where somebody is not on the resident's list."""
    return NotFound(_("We cannot find that person on your list."))


def locked_patient(
    resident: SignedInResident, patient_id: uuid.UUID, now: datetime, known_as: str | None = None
) -> PatientAsRead:
    """A patient of the resident's as it stands, with the person's turn to book: two acts at once for
    one person, by whichever rows and accounts, see each other.

    Args:
        resident: Whose list it is.
        patient_id: Who is on it.
        now: The time.
        known_as: The name under which the patient was just read; None where they were not.

    Raises:
        NotFound: It is nobody on the resident's list.
        Conflict: Their name was changed in this very moment.
    """
    name = _as_read(_READ, resident, patient_id).name if known_as is None else known_as
    _take_turns(now, name)
    found = _as_read(_HELD, resident, patient_id)
    if folded_name(found.name) != folded_name(name):
        raise Conflict(
            _("This patient's details have just changed. Check your list and try again.")
        )
    return found


def _locked(resident: SignedInResident, patient_id: uuid.UUID) -> Patient:
    return one_or_404(
        select(Patient)
        .where(
            Patient.id == patient_id,
            Patient.resident_id == resident.id,
            Patient.removed_at.is_(None),
        )
        .with_for_update()
        .execution_options(populate_existing=True),
        _("We cannot find that person on your list."),
    )


def _take_turns(now: datetime, *names: str) -> None:
    """Wait until nobody else books for people of these names, and hold that until the transaction
    ends. By name alone, since the telephone may change while something is open."""
    indexes = {own_index(PATIENT_PERSON, folded_name(name), now) for name in names}
    for number in sorted({int(index[:8], 16) % BOOKING_TURNS for index in indexes}):
        if run(_TURN, {"number": number}).first() is not None:
            continue
        if insert_once(BookingTurn, ("number",), number=number) is None:
            run(_TURN, {"number": number})  # somebody was quicker by a moment; else it is ours


def add_patient(resident: SignedInResident, typed: Mapping[str, str], now: datetime) -> Patient:
    """Add someone for whom to book; the same person again on one list is the same row.

    Args:
        resident: Who adds.
        typed: ``name``, ``relation`` and ``phone`` as typed.
        now: The time.

    Raises:
        FieldErrors: What is wrong, by field.
    """
    name, phone, relation = _read(typed)
    with transaction() as session:
        session.execute(select(Resident.id).where(Resident.id == resident.id).with_for_update())
        known = patients_of(resident)
        for one in known:
            if _is_person(one, name, phone, now):
                one.relation = relation
                _give_phone(one, phone, now)
                return one
        if len(known) >= MOST_PATIENTS:
            raise FieldErrors({"name": _("You have added 10 people, the maximum.")})
        row = Patient(
            resident_id=resident.id,
            name=name,
            relation=relation,
            person_index=person_index(name, phone, now),
            created_at=now,
        )
        _give_phone(row, phone, now)
        session.add(row)
        session.flush()
    return row


def change_patient(
    resident: SignedInResident,
    patient_id: uuid.UUID,
    typed: Mapping[str, str],
    rules: Rules,
    now: datetime,
) -> Patient:
    """Change someone on the list. Appointments that are open are reached by the new telephone.
    While anything counts towards a limit, the name stays, and what the person holds is found by
    the old telephone as by the new one.

    Args:
        resident: Whose list it is.
        patient_id: Who is changed.
        typed: ``name``, ``relation`` and ``phone`` as typed.
        rules: The city's.
        now: The time.

    Raises:
        NotFound: It is nobody on the resident's list.
        FieldErrors: What is wrong, by field.
    """
    name, phone, relation = _read(typed)
    with transaction() as session:
        session.execute(select(Resident.id).where(Resident.id == resident.id).with_for_update())
        _take_turns(now, patient_of(resident, patient_id).name, name)
        row = _locked(resident, patient_id)
        others = (one for one in patients_of(resident) if one.id != row.id)
        if any(_is_person(one, name, phone, now) for one in others):
            raise FieldErrors(
                {"name": _("Someone with this name and phone number is already on your list.")}
            )
        counts = name_stays(row, rules, now)
        if counts and folded_name(name) != folded_name(row.name):
            raise FieldErrors({"name": counts})
        before = {"name": row.name, "relation": row.relation, "phone": phone_of(row, now)}
        row.name, row.relation = name, relation
        _give_phone(row, phone, now)
        if not counts:
            row.person_index = person_index(name, phone, now)
        after = {"name": name, "relation": relation, "phone": phone}
        changed = sorted(key for key in after if after[key] != before[key])
        if changed:
            act = "hospital_appointments.patient"
            record(resident.actor, act, str(row.id), {"changed": changed}, now)
    return row


def name_stays(patient: Patient, rules: Rules, now: datetime) -> Any:
    """Why a person's name cannot be changed now, and what to do; None if it can."""
    days = rules.no_show_days if rules.no_shows else 0
    held = held_by(patient, now - timedelta(days=max(MARKED_WITHIN_DAYS, days)))
    recent = now - timedelta(days=MARKED_WITHIN_DAYS)
    if _waits(patient) or any(one.starts_at > recent for one in held):
        return _(
            "You cannot change the name while %(name)s is on a waiting list, has an open appointment or had one in the last two days. If only a character is wrong, tell the hospital on arrival.",
            name=patient.name,
        )
    if days and (
        missed := [one.starts_at for one in held if one.state == AppointmentState.NO_SHOW]
    ):
        return _(
            "You cannot change the name until %(when)s, because %(name)s missed an appointment. If it is wrong, go to the hospital's counter.",
            name=patient.name,
            when=moment_of(max(missed) + timedelta(days=days), rules.zone),
        )
    return None


def _waits(patient: Patient) -> bool:
    query = select(WaitingEntry.id).where(
        WaitingEntry.patient_id == patient.id,
        WaitingEntry.state.in_(OPEN_ENTRY),
    )
    return db.session.scalars(query.limit(1)).first() is not None


def _read(typed: Mapping[str, str]) -> tuple[str, str, str]:
    """Name, telephone as it is kept, and relation.

    Raises:
        FieldErrors: What is wrong, by field.
    """
    name, phone = typed.get("name", "").strip(), folded_phone(typed.get("phone", ""))
    relation = typed.get("relation", "")
    errors: dict[str, Any] = {}
    if not 1 <= len(name) <= 40 or not _readable(name):
        errors["name"] = _("Enter the name exactly as on the identity card.")
    if relation not in RELATIONS:
        errors["relation"] = _("Choose how you are related.")
    if not re.fullmatch(r"\+?[0-9]{5,15}", phone):
        errors["phone"] = _("Enter a phone number, such as 13800000000.")
    if errors:
        raise FieldErrors(errors)
    return name, phone, relation


def _is_person(row: Patient, name: str, phone: str, now: datetime) -> bool:
    """Whether a row is the person of this name and telephone, or was while something counted."""
    called = folded_name(row.name) == folded_name(name)
    by_phone = row.phone_index == own_index(PATIENT_PHONE, phone, now)
    return (called and by_phone) or row.person_index == person_index(name, phone, now)


def _give_phone(row: Patient, phone: str, now: datetime) -> None:
    index = own_index(PATIENT_PHONE, phone, now)
    if row.phone_index == index:
        return
    row.sealed = seal_personal(PATIENT_PHONE, phone, now)
    row.shown, row.phone_index = masked_contact("sms", phone), index


def phone_of(patient: Patient, now: datetime) -> str:
    """A patient's telephone, for whoever has to ring; empty once it was deleted.

    Raises:
        CredentialError: The city's key cannot be opened.
    """
    return open_personal(PATIENT_PHONE, patient.sealed, now) if patient.sealed else ""


def has_phone(text: str, now: datetime) -> ColumnElement[bool]:
    """The condition that finds patients by a telephone as typed."""
    return Patient.phone_index == own_index(PATIENT_PHONE, folded_phone(text), now)


def remove_patient(resident: SignedInResident, patient_id: uuid.UUID, now: datetime) -> None:
    """Take someone off the list; past appointments stay.

    Raises:
        NotFound: It is nobody on the resident's list.
        Conflict: There is an open appointment.
    """
    with transaction() as session:
        locked_patient(resident, patient_id, now)
        row = _locked(resident, patient_id)
        booked = session.scalars(
            select(Appointment.id)
            .where(
                Appointment.patient_id == patient_id,
                Appointment.state == AppointmentState.BOOKED,
                Appointment.starts_at > now,
            )
            .limit(1)
        ).first()
        if booked is not None or _waits(row):
            raise Conflict(
                _("There is an open appointment or a place on a waiting list. Cancel it first.")
            )
        row.removed_at = now


def person_index(name: str, phone: str, now: datetime) -> str:
    """By what a person is known in the current city, however name and telephone are typed
    and on whoever's list they stand; says nothing to anybody without the city's key.

    Raises:
        CredentialError: The city's key cannot be opened.
    """
    return own_index(PATIENT_PERSON, f"{folded_name(name)}\n{folded_phone(phone)}", now)


def folded_phone(typed: str) -> str:
    """A telephone number as it is kept: digits, with ``+`` where it is another country's. One of
    China is written as it is dialled there: 11 digits for a mobile, 0 before an area code."""
    number = re.sub(r"[\s()./‐-―-]", "", unicodedata.normalize("NFKC", typed))
    number = re.sub(r"^00", "+", number)
    if found := re.fullmatch(r"(?:\+?86)(1[3-9][0-9]{9})", number, re.ASCII):
        return found[1]
    return re.sub(r"^\+860?(?=[0-9])", "0", number)


def _readable(text: str) -> bool:
    try:
        no_control_characters(text)
    except ValidationError:
        return False
    return True
