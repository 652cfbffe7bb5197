"""The service's desk on the console: schedules in, the day's lists, who came, calling off."""

from __future__ import annotations

import uuid
from datetime import date
from typing import Any

from flask import redirect, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import lazy_gettext as _

from smartcity_saas.catalog.desk import desk_page
from smartcity_saas.clock import local_time, read_day
from smartcity_saas.configuration.city import City
from smartcity_saas.errors import FieldErrors
from smartcity_saas.identity.authorization import signed_in_member
from smartcity_saas.notifications import reached
from smartcity_saas.services.hospital_appointments import (
    booking,
    cancellation,
    desk_lists,
    schedule,
)
from smartcity_saas.services.hospital_appointments.csv_import import (
    OPTIONAL,
    REQUIRED,
    counts_of_city,
)
from smartcity_saas.services.hospital_appointments.fee_models import (
    FEE_STATES,
    AppointmentFee,
    FeeState,
)
from smartcity_saas.services.hospital_appointments.fees import fees_of, note_paid_there
from smartcity_saas.services.hospital_appointments.models import (
    CLINIC_NAMES,
    HALF_NAMES,
    ClinicSession,
)
from smartcity_saas.services.hospital_appointments.names import SERVICE
from smartcity_saas.services.hospital_appointments.patients import phone_of
from smartcity_saas.services.hospital_appointments.rules import Rules
from smartcity_saas.tenancy.context import tenant_context
from smartcity_saas.tenancy.current import city_by_slug, current_time
from smartcity_saas.web.csv_output import csv_response
from smartcity_saas.web.money import plain_money
from smartcity_saas.web.policy import ConsoleBlueprint

ROOT = "/cities/<city>/hospital-appointments"
SESSION = f"{ROOT}/sessions/<uuid:session_id>"
LIST_COLUMNS = ("number", "time", "patient", "phone", "code", "state", "fee", "fee_state")

blueprint = ConsoleBlueprint(
    "hospital_appointments_desk", __name__, template_folder="templates", service=SERVICE
)


@desk_page(blueprint, SERVICE, columns=(*REQUIRED, *OPTIONAL), longest_text=60)
def _page(city: City, text: str) -> dict[str, Any]:
    """A day's sessions, and the appointments that were searched for by code or name."""
    rules, now = Rules.of_city(city), current_time()
    day = _day(rules.today(now))
    hospitals, sessions = counts_of_city()
    return {
        "hospitals": hospitals,
        "sessions": sessions,
        "found": desk_lists.find_appointments(text, now) if text else [],
        "views": desk_lists.sessions_of_day(day, rules, now),
        "day": day,
        "half_names": HALF_NAMES,
        "clinic_names": CLINIC_NAMES,
        "state_names": desk_lists.STATE_NAMES,
        "owed": desk_lists.fees_due(),
        "owed_sums": desk_lists.sums_of_open_fees(),
        "today": rules.today(now),
        "base": f"/cities/{city.slug}/hospital-appointments",
    }


@blueprint.page(SESSION, permission="city.desk")
def session(city: str, session_id: uuid.UUID) -> ResponseReturnValue:
    """One session's list, ready to print."""
    return _session_page(city, session_id)


@blueprint.page(
    f"{SESSION}/list.csv", permission="city.desk", told_as=_("downloaded it in a table")
)
def list_csv(city: str, session_id: uuid.UUID) -> ResponseReturnValue:
    """One session's list as CSV."""
    served = city_by_slug(city)
    with tenant_context(served.id):
        found = schedule.session_of(session_id)
        people = desk_lists.list_of(session_id)
        fees = fees_of(a.id for a, _patient in people)
        rows = [
            (
                a.number,
                f"{local_time(a.starts_at, served.timezone):%H:%M}",
                p.name,
                phone_of(p, current_time()),
                a.code,
                a.state,
                *_fee_cells(found, fees.get(a.id)),
            )
            for a, p in people
        ]
    return csv_response(f"{city}-{found.day}-{found.half}.csv", LIST_COLUMNS, rows)


def _fee_cells(session: ClinicSession, fee: AppointmentFee | None) -> tuple[str, str]:
    """The amount to be taken or that was, and how it stands."""
    if fee is None:
        return plain_money(session.fee, session.currency), FeeState.AT_HOSPITAL
    return plain_money(fee.amount, fee.currency), fee.state


@blueprint.page(f"{SESSION}/close", permission="city.desk", methods=("POST",))
def close(city: str, session_id: uuid.UUID) -> ResponseReturnValue:
    """Call a session off."""
    actor = signed_in_member().actor
    reason = {code: request.form.get(code, "").strip() for code in ("zh", "en")}
    errors = {
        code: _("Give the reason, in 1 to 120 characters. Everyone booked will see it.")
        for code, text in reason.items()
        if not 1 <= len(text) <= 120
    }
    try:
        if errors:
            raise FieldErrors(errors)
        with tenant_context(city_by_slug(city).id):
            called_off = cancellation.close_session(actor, session_id, reason, current_time())
    except FieldErrors as error:
        return _session_page(city, session_id, errors=error.fields, typed=reason), 422
    return _session_page(city, session_id, called_off=called_off)


@blueprint.page(f"{SESSION}/reopen", permission="city.desk", methods=("POST",))
def reopen(city: str, session_id: uuid.UUID) -> ResponseReturnValue:
    """Let a session take place after all."""
    actor = signed_in_member().actor
    with tenant_context(city_by_slug(city).id):
        cancellation.reopen_session(actor, session_id, current_time())
    return redirect(f"/cities/{city}/hospital-appointments/sessions/{session_id}")


@blueprint.page(
    f"{ROOT}/appointments/<uuid:appointment_id>", permission="city.desk", methods=("POST",)
)
def mark(city: str, appointment_id: uuid.UUID) -> ResponseReturnValue:
    """Note that someone came, or did not."""
    actor = signed_in_member().actor
    with tenant_context(city_by_slug(city).id):
        found = booking.mark(actor, appointment_id, request.form.get("state", ""), current_time())
    path = f"/cities/{city}/hospital-appointments/sessions/{found.session_id}"
    return redirect(f"{path}#{appointment_id}")


@blueprint.page(
    f"{ROOT}/appointments/<uuid:appointment_id>/paid", permission="city.desk", methods=("POST",)
)
def paid_there(city: str, appointment_id: uuid.UUID) -> ResponseReturnValue:
    """Note that a fee that was due here was paid at the hospital's counter."""
    actor = signed_in_member().actor
    with tenant_context(city_by_slug(city).id):
        note_paid_there(actor, appointment_id, current_time())
    return redirect(f"/cities/{city}/hospital-appointments#fees")


def _session_page(city: str, session_id: uuid.UUID, **values: Any) -> str:
    served: City = city_by_slug(city)
    rules = Rules.of_city(served)
    with tenant_context(served.id):
        found = schedule.session_of(session_id)
        (view,) = schedule.views_of([found], rules, current_time())
        people = desk_lists.list_of(session_id)
        ring_up = {p.id: phone_of(p, current_time()) for a, p in people if a.is_called_off}
        fees = fees_of(a.id for a, _patient in people)
        off = [a for a, _patient in people if a.is_called_off]
        texted = reached([a.resident_id for a in off])
        doctor, department = found.doctor, found.department
        hospital = department.hospital
    return render_template(
        "hospital_appointments/desk_session.html",
        view=view,
        session=found,
        doctor=doctor,
        department=department,
        hospital=hospital,
        people=people,
        fees=fees,
        fee_states=FEE_STATES,
        ring_up=ring_up,
        untold={a.id for a in off if a.resident_id not in texted},
        now=current_time(),
        soon=current_time() + booking.ARRIVES_BEFORE,
        half_names=HALF_NAMES,
        clinic_names=CLINIC_NAMES,
        state_names=desk_lists.STATE_NAMES,
        base=f"/cities/{city}/hospital-appointments",
        **{"errors": {}, "typed": {}, "called_off": None, **values},
    )


def _day(default: date) -> date:
    return read_day(request.args.get("day", "")) or default
