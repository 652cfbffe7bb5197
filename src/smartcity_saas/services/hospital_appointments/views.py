"""The service's pages on a city's site."""

from __future__ import annotations

import uuid
from datetime import date, datetime
from typing import Any

from flask import Response, redirect, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import lazy_gettext as _

from smartcity_saas.clock import read_moment
from smartcity_saas.configuration.city import CatalogEntry
from smartcity_saas.database import transaction
from smartcity_saas.errors import (
    Conflict,
    FieldErrors,
    NotAllowed,
    NotFound,
    SmartCityError,
)
from smartcity_saas.identity.authorization import current_resident, signed_in_resident
from smartcity_saas.identity.residents.accounts import SignedInResident
from smartcity_saas.logs import get_logger
from smartcity_saas.notifications import Reach, give_leave, reach_of
from smartcity_saas.payments.accounts import payments_open
from smartcity_saas.ratings.submission import ActReference, rating_prompt
from smartcity_saas.services.hospital_appointments import (
    booking,
    cancellation,
    schedule,
    waiting_list,
)
from smartcity_saas.services.hospital_appointments.back_office import bring_up_to_date
from smartcity_saas.services.hospital_appointments.calendar import calendar_of
from smartcity_saas.services.hospital_appointments.desk_lists import STATE_NAMES
from smartcity_saas.services.hospital_appointments.fee_display import (
    begin_fee_checkout,
    fee_view,
    read_pays,
)
from smartcity_saas.services.hospital_appointments.fees import PayChoices, choices_for, fee_of
from smartcity_saas.services.hospital_appointments.fhir_sync import fhir_entry, keep_in_step
from smartcity_saas.services.hospital_appointments.full_page import full_page
from smartcity_saas.services.hospital_appointments.models import (
    CLINIC_NAMES,
    HALF_NAMES,
    RELATION_NAMES,
    Appointment,
    Hospital,
)
from smartcity_saas.services.hospital_appointments.names import ROOT, SERVICE
from smartcity_saas.services.hospital_appointments.patients import (
    add_patient,
    change_patient,
    name_stays,
    patient_of,
    patients_of,
    phone_of,
    remove_patient,
)
from smartcity_saas.services.hospital_appointments.rateable import VISIT
from smartcity_saas.services.hospital_appointments.rules import Rules
from smartcity_saas.tenancy.current import current_time, request_city
from smartcity_saas.web.paths import safe_next
from smartcity_saas.web.policy import UNTIL_CHANGED, Availability, CityBlueprint
from smartcity_saas.web.qr_codes import qr_code

MOST_LISTED = 200
log = get_logger(__name__)

blueprint = CityBlueprint(SERVICE, __name__, service=SERVICE, template_folder="templates")


@blueprint.page(ROOT, who="everyone", kept=UNTIL_CHANGED)
def landing() -> ResponseReturnValue:
    """Search, and the hospitals with their departments."""
    query = request.args.get("q", "").strip()[:60]
    if query:
        return render("search.html", query=query, found=schedule.search(query))
    if fhir_entry() is not None:  # the time would end what is kept for strangers
        keep_in_step(current_time())
    by_hospital: dict[uuid.UUID, list[Any]] = {}
    for department in schedule.departments():
        by_hospital.setdefault(department.hospital_id, []).append(department)
    hospitals = [(one, by_hospital.get(one.id, [])) for one in schedule.hospitals()]
    return render("landing.html", hospitals=hospitals, rules=city_rules())


@blueprint.page(f"{ROOT}/departments/<uuid:department_id>", who="everyone")
def department(department_id: uuid.UUID) -> ResponseReturnValue:
    """A department: its days, its doctors, the times that are left."""
    found, rules, now = schedule.department_of(department_id), city_rules(), current_time()
    fresh = bring_up_to_date(found, now)
    days = schedule.strip(department_id, rules, now)
    day = _chosen_day(days)
    doctors = schedule.day_of(department_id, day, rules, now)
    half, only_free = request.args.get("half", ""), bool(request.args.get("free"))
    half = half if half in HALF_NAMES else ""
    for doctor in doctors:
        doctor.sessions = [
            view
            for view in doctor.sessions
            if half in ("", view.session.half) and (view.has_places or not only_free)
        ]
    release = rules.next_release(now)
    return render(
        "department.html",
        department=found,
        hospital=found.hospital,
        days=days,
        day=day,
        doctors=[one for one in doctors if one.sessions],
        half=half,
        only_free=only_free,
        release=release,
        rules=rules,
        fresh=fresh,
        waits=_waits(),
        booked=_booked(),
    )


@blueprint.page(f"{ROOT}/sessions/<uuid:session_id>/book", who="resident")
def book_form(session_id: uuid.UUID) -> ResponseReturnValue:
    """Choose for whom, and confirm; without a time of this clinic, go back to choosing one."""
    session = schedule.session_of(session_id)
    if _slot() not in schedule.times_of(session, current_time()):
        return redirect(f"{ROOT}/departments/{session.department_id}?day={session.day}")
    return _book_page(session_id, {}, {})


@blueprint.page(f"{ROOT}/sessions/<uuid:session_id>/book", who="resident", methods=("POST",))
def book(session_id: uuid.UUID) -> ResponseReturnValue:
    """Book the place, for someone on the list or someone added now."""
    typed = request.form.to_dict()
    try:
        known = _known_patient(typed)
        made, fee = _book(session_id, known, typed)
    except FieldErrors as error:
        return _book_page(session_id, typed, error.fields), 422
    except booking.Full as error:
        if known is None:  # what was typed of somebody new stays in the form
            return _book_page(session_id, typed, {}, refusal=error), error.status
        return full_page(error, session_id, _slot()), error.status
    except (Conflict, NotAllowed) as error:
        return _book_page(session_id, typed, {}, refusal=error), error.status
    return _on_to_pay(made) if fee else _to_appointment(made)


def _book(
    session_id: uuid.UUID, known: uuid.UUID | None, typed: dict[str, str]
) -> tuple[Appointment, int]:
    """Book for someone on the list, or with the booking (or not at all) for someone new; the
    appointment and what the session costs. Whoever is on the list holds nothing to be told that it is
    full."""
    resident, at, rules, now = signed_in_resident(), _slot(), city_rules(), current_time()
    pays, found = read_pays(typed.get("pays")), None
    if known is not None:
        found = booking.find_bookable(resident, known, session_id, at, rules, now)
    with transaction():
        if found is None:
            added = add_patient(resident, typed, now).id
            found = booking.find_bookable(resident, added, session_id, at, rules, now)
        made = booking.book_into(found, resident, at, rules, now, pays)
        _take_leave(resident)
    return made, found.session.fee


@blueprint.page(f"{ROOT}/sessions/<uuid:session_id>/wait", who="resident")
def wait_form(session_id: uuid.UUID) -> ResponseReturnValue:
    """Choose who waits."""
    return _book_page(session_id, {}, {}, waits=True)


@blueprint.page(f"{ROOT}/sessions/<uuid:session_id>/wait", who="resident", methods=("POST",))
def wait(session_id: uuid.UUID) -> ResponseReturnValue:
    """Join the waiting list."""
    resident, typed = signed_in_resident(), request.form.to_dict()
    try:
        with transaction():
            patient_id = _known_patient(typed) or add_patient(resident, typed, current_time()).id
            entry = waiting_list.join(
                resident, patient_id, session_id, city_rules(), current_time()
            )
            _take_leave(resident)
    except FieldErrors as error:
        return _book_page(session_id, typed, error.fields, waits=True), 422
    except (Conflict, NotAllowed) as error:
        return _book_page(session_id, typed, {}, refusal=error, waits=True), error.status
    return redirect(f"{ROOT}/waiting/{entry.id}")


@blueprint.page(
    f"{ROOT}/waiting/<uuid:entry_id>", who="resident", availability=Availability.EXISTING_BUSINESS
)
def waiting_entry(entry_id: uuid.UUID) -> ResponseReturnValue:
    """Where a resident stands in line, or the place that is kept."""
    entry = waiting_list.own_entry(signed_in_resident(), entry_id)
    return render(
        "waiting.html",
        entry=entry,
        ahead=waiting_list.ahead_of(entry.session_id, entry),
        rules=city_rules(),
        now=current_time(),
        place_time=_kept_time(entry),
        pays=_choices(entry.session),
        reach=_reach(),
        **_context(entry.session),
    )


@blueprint.page(
    f"{ROOT}/waiting/<uuid:entry_id>/leave",
    who="resident",
    methods=("POST",),
    availability=Availability.EXISTING_BUSINESS,
)
def leave(entry_id: uuid.UUID) -> ResponseReturnValue:
    """Stop waiting."""
    entry = waiting_list.leave(signed_in_resident(), entry_id, city_rules(), current_time())
    return redirect(f"{ROOT}/departments/{entry.session.department_id}?day={entry.session.day}")


@blueprint.page(
    f"{ROOT}/waiting/<uuid:entry_id>/accept",
    who="resident",
    methods=("POST",),
    availability=Availability.EXISTING_BUSINESS,
)
def accept(entry_id: uuid.UUID) -> ResponseReturnValue:
    """Take the place that is kept."""
    pays = read_pays(request.form.get("pays"))
    made = waiting_list.accept(signed_in_resident(), entry_id, city_rules(), current_time(), pays)
    return _on_to_pay(made)


@blueprint.page(
    f"{ROOT}/messages",
    who="resident",
    methods=("POST",),
    availability=Availability.EXISTING_BUSINESS,
)
def allow_messages() -> ResponseReturnValue:
    """Allow messages by one press, beside what they would be about."""
    give_leave(signed_in_resident(), current_time())
    return redirect(safe_next(request.form.get("next"), ROOT))


@blueprint.page(f"{ROOT}/appointments", who="resident", availability=Availability.EXISTING_BUSINESS)
def all_appointments() -> ResponseReturnValue:
    """Everything that the resident booked: past, cancelled and called off ones too."""
    found = booking.appointments_of(signed_in_resident(), MOST_LISTED)
    return render("appointments.html", found=found, state_names=STATE_NAMES)


@blueprint.page(
    f"{ROOT}/appointments/<uuid:appointment_id>",
    who="resident",
    availability=Availability.EXISTING_BUSINESS,
)
def appointment(appointment_id: uuid.UUID) -> ResponseReturnValue:
    """One appointment: number, time, place, code; cancel; another time if it was called off."""
    found, rules, now = (
        booking.own_appointment(signed_in_resident(), appointment_id),
        city_rules(),
        current_time(),
    )
    others = []
    if found.is_called_off:
        others = schedule.next_with_places(found.session.department_id, rules, now)
    until = rules.cancel_until(found.starts_at)
    return render(
        "appointment.html",
        appointment=found,
        others=others,
        cancel_until=until,
        can_cancel=found.is_coming(now) and now <= until,
        over=found.starts_at <= now,
        fee=fee_view(found, now),
        now=now,
        qr=qr_code(f"APPT:{found.code}"),
        reach=_reach(),
        rating=rating_prompt(
            signed_in_resident(), ActReference(SERVICE, VISIT, appointment_id), now
        ),
        **_context(found.session),
    )


@blueprint.page(
    f"{ROOT}/appointments/<uuid:appointment_id>/cancel",
    who="resident",
    methods=("POST",),
    availability=Availability.EXISTING_BUSINESS,
)
def cancel(appointment_id: uuid.UUID) -> ResponseReturnValue:
    """Give the place back."""
    cancellation.cancel(signed_in_resident(), appointment_id, city_rules(), current_time())
    return redirect(f"{ROOT}/appointments/{appointment_id}")


@blueprint.page(
    f"{ROOT}/appointments/<uuid:appointment_id>/calendar.ics",
    who="resident",
    availability=Availability.EXISTING_BUSINESS,
)
def calendar(appointment_id: uuid.UUID) -> ResponseReturnValue:
    """The appointment for a calendar (RFC 5545)."""
    found = booking.own_appointment(signed_in_resident(), appointment_id)
    context = _context(found.session)
    body = calendar_of(
        found, context["hospital"], context["department"], context["doctor"], current_time()
    )
    return Response(
        body,
        content_type="text/calendar; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="appointment-{found.code}.ics"'},
    )


@blueprint.page(f"{ROOT}/patients", who="resident", availability=Availability.EXISTING_BUSINESS)
def patients() -> ResponseReturnValue:
    """Everyone for whom the resident books, and the form that adds somebody."""
    return _patients_page({}, {})


@blueprint.page(f"{ROOT}/patients", who="resident", methods=("POST",))
def add() -> ResponseReturnValue:
    """Add somebody to book for."""
    typed = request.form.to_dict()
    try:
        add_patient(signed_in_resident(), typed, current_time())
    except FieldErrors as error:
        return _patients_page(typed, error.fields), 422
    return redirect(f"{ROOT}/patients")


def _patients_page(typed: dict[str, str], errors: dict[str, Any]) -> str:
    return render(
        "patients.html", patients=patients_of(signed_in_resident()), typed=typed, errors=errors
    )


@blueprint.page(
    f"{ROOT}/patients/<uuid:patient_id>",
    who="resident",
    availability=Availability.EXISTING_BUSINESS,
)
def patient(patient_id: uuid.UUID) -> ResponseReturnValue:
    """Someone on the list, to be changed."""
    found = patient_of(signed_in_resident(), patient_id)
    typed = {"name": found.name, "relation": found.relation}
    typed["phone"] = phone_of(found, current_time())
    return _patient_page(patient_id, typed, {})


@blueprint.page(
    f"{ROOT}/patients/<uuid:patient_id>",
    who="resident",
    methods=("POST",),
    availability=Availability.EXISTING_BUSINESS,
)
def change(patient_id: uuid.UUID) -> ResponseReturnValue:
    """Change someone on the list."""
    typed, now = request.form.to_dict(), current_time()
    try:
        change_patient(signed_in_resident(), patient_id, typed, city_rules(), now)
    except FieldErrors as error:
        return _patient_page(patient_id, typed, error.fields), 422
    return redirect(f"{ROOT}/patients")


def _patient_page(patient_id: uuid.UUID, typed: dict[str, str], errors: dict[str, Any]) -> str:
    found = patient_of(signed_in_resident(), patient_id)
    stays = name_stays(found, city_rules(), current_time())
    return render("patient.html", patient=found, name_stays=stays, typed=typed, errors=errors)


@blueprint.page(
    f"{ROOT}/patients/<uuid:patient_id>/remove",
    who="resident",
    availability=Availability.EXISTING_BUSINESS,
)
def remove_question(patient_id: uuid.UUID) -> ResponseReturnValue:
    """Ask before someone is taken off the list."""
    return render("remove_patient.html", patient=patient_of(signed_in_resident(), patient_id))


@blueprint.page(
    f"{ROOT}/patients/<uuid:patient_id>/remove",
    who="resident",
    methods=("POST",),
    availability=Availability.EXISTING_BUSINESS,
)
def remove(patient_id: uuid.UUID) -> ResponseReturnValue:
    """Take someone off the list."""
    remove_patient(signed_in_resident(), patient_id, current_time())
    return redirect(f"{ROOT}/patients")


def _book_page(
    session_id: uuid.UUID,
    typed: dict[str, str],
    errors: dict[str, Any],
    *,
    refusal: Any = None,
    waits: bool = False,
) -> str:
    session = schedule.session_of(session_id)
    rules, now = city_rules(), current_time()
    (view,) = schedule.views_of([session], rules, now)
    return render(
        "book.html",
        view=view,
        slot=_slot(),
        typed=typed,
        errors=errors,
        refusal=refusal,
        waits=waits,
        patients=patients_of(signed_in_resident()),
        rules=rules,
        cancel_until=rules.cancel_until(_slot() or session.starts_at),
        now=now,
        pays=_choices(session),
        reach=_reach(),
        **_context(session),
    )


def _choices(session: Any) -> PayChoices:
    return choices_for(signed_in_resident(), session, city_rules(), current_time())


def _on_to_pay(made: Appointment) -> ResponseReturnValue:
    """Go on to the page to pay on, where a place is held until then; to its own page where that
    does not open, which says so and has the button."""
    fee = fee_of(made.id)
    if fee is not None and fee.is_holding:
        try:
            return redirect(begin_fee_checkout([made.id]).page, 303)
        except SmartCityError as error:
            log.warning("checkout_not_begun", error=type(error).__name__)
    return _to_appointment(made)


def _to_appointment(made: Appointment) -> ResponseReturnValue:
    return redirect(f"{ROOT}/appointments/{made.id}")


def _known_patient(typed: dict[str, str]) -> uuid.UUID | None:
    """The patient chosen from the list, None for one that the form adds."""
    chosen = typed.get("patient", "")
    if chosen == "new":
        return None
    try:
        return uuid.UUID(chosen)
    except ValueError:
        raise FieldErrors({"patient": _("Choose who it is for.")}) from None


def _take_leave(resident: SignedInResident) -> None:
    """Note the leave to send messages that the form asks for, beside what they are about."""
    if "messages" in request.form:
        give_leave(resident, current_time())


def _reach() -> Reach | None:
    resident = current_resident()
    return reach_of(resident) if resident else None


def _slot() -> datetime | None:
    """The time that the address or the form names; None for the earliest."""
    text = request.values.get("at", "")
    if not text:
        return None
    found = read_moment(text, request_city().timezone)
    if found is None:
        raise NotFound(_("We cannot find that time."))
    return found


def _chosen_day(days: list[schedule.Day]) -> date:
    """The day that the address names, else the first with a free place."""
    wanted = request.args.get("day", "")
    for one in days:
        if one.day.isoformat() == wanted:
            return one.day
    return next((one.day for one in days if one.state == schedule.DayState.FREE), days[0].day)


def _booked() -> dict[uuid.UUID, Any]:
    """What the resident has booked that is to come, by session."""
    resident = current_resident()
    if resident is None:
        return {}
    coming = booking.coming_appointments(resident, current_time())
    return {one.session_id: one for one in reversed(coming)}


def _waits() -> dict[uuid.UUID, Any]:
    """Where the resident waits, by session; nothing for whoever is not signed in."""
    resident = current_resident()
    if resident is None:
        return {}
    return {entry.session_id: entry for entry in waiting_list.entries_of(resident)}


def _kept_time(entry: Any) -> datetime | None:
    place = waiting_list.kept_place(entry)
    return place.starts_at if place else None


def _context(session: Any) -> dict[str, Any]:
    department = session.department
    hospital: Hospital = department.hospital
    return {
        "session": session,
        "doctor": session.doctor,
        "department": department,
        "hospital": hospital,
    }


def render(template: str, **values: Any) -> str:
    """A page of the service on a city's site; ``template`` is its file in the service's own folder."""
    return render_template(
        f"hospital_appointments/{template}",
        root=ROOT,
        half_names=HALF_NAMES,
        clinic_names=CLINIC_NAMES,
        relation_names=RELATION_NAMES,
        entry_open=_entry().is_open,
        pays_ahead=_pays_ahead(),
        tab="services",
        **values,
    )


def _pays_ahead() -> bool:
    """Whether everybody pays when they book."""
    return city_rules().pays_ahead and payments_open(request_city())


def _entry() -> CatalogEntry:
    return request_city().catalog[SERVICE]


def city_rules() -> Rules:
    """The city's rules of booking."""
    return Rules.of_city(request_city())
