"""What residents are told about fees that are paid here."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

from flask_babel import lazy_gettext as _
from sqlalchemy import select
from sqlalchemy.orm import joinedload

from smartcity_saas.clock import today_in
from smartcity_saas.database import db
from smartcity_saas.identity.residents.models import Resident
from smartcity_saas.notifications import notify
from smartcity_saas.services.hospital_appointments.fee_models import AppointmentFee, FeeState
from smartcity_saas.services.hospital_appointments.models import Appointment, ClinicSession
from smartcity_saas.services.hospital_appointments.names import ROOT
from smartcity_saas.services.hospital_appointments.notifications import place_of
from smartcity_saas.tenancy.current import current_city
from smartcity_saas.web.formats import day
from smartcity_saas.web.languages import both
from smartcity_saas.web.money import format_money

SOON = timedelta(days=3)
LATE = timedelta(days=7)
MOST_AT_ONCE = 5_000


def tell_unpaid(appointment: Appointment, session: ClinicSession, now: datetime) -> None:
    """A place was given back because nobody paid for it."""
    place = place_of(session)
    notify(
        appointment.resident_id,
        f"unpaid:{appointment.id}",
        both(lambda: _("Your slot was given back: %(place)s", place=place())),
        both(lambda: _("It was not paid in time. Nothing was charged. You can book again.")),
        f"{ROOT}/departments/{session.department_id}?day={session.day}",
        now,
        useful_until=appointment.starts_at,
    )


def tell_due(fee: AppointmentFee, now: datetime) -> None:
    """A fee is due after the visit: how much, until when."""
    _tell(fee, "fee-due", lambda: _("Pay %(amount)s by %(day)s", **_said(fee)), now)


def remind_of_fees(now: datetime) -> None:
    """Remind residents of what is due after visits: some days before, on the day, and once after
    it, with what rests until it is paid; each once."""
    today = today_in(current_city().timezone, now)
    query = (
        select(AppointmentFee)
        .join(Resident, Resident.id == AppointmentFee.resident_id)
        .where(
            AppointmentFee.state == FeeState.DUE,
            AppointmentFee.due_on <= today + SOON,
            AppointmentFee.due_on >= today - LATE,
            Resident.closed_at.is_(None),
        )
        .order_by(AppointmentFee.due_on)
        .limit(MOST_AT_ONCE)
        .options(joinedload(AppointmentFee.appointment))
    )
    for fee in db.session.scalars(query).all():
        _remind_of(fee, today, now)


def _remind_of(fee: AppointmentFee, today: date, now: datetime) -> None:
    if fee.is_overdue(today):
        title = lambda: _("%(amount)s was to be paid by %(day)s", **_said(fee))  # noqa: E731
        _tell(fee, "fee-late", title, now, _rests)
    elif fee.due_on == today:
        _tell(fee, "fee-today", lambda: _("%(amount)s is due today", **_said(fee)), now)
    else:
        _tell(fee, "fee-soon", lambda: _("Pay %(amount)s by %(day)s", **_said(fee)), now)


def _said(fee: AppointmentFee) -> dict[str, str]:
    """The amount and the day, in the reader's language."""
    by = fee.due_on
    return {
        "amount": format_money(fee.amount, fee.currency),
        "day": day(by, by.year) if by else "",
    }


def _for_the_visit() -> Any:
    return _("The consultation fee of your visit. You can pay it here.")


def _rests() -> Any:
    return _(
        "The consultation fee of your visit. Until it is paid you cannot pay after a visit; "
        "everything else goes on as before."
    )


def _tell(
    fee: AppointmentFee, key: str, title: Any, now: datetime, body: Any = _for_the_visit
) -> None:
    """Write to whoever owes it, once a key and day: a fee that is due anew is told of anew."""
    path = f"{ROOT}/appointments/{fee.appointment_id}"
    notify(fee.resident_id, f"{key}:{fee.id}:{fee.due_on}", both(title), both(body), path, now)
