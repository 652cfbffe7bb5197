"""What a resident has here, for their own page: what is to be paid, what is to come."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from itertools import chain

from flask import current_app
from flask_babel import gettext

from smartcity_saas.catalog.service import DashboardItem
from smartcity_saas.clock import today_in
from smartcity_saas.identity.residents.accounts import SignedInResident
from smartcity_saas.payments.repository import on_their_way
from smartcity_saas.services.hospital_appointments.booking import appointments_of
from smartcity_saas.services.hospital_appointments.desk_lists import STATE_NAMES
from smartcity_saas.services.hospital_appointments.fee_models import AppointmentFee
from smartcity_saas.services.hospital_appointments.fees import due_fees, fees_of
from smartcity_saas.services.hospital_appointments.models import (
    HALF_NAMES,
    Appointment,
    WaitingEntry,
)
from smartcity_saas.services.hospital_appointments.names import ROOT, SERVICE
from smartcity_saas.services.hospital_appointments.waiting_list import entries_of
from smartcity_saas.tenancy.current import current_city, current_time
from smartcity_saas.web.languages import local
from smartcity_saas.web.money import format_money


def dashboard(person: SignedInResident) -> list[DashboardItem]:
    """Fees that are due, appointments to come, waiting lists, and the way to what has been."""
    now = current_time()
    recent = list(reversed(appointments_of(person, 30)))
    coming = [one for one in recent if one.starts_at > now and (one.is_booked or one.is_called_off)]
    fees = fees_of(one.id for one in coming)
    unpaid = _not_arriving(fee for fee in fees.values() if fee.is_holding)
    items = chain(
        (_due(fee) for fee in _not_arriving(due_fees(person.id))),
        (_coming(one, fees.get(one.id) if fees.get(one.id) in unpaid else None) for one in coming),
        (_waiting(entry) for entry in entries_of(person)),
        _past(recent),
    )
    return list(items)


def _not_arriving(fees: Iterable[AppointmentFee]) -> list[AppointmentFee]:
    """Those of some fees whose money is not on its way."""
    found = list(fees)
    arriving = on_their_way(SERVICE, [str(fee.appointment_id) for fee in found])
    return [fee for fee in found if str(fee.appointment_id) not in arriving]


def _due(fee: AppointmentFee) -> DashboardItem:
    made = fee.appointment
    when = _moment(made.starts_at)
    return DashboardItem(
        title=gettext("Consultation fee") + f" · {local(made.session.department.name)}",
        detail=f"{made.patient.name} · {when}",
        url=f"{ROOT}/appointments/{made.id}",
        icon="stethoscope",
        amount=format_money(fee.amount, fee.currency),
        by=fee.due_on,
    )


def _coming(one: Appointment, unpaid: AppointmentFee | None) -> DashboardItem:
    """An appointment to come; with what is to be paid for it where its place is held unpaid."""
    title = f"{_moment(one.starts_at)} · {local(one.session.department.name)}"
    url = f"{ROOT}/appointments/{one.id}"
    if unpaid is not None and unpaid.hold_until is not None:
        return DashboardItem(
            title=title,
            detail=gettext(
                "Pay by %(when)s, or the slot is given back", when=_moment(unpaid.hold_until)
            ),
            url=url,
            icon="hourglass",
            amount=format_money(unpaid.amount, unpaid.currency),
            by=today_in(current_city().timezone, unpaid.hold_until),
            to_the_minute=True,
        )
    return DashboardItem(
        title=title,
        detail=f"{one.patient.name} · {STATE_NAMES[one.state]}",
        url=url,
        icon="stethoscope",
        by=today_in(current_city().timezone, one.starts_at) if one.is_booked else None,
    )


def _waiting(entry: WaitingEntry) -> DashboardItem:
    kept = entry.is_offered
    held, waiting = gettext("A slot is being held for you"), gettext("On a waiting list")
    day = current_app.jinja_env.filters["day"](entry.session.day)
    return DashboardItem(
        title=f"{day} {HALF_NAMES[entry.session.half]} · {local(entry.session.department.name)}",
        detail=f"{entry.patient.name} · {held if kept else waiting}",
        url=f"{ROOT}/waiting/{entry.id}",
        icon="hourglass",
        by=today_in(current_city().timezone, entry.offered_until)
        if kept and entry.offered_until
        else None,
        waits=kept,
    )


def _past(recent: list[Appointment]) -> Iterator[DashboardItem]:
    if recent:
        yield DashboardItem(
            title=gettext("All appointments"),
            detail=gettext("Past and cancelled ones too"),
            url=f"{ROOT}/appointments",
            icon="history",
        )


def _moment(at: datetime) -> str:
    return str(current_app.jinja_env.filters["moment"](at))
