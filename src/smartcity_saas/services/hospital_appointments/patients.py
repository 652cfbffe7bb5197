"""For whom a resident books."""

from __future__ import annotations

import re
import unicodedata
import uuid
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from flask_babel import lazy_gettext as _
from marshmallow import ValidationError
from sqlalchemy import select

from smartcity_saas.configuration.fields import no_control_characters
from smartcity_saas.credentials.personal import open_personal, own_index, seal_personal
from smartcity_saas.database import command, db, insert_once
from smartcity_saas.errors import Conflict, FieldErrors, NotFound
from smartcity_saas.identity.assurance import masked_contact
from smartcity_saas.identity.models import Resident
from smartcity_saas.identity.residents import SignedInResident
from smartcity_saas.services.hospital_appointments.models import (
    BOOKED,
    BOOKING_TURNS,
    ENTRY_OFFERED,
    PATIENT_PERSON,
    PATIENT_PHONE,
    RELATIONS,
    WAITING,
    Appointment,
    BookingTurn,
    Patient,
    WaitingEntry,
)
from smartcity_saas.web.names import folded_name

MOST_PATIENTS = 10


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
        raise NotFound(_("There is nobody like that on your list."))
    return found


def locked_patient(resident: SignedInResident, patient_id: uuid.UUID) -> Patient:
    """A patient of the resident's, with the person's turn to book: two acts at once for one
    person, by whichever rows and accounts, see each other.

    Raises:
        NotFound: It is nobody on the resident's list.
    """
    _take_turn(patient_of(resident, patient_id).person_index)
    found = db.session.scalars(
        select(Patient)
        .where(
            Patient.id == patient_id,
            Patient.resident_id == resident.id,
            Patient.removed_at.is_(None),
        )
        .with_for_update()
    ).one_or_none()
    if found is None:
        raise NotFound(_("There is nobody like that on your list."))
    return found


def _take_turn(person_index: str) -> None:
    """Wait until nobody else books for this person, and hold that until the command ends."""
    number = int(person_index[:8] or "0", 16) % BOOKING_TURNS
    insert_once(BookingTurn, ("number",), number=number)
    db.session.execute(select(BookingTurn.id).where(BookingTurn.number == number).with_for_update())


def add_patient(resident: SignedInResident, typed: Mapping[str, str], now: datetime) -> Patient:
    """Add someone for whom to book; the same person again on one list is the same row.

    Args:
        resident: Who adds.
        typed: ``name``, ``relation`` and ``phone`` as typed.
        now: The time.

    Raises:
        FieldErrors: What is wrong, by field.
    """
    name, phone = typed.get("name", "").strip(), folded_phone(typed.get("phone", ""))
    errors: dict[str, Any] = {}
    if not 1 <= len(name) <= 40 or not _readable(name):
        errors["name"] = _("Write the name as it stands on the identity card.")
    if typed.get("relation") not in RELATIONS:
        errors["relation"] = _("Choose who it is.")
    if not re.fullmatch(r"\+?[0-9]{5,15}", phone):
        errors["phone"] = _("Write a telephone number, such as 13800000000.")
    if errors:
        raise FieldErrors(errors)
    index, person = own_index(PATIENT_PHONE, phone, now), person_index(name, phone, now)
    with command() as session:
        session.execute(select(Resident.id).where(Resident.id == resident.id).with_for_update())
        known = patients_of(resident)
        for one in known:
            if one.person_index == person:
                one.relation = typed["relation"]
                return one
        if len(known) >= MOST_PATIENTS:
            raise FieldErrors({"name": _("You have added 10 people, which is the most.")})
        row = Patient(
            resident_id=resident.id,
            name=name,
            relation=typed["relation"],
            sealed=seal_personal(PATIENT_PHONE, phone, now),
            shown=masked_contact("sms", phone),
            phone_index=index,
            person_index=person,
            created_at=now,
        )
        session.add(row)
        session.flush()
    return row


def phone_of(patient: Patient, now: datetime) -> str:
    """A patient's telephone, for whoever has to ring; empty once it was deleted.

    Raises:
        CredentialError: The city's key cannot be opened.
    """
    return open_personal(PATIENT_PHONE, patient.sealed, now) if patient.sealed else ""


def has_phone(text: str, now: datetime) -> Any:
    """The condition that finds patients by a telephone as typed."""
    return Patient.phone_index == own_index(PATIENT_PHONE, folded_phone(text), now)


def remove_patient(resident: SignedInResident, patient_id: uuid.UUID, now: datetime) -> None:
    """Take someone off the list; past appointments stay.

    Raises:
        NotFound: It is nobody on the resident's list.
        Conflict: There is an open appointment.
    """
    with command() as session:
        row = locked_patient(resident, patient_id)
        booked = session.scalars(
            select(Appointment.id)
            .where(
                Appointment.patient_id == patient_id,
                Appointment.state == BOOKED,
                Appointment.starts_at > now,
            )
            .limit(1)
        ).first()
        waits = session.scalars(
            select(WaitingEntry.id)
            .where(
                WaitingEntry.patient_id == patient_id,
                WaitingEntry.state.in_((WAITING, ENTRY_OFFERED)),
            )
            .limit(1)
        ).first()
        if booked is not None or waits is not None:
            raise Conflict(
                _("There is an open appointment, or a place in a line. Give that up first.")
            )
        row.removed_at = now


def person_index(name: str, phone: str, now: datetime) -> str:
    """By what a person is known in the city that we are in, however name and telephone are typed
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
