"""Where schedules come from and where bookings go: the city's tables, or the hospitals' own
system over HTTP or by FHIR R4.

The places that a hospital gives to the platform are sold here and nowhere else, so that none is
sold twice whatever the line does. With ``http`` the schedule is fetched when someone looks and
it has grown old, and every booking and cancellation is reported by the outbox. The contract is
docs/connectors/hospital-appointments.yaml. With ``fhir`` a task reads what changed
(``fhir_sync``); the hospital may give a slot to somebody else, and what it says of one holds.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import select

from smartcity_saas.configuration.city import CatalogEntry
from smartcity_saas.connectors import (
    BackOfficeDown,
    has_back_office,
    office_of,
    refresh_if_stale,
    send_event,
)
from smartcity_saas.database import db, transaction
from smartcity_saas.logs import get_logger
from smartcity_saas.outbox import enqueue
from smartcity_saas.services.hospital_appointments import fhir_reports, fhir_sync
from smartcity_saas.services.hospital_appointments.csv_import import take_schedule
from smartcity_saas.services.hospital_appointments.models import (
    Appointment,
    AppointmentState,
    ClinicSession,
    Doctor,
    Hospital,
    HospitalDepartment,
    Patient,
)
from smartcity_saas.services.hospital_appointments.names import REPORT, SERVICE
from smartcity_saas.services.hospital_appointments.patients import phone_of
from smartcity_saas.tenancy.current import current_city

log = get_logger(__name__)


def report(appointment: Appointment, act: str, now: datetime) -> None:
    """Write the task that tells the hospital, in the transaction of what there is to tell."""
    if has_back_office(current_city().catalog[SERVICE]):
        payload = {"appointment": str(appointment.id), "act": act}
        enqueue(REPORT, payload, now, key=f"{appointment.id}:{act}")


def send_report(payload: Mapping[str, Any], now: datetime) -> None:
    """The task: tell the hospital what became of a place."""
    row = db.session.execute(
        select(Appointment, ClinicSession, Doctor, HospitalDepartment, Hospital, Patient)
        .join(ClinicSession, ClinicSession.id == Appointment.session_id)
        .join(Doctor, Doctor.id == ClinicSession.doctor_id)
        .join(HospitalDepartment, HospitalDepartment.id == Doctor.department_id)
        .join(Hospital, Hospital.id == HospitalDepartment.hospital_id)
        .join(Patient, Patient.id == Appointment.patient_id)
        .where(Appointment.id == uuid.UUID(payload["appointment"]))
    ).one()
    appointment, session, doctor, department, hospital, patient = row
    if payload["act"] == AppointmentState.BOOKED and appointment.is_off:
        return  # over before the hospital heard of it: it hears nothing of a ghost
    if (entry := fhir_sync.fhir_entry()) is not None:
        if payload["act"] != AppointmentState.BOOKED:
            fhir_reports.report_off(entry, appointment.id, now)
            return
        person = {"name": patient.name, "phone": phone_of(patient, now)}
        texts = {"performer": doctor.name["zh"], "department": department.name["zh"]}
        fhir_reports.report_booked(entry, appointment, person, texts, now)
        return
    body = {
        "act": payload["act"],
        "hospital": hospital.code,
        "department": department.code,
        "doctor": doctor.code,
        "day": session.day.isoformat(),
        "half": session.half,
        "number": appointment.number,
        "code": appointment.code,
        "patient": {"name": patient.name, "phone": phone_of(patient, now)},
    }
    send_event(SERVICE, "/appointments", body, f"{appointment.id}:{payload['act']}")


def bring_up_to_date(department: HospitalDepartment, now: datetime) -> bool:
    """Fetch a department's schedule again if it has grown old; whether it is fresh then."""
    entry = current_city().catalog[SERVICE]
    if fhir_sync.fhir_entry() is not None:
        fhir_sync.keep_in_step(now)
        return fhir_sync.is_fresh(entry, now)
    return refresh_if_stale(
        entry, department.refreshed_at, now, lambda: _fetch(entry, department, now)
    )


def _fetch(entry: CatalogEntry, department: HospitalDepartment, now: datetime) -> None:
    hospital = db.session.scalars(
        select(Hospital).where(Hospital.id == department.hospital_id)
    ).one()
    parameters = {"hospital": hospital.code, "department": department.code}
    office = office_of(entry)
    db.session.rollback()
    answer = office.get("/schedule", parameters)
    problems = take_schedule(answer, hospital.code, department.code, now)
    if problems:
        log.warning("back_office_answer_odd", service=SERVICE, problems=len(problems))
        raise BackOfficeDown("odd answer")
    with transaction():
        department.refreshed_at = now
        db.session.add(department)
