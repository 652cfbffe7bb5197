"""What somebody is about to book, read in one statement that holds nothing."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import datetime
from functools import cache
from typing import Any, NamedTuple

from flask_babel import lazy_gettext as _
from sqlalchemy import Select, and_, bindparam, exists, select

from smartcity_saas.database import CITY, run, table_of
from smartcity_saas.errors import NotFound
from smartcity_saas.identity.residents.accounts import SignedInResident
from smartcity_saas.services.hospital_appointments.models import (
    ClinicPlace,
    ClinicSession,
    Doctor,
    Hospital,
    HospitalDepartment,
    Patient,
    PatientAsRead,
)
from smartcity_saas.services.hospital_appointments.notifications import PLACE_NAMES
from smartcity_saas.services.hospital_appointments.patients import AS_READ, ON_LIST
from smartcity_saas.services.hospital_appointments.schedule import any_free

_SESSIONS, _PLACES, _DOCTORS, _DEPARTMENTS, _HOSPITALS = (
    table_of(one) for one in (ClinicSession, ClinicPlace, Doctor, HospitalDepartment, Hospital)
)
_OF_A_SESSION = len(_SESSIONS.c)


class Bookable(NamedTuple):
    """A session, who is to be booked there, and whether there is room: all apart from the database, so
    that nothing reads it anew.

    Attributes:
        session: The session.
        free: Whether a place is free, asked without a lock.
        names: Those of hospital, department and doctor.
        patient: Who is to be booked; None where they are not on the resident's list.
    """

    session: ClinicSession
    free: bool
    names: Sequence[dict[str, str]]
    patient: PatientAsRead | None


def read_bookable(
    resident: SignedInResident,
    patient_id: uuid.UUID,
    session_id: uuid.UUID,
    at: datetime | None,
    now: datetime,
) -> Bookable:
    """Read what booking needs to know, whatever becomes of it.

    Args:
        resident: Who books.
        patient_id: For whom.
        session_id: Which session.
        at: At exactly that time, None for any.
        now: The time.

    Raises:
        NotFound: There is no such session.
    """
    asked = {
        "session": session_id,
        "patient": patient_id,
        "resident": resident.id,
        "now": now,
        "at": at,
    }
    row = run(_reading(at is not None), asked).one_or_none()
    if row is None:
        raise NotFound(_("We cannot find that clinic."))
    values = dict(zip(_SESSIONS.c.keys(), row, strict=False))
    free, *rest = row[_OF_A_SESSION:]
    names, person = rest[: len(PLACE_NAMES)], rest[len(PLACE_NAMES) :]
    patient = PatientAsRead._make(person) if person[0] is not None else None
    return Bookable(ClinicSession(**values), bool(free), names, patient)


@cache
def _reading(at_a_time: bool) -> Select[Any]:
    read = _SESSIONS, _DOCTORS, _DEPARTMENTS, _HOSPITALS
    free = exists(any_free(_PLACES, at_a_time))
    return (
        select(_SESSIONS, free.label("free"), *PLACE_NAMES, *AS_READ)
        .select_from(_SESSIONS)
        .join(_DOCTORS, _DOCTORS.c.id == _SESSIONS.c.doctor_id)
        .join(_DEPARTMENTS, _DEPARTMENTS.c.id == _DOCTORS.c.department_id)
        .join(_HOSPITALS, _HOSPITALS.c.id == _DEPARTMENTS.c.hospital_id)
        .join(table_of(Patient), and_(*ON_LIST), isouter=True)
        .where(*(one.c.city_id == CITY for one in read), _SESSIONS.c.id == bindparam("session"))
    )
