"""People on residents' lists, and what they book."""

from __future__ import annotations

import uuid
from typing import Any

from sqlalchemy import select

from smartcity_saas.audit import system
from smartcity_saas.database import db
from smartcity_saas.services.hospital_appointments import booking
from smartcity_saas.services.hospital_appointments.models import ClinicPlace, ClinicSession
from smartcity_saas.services.hospital_appointments.patients import add_patient
from tests.support.clinic import Clinic

PERSON = {"name": "张·三", "relation": "self", "phone": "13800000000"}


def add(clinic: Clinic, account: str, **typed: str) -> uuid.UUID:
    """The person on an account's list; typed otherwise if so wished."""
    resident, _own = clinic.person(account)
    with clinic.world.inside(clinic.city):
        return add_patient(resident, {**PERSON, **typed}, clinic.now).id


def book(clinic: Clinic, account: str, patient: uuid.UUID, session: Any, at: Any = None) -> Any:
    resident, _own = clinic.person(account)
    with clinic.world.inside(clinic.city):
        return booking.book(resident, patient, session, at, clinic.rules, clinic.now)


def sessions(clinic: Clinic) -> list[uuid.UUID]:
    with clinic.world.inside(clinic.city):
        return list(db.session.scalars(select(ClinicSession.id).order_by(ClinicSession.id)))


def times(clinic: Clinic, session: uuid.UUID) -> list[Any]:
    with clinic.world.inside(clinic.city):
        query = select(ClinicPlace.starts_at).where(ClinicPlace.session_id == session)
        return list(db.session.scalars(query.order_by(ClinicPlace.starts_at)))


def miss(clinic: Clinic, account: str, patient: uuid.UUID) -> None:
    """Three appointments to which nobody comes; a clinic tomorrow stands open then."""
    rows = [{"day": clinic.day(one), "department_code": f"x{one}"} for one in (1, 2, 3)]
    clinic.bring(*rows)
    made = [book(clinic, account, patient, key) for key in sessions(clinic)[-3:]]
    clinic.world.clock.move(days=3, hours=23)
    with clinic.world.inside(clinic.city):
        for one in made:
            booking.mark(system("desk"), one.id, "no_show", clinic.now)
    clinic.bring({"day": clinic.day(2), "department_code": "late"})
