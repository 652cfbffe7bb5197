"""Fees as something to pay: what is owed, marking it paid, taking that back.

A fee is referred to by the key of its appointment.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from flask_babel import lazy_gettext as _
from flask_babel import lazy_ngettext
from sqlalchemy import select

from smartcity_saas.clock import today_in
from smartcity_saas.database import db
from smartcity_saas.errors import Conflict, NotFound
from smartcity_saas.identity.residents.accounts import SignedInResident
from smartcity_saas.payments.payable import Item, NotPayable, Payable, Quote
from smartcity_saas.services.hospital_appointments.fee_models import AppointmentFee
from smartcity_saas.services.hospital_appointments.fees import FEES, void_fee
from smartcity_saas.services.hospital_appointments.names import ROOT
from smartcity_saas.services.hospital_appointments.rules import Rules
from smartcity_saas.tenancy.current import current_city
from smartcity_saas.web.formats import moment_of
from smartcity_saas.web.languages import both, local


def quote(resident: SignedInResident, references: Sequence[str], now: datetime) -> Quote:
    """What a resident would pay for the fees of some appointments.

    Raises:
        NotFound: One is no fee of the resident's that is paid here, or none is named.
        Conflict: One is paid, not due yet, or the time to pay it is over.
    """
    found = [one for one in _fees(references) if one.resident_id == resident.id]
    if not found or len(found) != len(set(references)):
        raise NotFound(_("Choose fees from this list."))
    if any(one.is_holding and not one.is_payable(now) for one in found):
        raise Conflict(_("The time to pay for this slot is over. Book again."))
    if not all(one.is_payable(now) for one in found):
        raise Conflict(_("One of these fees is paid, or not due yet. Check the list again."))
    if len({one.currency for one in found}) != 1:
        raise Conflict(_("You cannot pay these fees together. Pay them one by one."))
    one_page = f"{ROOT}/appointments/{found[0].appointment_id}"
    return Quote(
        title=both(lambda: _title(found)),
        items=tuple(
            Item(str(one.appointment_id), both(lambda f=one: _name(f)), one.amount)  # type: ignore[misc]
            for one in found
        ),
        currency=found[0].currency,
        back=one_page if len(found) == 1 else FEES,
        until=min((one.hold_until for one in found if one.hold_until), default=None),
    )


def fulfil(items: Sequence[Item], currency: str, payment_id: uuid.UUID, now: datetime) -> None:
    """Mark fees as paid by a payment. Money for one that is void by now goes back from here.

    Raises:
        NotPayable: One is gone, or was paid at the hospital or by another payment.
    """
    amounts = {item.reference: item.amount for item in items}
    found = _fees([*amounts], lock=True)
    if len(found) != len(amounts):
        raise NotPayable("gone")
    if any(one.is_paid or one.is_at_hospital or one.is_going_back for one in found):
        raise NotPayable("paid")
    if any(
        (one.amount, one.currency) != (amounts[str(one.appointment_id)], currency) for one in found
    ):
        raise NotPayable("changed")
    today = today_in(current_city().timezone, now)
    for one in found:
        one.mark_paid(payment_id, today)
        if one.is_void:
            void_fee(one, now)


def reverse(references: Sequence[str], payment_id: uuid.UUID, now: datetime) -> None:
    """Fees of a payment that went back whole: after a visit they are due again, with their days
    anew; for a visit to come the place stays, and the hospital takes them."""
    rules = Rules.of_city(current_city())
    today = rules.today(now)
    for one in _fees(references, lock=True):
        if one.payment_id != payment_id or not one.is_paid:
            continue
        if one.is_ahead:
            one.leave_to_hospital(None)
        else:
            one.mark_unpaid(rules.due_on(today, one.pay_days or 0, today))


payable = Payable(quote, fulfil, reverse)


def _fees(references: Sequence[str], *, lock: bool = False) -> list[AppointmentFee]:
    try:
        keys = [uuid.UUID(reference) for reference in references]
    except ValueError:
        return []
    query = select(AppointmentFee).where(AppointmentFee.appointment_id.in_(keys))
    query = query.order_by(AppointmentFee.id)
    if lock:
        query = query.with_for_update().execution_options(populate_existing=True)
    return list(db.session.scalars(query))


def _name(fee: AppointmentFee) -> str:
    made = fee.appointment
    when = moment_of(made.starts_at, current_city().timezone)
    return f"{local(made.session.department.name)} {when}"


def _title(found: Sequence[AppointmentFee]) -> Any:
    if len(found) == 1:
        department = local(found[0].appointment.session.department.name)
        return _("Consultation fee, %(department)s", department=department)
    return lazy_ngettext("%(num)s consultation fee", "%(num)s consultation fees", len(found))
