"""The service as JSON, under ``/api/v1/hospital-appointments``."""

from __future__ import annotations

import uuid
from datetime import date
from typing import Any

from flask import request
from flask_babel import lazy_gettext as _
from marshmallow import Schema, fields

from smartcity_saas.clock import in_our_century, read_day
from smartcity_saas.errors import Invalid
from smartcity_saas.identity.gatekeeper import signed_in_resident
from smartcity_saas.services.hospital_appointments import booking, cancelling, schedule, waiting
from smartcity_saas.services.hospital_appointments.patients import patients_of
from smartcity_saas.services.hospital_appointments.views import blueprint, city_rules
from smartcity_saas.tenancy.here import present_time
from smartcity_saas.web.api import ROOT as API
from smartcity_saas.web.api import BodyProblem, body_of, moment, money

ROOT = f"{API}/hospital-appointments"


class BookingBody(Schema):
    """What to book: the earliest place of the session, or of one of its times."""

    session = fields.UUID(required=True)
    patient = fields.UUID(required=True)
    at = fields.AwareDateTime()


@blueprint.page(ROOT, who="resident", continues=True)
def api_appointments() -> Any:
    """The resident's appointments, places in lines, and patients."""
    resident = signed_in_resident()
    return {
        "appointments": [_appointment(one) for one in booking.appointments_of(resident)],
        "waiting": [
            {
                "id": str(one.id),
                "session": str(one.session_id),
                "patient": str(one.patient_id),
                "state": one.state,
                "offered_until": moment(one.offered_until),
            }
            for one in waiting.entries_of(resident)
        ],
        "patients": [
            {"id": str(one.id), "name": one.name, "relation": one.relation}
            for one in patients_of(resident)
        ],
    }


@blueprint.page(ROOT, who="resident", methods=("POST",))
def api_book() -> Any:
    """Book a place; 409 where none is left."""
    body = body_of(BookingBody)
    at = body.get("at")
    if at is not None and not in_our_century(at):
        raise Invalid("", [BodyProblem("/at", _("There is no such time."))])
    made = booking.book(
        signed_in_resident(), body["patient"], body["session"], at, city_rules(), present_time()
    )
    return _appointment(made), 201


@blueprint.page(
    f"{ROOT}/<uuid:appointment_id>", who="resident", methods=("DELETE",), continues=True
)
def api_cancel(appointment_id: uuid.UUID) -> Any:
    """Give a place back, until the deadline."""
    return _appointment(
        cancelling.cancel(signed_in_resident(), appointment_id, city_rules(), present_time())
    )


@blueprint.page(f"{ROOT}/departments", who="everyone")
def api_departments() -> Any:
    """All departments, or those that ``q`` finds."""
    query = request.args.get("q", "").strip()[:60]
    names = {one.id: one.name for one in schedule.hospitals()}
    found = [one.department for one in schedule.search(query)] if query else schedule.departments()
    return {
        "departments": [
            {"id": str(one.id), "name": one.name, "hospital": names[one.hospital_id]}
            for one in found
        ]
    }


@blueprint.page(f"{ROOT}/departments/<uuid:department_id>/sessions", who="everyone")
def api_sessions(department_id: uuid.UUID) -> Any:
    """The clinics of a department on ``day`` (today by default), with what is left."""
    schedule.department_of(department_id)
    rules, now = city_rules(), present_time()
    day = _day(rules.today(now))
    return {
        "day": day.isoformat(),
        "opens_at": moment(rules.opens_at(day)),
        "sessions": [
            _session(one.doctor, view)
            for one in schedule.day_of(department_id, day, rules, now)
            for view in one.sessions
        ],
    }


def _session(doctor: Any, view: Any) -> dict[str, Any]:
    session = view.session
    return {
        "id": str(session.id),
        "doctor": doctor.name,
        "title": doctor.title,
        "half": session.half,
        "clinic": session.clinic,
        "fee": money(session.fee, session.currency),
        "takes_place": view.open,
        "released": view.released,
        "capacity": session.capacity,
        "free": view.free,
        "waiting": view.waiting,
        "slots": [{"at": moment(slot.at), "free": slot.free} for slot in view.slots],
    }


def _appointment(one: Any) -> dict[str, Any]:
    return {
        "id": str(one.id),
        "session": str(one.session_id),
        "patient": str(one.patient_id),
        "number": one.number,
        "starts_at": moment(one.starts_at),
        "code": one.code,
        "state": one.state,
        "cancel_until": moment(city_rules().cancel_until(one.starts_at)),
    }


def _day(default: date) -> date:
    text = request.args.get("day")
    if text is None:
        return default
    found = read_day(text)
    if found is None:
        raise Invalid("", [BodyProblem("/day", _("Write a date such as 2026-11-30."))])
    return found
