"""The service as JSON, under ``/api/v1/hospital-appointments``."""

from __future__ import annotations

import uuid
from datetime import date
from typing import Any

import marshmallow as ma
from flask_babel import lazy_gettext as _
from marshmallow import fields, validate

from smartcity_saas.catalog.bulk_push import PushedSchema, push_schema, take_push
from smartcity_saas.catalog.checkout import PaymentBegunSchema, begun
from smartcity_saas.clock import in_our_century, read_day
from smartcity_saas.errors import Invalid
from smartcity_saas.identity.authorization import signed_in_resident
from smartcity_saas.payments.terms import MOST_AT_ONCE
from smartcity_saas.services.hospital_appointments import (
    booking,
    cancellation,
    schedule,
    waiting_list,
)
from smartcity_saas.services.hospital_appointments.csv_import import MOST_PLACES
from smartcity_saas.services.hospital_appointments.fee_display import begin_fee_checkout, read_pays
from smartcity_saas.services.hospital_appointments.fee_models import AppointmentFee, PayWhen
from smartcity_saas.services.hospital_appointments.fees import fee_of, fees_of
from smartcity_saas.services.hospital_appointments.models import (
    HALVES,
    Appointment,
    ClinicSession,
)
from smartcity_saas.services.hospital_appointments.names import CLINICS, SERVICE
from smartcity_saas.services.hospital_appointments.patients import patients_of
from smartcity_saas.services.hospital_appointments.views import city_rules
from smartcity_saas.tenancy.current import current_time
from smartcity_saas.web.api import ROOT as API
from smartcity_saas.web.api import (
    Answer,
    ApiBlueprint,
    Body,
    BodyProblem,
    Cell,
    Day,
    MoneySchema,
    PageQuery,
    TextSchema,
    Whole,
    moment,
    money,
    page_of,
    page_schema,
    rows_after,
)
from smartcity_saas.web.policy import Availability

ROOT = f"{API}/hospital-appointments"
READ, WRITE = "schedules:read", "schedules:write"

blueprint = ApiBlueprint(
    "hospital_appointments_api", __name__, service=SERVICE, description="Hospital appointments."
)


class FeeSchema(ma.Schema):
    """How a fee is paid, and how it stands."""

    pays = fields.String()
    state = fields.String()
    amount = fields.Integer()
    currency = fields.String()
    hold_until = fields.String(allow_none=True)
    due_on = fields.Date(allow_none=True)
    payment = fields.UUID(allow_none=True)


class AppointmentSchema(ma.Schema):
    """An appointment. ``fee`` is null where the hospital takes it."""

    id = fields.UUID()
    session = fields.UUID()
    patient = fields.UUID()
    number = fields.Integer()
    starts_at = fields.String()
    code = fields.String()
    state = fields.String()
    cancel_until = fields.String()
    fee = fields.Nested(FeeSchema, allow_none=True)


class WaitingSchema(ma.Schema):
    """A place in a line."""

    id = fields.UUID()
    session = fields.UUID()
    patient = fields.UUID()
    state = fields.String()
    offered_until = fields.String(allow_none=True)


class PatientSchema(ma.Schema):
    """Somebody to book for."""

    id = fields.UUID()
    name = fields.String()
    relation = fields.String()


class OwnSchema(ma.Schema):
    """What the resident has."""

    appointments = fields.List(fields.Nested(AppointmentSchema))
    waiting = fields.List(fields.Nested(WaitingSchema))
    patients = fields.List(fields.Nested(PatientSchema))


class DepartmentSchema(ma.Schema):
    """A department."""

    id = fields.UUID()
    name = fields.Nested(TextSchema)
    hospital = fields.Nested(TextSchema)


class DepartmentsSchema(ma.Schema):
    """Departments."""

    departments = fields.List(fields.Nested(DepartmentSchema))


class SlotSchema(ma.Schema):
    """A time of a clinic."""

    at = fields.String()
    free = fields.Integer()


class ClinicSchema(ma.Schema):
    """A clinic with what is left."""

    id = fields.UUID()
    doctor = fields.Nested(TextSchema)
    title = fields.Nested(TextSchema)
    half = fields.String()
    clinic = fields.String()
    fee = fields.Nested(MoneySchema)
    takes_place = fields.Boolean()
    released = fields.Boolean()
    capacity = fields.Integer()
    free = fields.Integer()
    waiting = fields.Integer()
    slots = fields.List(fields.Nested(SlotSchema))


class DaySchema(ma.Schema):
    """The clinics of a day."""

    day = fields.String()
    opens_at = fields.String(allow_none=True)
    sessions = fields.List(fields.Nested(ClinicSchema))


class ScheduleSchema(ma.Schema):
    """A half day as it is stored."""

    id = fields.UUID()
    doctor = fields.Nested(TextSchema)
    department = fields.Nested(TextSchema)
    day = fields.Date()
    half = fields.String()
    clinic = fields.String()
    capacity = fields.Integer()
    called_off = fields.Boolean()


class BookingBody(Body):
    """What to book: the earliest place of the session, or of one of its times."""

    session = fields.UUID(required=True)
    patient = fields.UUID(required=True)
    at = fields.AwareDateTime()
    pays = fields.String(
        validate=validate.OneOf(tuple(PayWhen)),
        metadata={"description": _("When the fee is paid; leave out for what is usual here.")},
    )


class FeePaymentBody(Body):
    """Of which appointments to pay the fees."""

    appointments = fields.List(
        fields.UUID(), required=True, validate=validate.Length(1, MOST_AT_ONCE)
    )


class SearchQuery(Body):
    """What to look for."""

    q = fields.String(validate=validate.Length(max=60))


class DayQuery(Body):
    """Which day."""

    day = fields.String(
        validate=validate.Length(max=10),
        metadata={"description": _("`2026-11-30`; leave out for today.")},
    )


class PushedSessionBody(Body):
    """A doctor's half day as the hospital sends it."""

    hospital_code = Cell(40, required=True)
    hospital_zh = Cell(60, required=True)
    hospital_en = Cell(80, required=True)
    department_code = Cell(40, required=True)
    department_zh = Cell(60, required=True)
    department_en = Cell(80, required=True)
    doctor_code = Cell(40, required=True)
    doctor_zh = Cell(40, required=True)
    doctor_en = Cell(60, required=True)
    title_zh = Cell(40, required=True)
    title_en = Cell(60, required=True)
    day = Day(required=True)
    half = Cell(20, required=True, metadata={"description": " or ".join(f"`{n}`" for n in HALVES)})
    clinic = Cell(
        20, required=True, metadata={"description": " or ".join(f"`{n}`" for n in CLINICS)}
    )
    fee = Whole(
        required=True,
        validate=validate.Range(0, 99_999_999),
        metadata={"description": _("In the minor unit of the city's currency.")},
    )
    starts = Cell(5, required=True, metadata={"description": "`08:00`"})
    ends = Cell(5, required=True, metadata={"description": "`11:30`"})
    capacity = Whole(required=True, validate=validate.Range(1, MOST_PLACES))
    address_zh = Cell(120)
    address_en = Cell(160)
    phone = Cell(40)
    keywords = Cell(400)
    specialty_zh = Cell(200)
    specialty_en = Cell(300)


@blueprint.operation(ROOT, who="resident", availability=Availability.EXISTING_BUSINESS)
@blueprint.response(200, OwnSchema)
def api_appointments() -> Answer:
    """The resident's appointments, waiting list places and patients."""
    resident = signed_in_resident()
    found = booking.appointments_of(resident)
    fees = fees_of(one.id for one in found)
    return {
        "appointments": [_appointment(one, fees.get(one.id)) for one in found],
        "waiting": [
            {
                "id": one.id,
                "session": one.session_id,
                "patient": one.patient_id,
                "state": one.state,
                "offered_until": moment(one.offered_until),
            }
            for one in waiting_list.entries_of(resident)
        ],
        "patients": patients_of(resident),
    }


@blueprint.operation(ROOT, who="resident", method="POST")
@blueprint.arguments(BookingBody)
@blueprint.response(201, AppointmentSchema)
def api_book(body: dict[str, Any]) -> Answer:
    """Book an appointment; 409 if no slot is left."""
    at = body.get("at")
    if at is not None and not in_our_century(at):
        raise Invalid("", [BodyProblem("/at", _("We cannot find that time."))])
    made = booking.book(
        signed_in_resident(),
        body["patient"],
        body["session"],
        at,
        city_rules(),
        current_time(),
        read_pays(body.get("pays")),
    )
    return _appointment(made, fee_of(made.id))


@blueprint.operation(
    f"{ROOT}/payments",
    who="resident",
    method="POST",
    availability=Availability.EXISTING_BUSINESS,
)
@blueprint.arguments(FeePaymentBody)
@blueprint.response(201, PaymentBegunSchema)
def api_pay_fees(body: dict[str, Any]) -> Answer:
    """Start a payment for the fees of some appointments. The answer gives the page to pay on."""
    return begun(begin_fee_checkout(body["appointments"]))


@blueprint.operation(
    f"{ROOT}/<uuid:appointment_id>",
    who="resident",
    method="DELETE",
    availability=Availability.EXISTING_BUSINESS,
)
@blueprint.response(200, AppointmentSchema)
def api_cancel(appointment_id: uuid.UUID) -> Answer:
    """Cancel an appointment, until the deadline."""
    made = cancellation.cancel(signed_in_resident(), appointment_id, city_rules(), current_time())
    return _appointment(made, fee_of(made.id))


@blueprint.operation(f"{ROOT}/departments", who="everyone")
@blueprint.arguments(SearchQuery, location="query")
@blueprint.response(200, DepartmentsSchema)
def api_departments(asked: dict[str, Any]) -> Answer:
    """All departments, or those that match ``q``."""
    query = asked.get("q", "").strip()
    names = {one.id: one.name for one in schedule.hospitals()}
    found = [one.department for one in schedule.search(query)] if query else schedule.departments()
    return {
        "departments": [
            {"id": one.id, "name": one.name, "hospital": names[one.hospital_id]} for one in found
        ]
    }


@blueprint.operation(f"{ROOT}/departments/<uuid:department_id>/sessions", who="everyone")
@blueprint.arguments(DayQuery, location="query")
@blueprint.response(200, DaySchema)
def api_sessions(asked: dict[str, Any], department_id: uuid.UUID) -> Answer:
    """A department's clinics on ``day`` (today by default), with the slots left."""
    schedule.department_of(department_id)
    rules, now = city_rules(), current_time()
    day = _day(asked.get("day"), rules.today(now))
    return {
        "day": day.isoformat(),
        "opens_at": moment(rules.opens_at(day)),
        "sessions": [
            _session(one.doctor, view)
            for one in schedule.day_of(department_id, day, rules, now)
            for view in one.sessions
        ],
    }


@blueprint.operation(
    f"{ROOT}/schedules", who="client", scope=READ, availability=Availability.EXISTING_BUSINESS
)
@blueprint.arguments(PageQuery, location="query")
@blueprint.response(200, page_schema("SchedulesPage", ScheduleSchema))
def api_schedules(query: dict[str, Any]) -> Answer:
    """Every half day in the city, page by page, oldest first."""
    return page_of(
        rows_after(ClinicSession, query),
        query["limit"],
        lambda row: {
            "id": row.id,
            "doctor": row.doctor.name,
            "department": row.department.name,
            "day": row.day,
            "half": row.half,
            "clinic": row.clinic,
            "capacity": row.capacity,
            "called_off": row.is_called_off,
        },
    )


@blueprint.operation(
    f"{ROOT}/schedules",
    who="client",
    method="POST",
    scope=WRITE,
    availability=Availability.EXISTING_BUSINESS,
)
@blueprint.arguments(push_schema("SchedulesPush", PushedSessionBody))
@blueprint.response(200, PushedSchema)
def api_push_schedules(body: dict[str, Any]) -> Answer:
    """Save up to 500 half days. Each item has its own result. Sending it again changes nothing."""
    return take_push(SERVICE, body["items"], "fee")


def _session(doctor: Any, view: Any) -> dict[str, Any]:
    session = view.session
    return {
        "id": session.id,
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


def _appointment(one: Appointment, fee: AppointmentFee | None) -> dict[str, Any]:
    return {
        "id": one.id,
        "session": one.session_id,
        "patient": one.patient_id,
        "number": one.number,
        "starts_at": moment(one.starts_at),
        "code": one.code,
        "state": one.state,
        "cancel_until": moment(city_rules().cancel_until(one.starts_at)),
        "fee": None if fee is None else _fee(fee),
    }


def _fee(fee: AppointmentFee) -> dict[str, Any]:
    return {
        "pays": fee.pays,
        "state": fee.state,
        **money(fee.amount, fee.currency),
        "hold_until": moment(fee.hold_until),
        "due_on": fee.due_on,
        "payment": fee.payment_id,
    }


def _day(text: str | None, default: date) -> date:
    if text is None:
        return default
    found = read_day(text)
    if found is None:
        raise Invalid("", [BodyProblem("/?day", _("Enter a date, such as 2026-11-30."))])
    return found
