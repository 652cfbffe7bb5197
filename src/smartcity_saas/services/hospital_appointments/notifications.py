"""What residents are told about their appointments."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from flask_babel import lazy_gettext as _
from sqlalchemy import bindparam, select

from smartcity_saas.clock import start_of_day
from smartcity_saas.database import CITY, db, run, table_of
from smartcity_saas.notifications import notify
from smartcity_saas.services.hospital_appointments.fee_models import AppointmentFee
from smartcity_saas.services.hospital_appointments.models import (
    Appointment,
    AppointmentState,
    ClinicPlace,
    ClinicSession,
    Doctor,
    Hospital,
    HospitalDepartment,
    WaitingEntry,
)
from smartcity_saas.services.hospital_appointments.names import ROOT, SERVICE
from smartcity_saas.services.hospital_appointments.rules import Rules
from smartcity_saas.tenancy.current import current_city
from smartcity_saas.web.formats import moment_of
from smartcity_saas.web.languages import both, local
from smartcity_saas.web.money import format_money

MOST_REMINDED = 20_000
_DOCTORS, _DEPARTMENTS, _HOSPITALS = (
    table_of(one) for one in (Doctor, HospitalDepartment, Hospital)
)
PLACE_NAMES = _HOSPITALS.c.name, _DEPARTMENTS.c.name, _DOCTORS.c.name
_NAMES = (
    select(*PLACE_NAMES)
    .select_from(_DOCTORS)
    .join(_DEPARTMENTS, _DEPARTMENTS.c.id == _DOCTORS.c.department_id)
    .join(_HOSPITALS, _HOSPITALS.c.id == _DEPARTMENTS.c.hospital_id)
    .where(
        *(one.c.city_id == CITY for one in (_DOCTORS, _DEPARTMENTS, _HOSPITALS)),
        _DOCTORS.c.id == bindparam("doctor"),
    )
)


def tell_booked(
    appointment: Appointment,
    session: ClinicSession,
    fee: AppointmentFee | None,
    now: datetime,
    names: Sequence[Mapping[str, str]] | None = None,
) -> None:
    """The appointment stands: when, where, which number; or what is to be paid for that. ``names``
    are those of ``PLACE_NAMES`` where they were read already."""
    place = place_of(session) if names is None else called(names)
    when = appointment.starts_at
    if fee is not None and fee.hold_until is not None:
        until, amount = fee.hold_until, format_money(fee.amount, fee.currency)
        _tell(
            appointment,
            f"held:{appointment.id}",
            lambda: _("Held for you: %(when)s, %(place)s", when=_moment(when), place=place()),
            lambda: _("Pay %(amount)s by %(until)s, or the slot is given back.",
                      amount=amount, until=_moment(until)),
            now,
            useful_until=until,
        )  # fmt: skip
        return
    _tell(
        appointment,
        f"booked:{appointment.id}",
        lambda: _("Booked: %(when)s, %(place)s", when=_moment(when), place=place()),
        lambda: _("Number %(number)s. Show the code when you arrive.", number=appointment.number),
        now,
    )


def tell_closed(
    appointment: Appointment, session: ClinicSession, paid: bool, now: datetime
) -> None:
    """The clinic does not take place: why, that a fee that was paid goes back, and that another
    can be chosen at once."""
    place, reason = place_of(session), session.closed_reason or {}
    when = appointment.starts_at
    _tell(
        appointment,
        f"closed:{appointment.id}",
        lambda: _("Clinic cancelled: %(when)s, %(place)s", when=_moment(when), place=place()),
        lambda: (
            _("Reason: %(reason)s. Your fee goes back to what you paid with. You can choose another time here.",
              reason=local(reason).rstrip("。.!！ "))
            if paid
            else _("Reason: %(reason)s. You can choose another time here, free of charge.",
                   reason=local(reason).rstrip("。.!！ "))
        ),
        now,
        useful_until=when,
    )  # fmt: skip


def tell_taken(appointment: Appointment, session: ClinicSession, paid: bool, now: datetime) -> None:
    """The hospital gave the slot to somebody else: that nobody should come, that a fee that was paid
    goes back, and that another can be chosen at once."""
    place, when = place_of(session), appointment.starts_at
    _tell(
        appointment,
        f"taken:{appointment.id}",
        lambda: _("Not booked after all: %(when)s, %(place)s", when=_moment(when), place=place()),
        lambda: (
            _("The hospital gave this slot to somebody else. Your fee goes back to what you paid with. You can choose another time here.")
            if paid
            else _("The hospital gave this slot to somebody else. You can choose another time here, free of charge.")
        ),
        now,
        useful_until=when,
    )  # fmt: skip


def tell_waiting_closed(entry: WaitingEntry, session: ClinicSession, now: datetime) -> None:
    """Whoever waits learns that there is nothing to wait for."""
    place = place_of(session)
    notify(
        entry.resident_id,
        f"waiting-closed:{entry.id}",
        both(lambda: _("Clinic cancelled: %(place)s", place=place())),
        both(lambda: _("You are no longer on the waiting list. Choose another day.")),
        f"{ROOT}/departments/{session.department_id}",
        now,
        useful_until=session.starts_at,
    )


def tell_offer(entry: WaitingEntry, place: ClinicPlace, until: datetime, now: datetime) -> None:
    """A place is kept: until when, and where to take it."""
    where = place_of(entry.session)
    notify(
        entry.resident_id,
        f"offer:{entry.id}:{place.id}",
        both(
            lambda: _(
                "A slot is held for you: %(when)s, %(place)s",
                when=_moment(place.starts_at),
                place=where(),
            )
        ),
        both(lambda: _("Take it by %(until)s, or it goes to the next person.",
                       until=_moment(until))),
        f"{ROOT}/waiting/{entry.id}",
        now,
        useful_until=until,
    )  # fmt: skip


def tell_lapsed(entry: WaitingEntry, now: datetime) -> None:
    """The time to take an offer is over."""
    where = place_of(entry.session)
    notify(
        entry.resident_id,
        f"lapsed:{entry.id}",
        both(lambda: _("Your slot is no longer held: %(place)s", place=where())),
        both(
            lambda: _(
                "It went to the next person. You can join the waiting list again or choose another day."
            )
        ),
        f"{ROOT}/departments/{entry.session.department_id}",
        now,
    )


def remind(now: datetime) -> None:
    """Remind everyone of tomorrow's appointments, once each."""
    city = current_city()
    entry = city.catalog[SERVICE]
    if not entry.settings:
        return
    rules = Rules.of_city(city)
    start = start_of_day(rules.today(now) + timedelta(days=1), city.timezone)
    rows = db.session.execute(
        select(Appointment, ClinicSession)
        .join(ClinicSession, ClinicSession.id == Appointment.session_id)
        .where(
            Appointment.state == AppointmentState.BOOKED,
            Appointment.starts_at >= start,
            Appointment.starts_at < start + timedelta(days=1),
        )
        .order_by(Appointment.starts_at)
        .limit(MOST_REMINDED)
    ).all()
    for appointment, session in rows:
        _remind_of(appointment, session, rules, now)


def _remind_of(
    appointment: Appointment, session: ClinicSession, rules: Rules, now: datetime
) -> None:
    where, until = place_of(session), rules.cancel_until(appointment.starts_at)
    _tell(
        appointment,
        f"tomorrow:{appointment.id}",
        lambda: _("Tomorrow: %(when)s, %(place)s", when=_moment(appointment.starts_at),
                  place=where()),
        lambda: (
            _("Number %(number)s. If you cannot come, cancel by %(until)s.",
              number=appointment.number, until=_moment(until))
            if until > now
            else _("Number %(number)s.", number=appointment.number)
        ),
        now,
    )  # fmt: skip


def _tell(
    appointment: Appointment, key: str, title: Any, body: Any, now: datetime, **options: Any
) -> None:
    path = f"{ROOT}/appointments/{appointment.id}"
    notify(appointment.resident_id, key, both(title), both(body), path, now, **options)


def _moment(at: datetime) -> str:
    return moment_of(at, current_city().timezone)


def place_of(session: ClinicSession) -> Callable[[], str]:
    """Hospital, department and doctor in the reader's language."""
    return called(run(_NAMES, {"doctor": session.doctor_id}).one())


def called(names: Sequence[Mapping[str, str]]) -> Callable[[], str]:
    """Names in the language of whoever reads."""

    def said() -> str:
        return " ".join(local(name) for name in names)

    return said
