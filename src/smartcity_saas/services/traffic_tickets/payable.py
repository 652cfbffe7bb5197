"""Fines as something to pay: what is owed, marking it paid, taking that back."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from flask_babel import lazy_gettext as _
from flask_babel import lazy_ngettext
from sqlalchemy import select

from smartcity_saas.catalog.events import ServiceEvent, publish_event, withdraw_event
from smartcity_saas.clock import today_in
from smartcity_saas.database import db
from smartcity_saas.errors import Conflict, NotFound
from smartcity_saas.identity.residents.accounts import SignedInResident
from smartcity_saas.payments.payable import Item, NotPayable, Payable, Quote
from smartcity_saas.payments.repository import payer_of
from smartcity_saas.services.traffic_tickets.back_office import report
from smartcity_saas.services.traffic_tickets.models import LicenceLink, TicketStatus, Violation
from smartcity_saas.services.traffic_tickets.names import ROOT, SERVICE, SETTLED_IN_TIME
from smartcity_saas.services.traffic_tickets.settings import DEFAULT_SETTLE_DAYS
from smartcity_saas.services.traffic_tickets.tickets import licence_link, own_violations
from smartcity_saas.tenancy.current import current_city
from smartcity_saas.web.languages import both, local
from smartcity_saas.web.plates import shown


def quote(resident: SignedInResident, references: Sequence[str], now: datetime) -> Quote:
    """What a resident would pay for some tickets.

    Raises:
        NotFound: One is no ticket that the resident sees, or none is named.
        Conflict: One is not to be paid, or its points need a licence.
    """
    keys = _keys(references)
    found = own_violations(resident, keys)
    if not found or len(found) != len(set(references)):
        raise NotFound(_("Choose tickets from this list."))
    if not all(one.due for one in found):
        raise Conflict(_("You do not need to pay one of these tickets. Check the list again."))
    if len({one.currency for one in found}) != 1:
        raise Conflict(_("You cannot pay these tickets together. Pay them one by one."))
    if needs_licence(found) and licence_link(resident) is None:
        raise Conflict(
            _("This ticket carries points. Link your driving licence first: the driver pays.")
        )
    return Quote(
        title=both(lambda: _title(found)),
        items=tuple(
            Item(str(one.id), both(lambda v=one: _name(v)), one.fine)  # type: ignore[misc]
            for one in found
        ),
        currency=found[0].currency,
        back=ROOT,
    )


def fulfil(items: Sequence[Item], currency: str, payment_id: uuid.UUID, now: datetime) -> None:
    """Mark tickets as paid by a payment; points go to the payer's licence.

    Raises:
        NotPayable: One is gone, was paid, disputed or revoked, or costs another amount by now.
    """
    amounts = {item.reference: item.amount for item in items}
    found = _locked([*amounts])
    if len(found) != len(amounts):
        raise NotPayable("gone")
    if any(not one.is_open for one in found):
        raise NotPayable("paid")
    if any((one.fine, one.currency) != (amounts[str(one.id)], currency) for one in found):
        raise NotPayable("changed")
    payer = payer_of(payment_id)
    licence_id = db.session.scalars(
        select(LicenceLink.licence_id).where(LicenceLink.resident_id == payer)
    ).one_or_none()
    today = today_in(current_city().timezone, now)
    for one in found:
        one.mark_paid(payment_id, licence_id, today)
        report(one, TicketStatus.PAID, now)
        in_time = now <= one.at + _settle_time()
        publish_event(ServiceEvent(SETTLED_IN_TIME, str(one.id), payer, today, in_time, now))


def reverse(references: Sequence[str], payment_id: uuid.UUID, now: datetime) -> None:
    """Tickets of a payment that went back whole are to be paid again, unless revoked."""
    for one in _locked(references):
        if one.payment_id == payment_id:
            one.mark_unpaid()
            withdraw_event(SETTLED_IN_TIME, str(one.id))
            report(one, one.status, now)


def needs_licence(found: Sequence[Violation]) -> bool:
    """Whether paying these takes a linked licence, by the city's settings."""
    settings = current_city().catalog[SERVICE].settings
    return bool(settings.get("points_need_licence", True)) and any(
        one.needs_driver for one in found
    )


payable = Payable(quote, fulfil, reverse)


def _settle_time() -> timedelta:
    """How long after its offence a ticket is settled on time."""
    settings = current_city().catalog[SERVICE].settings
    return timedelta(days=settings.get("settle_days", DEFAULT_SETTLE_DAYS))


def _keys(references: Sequence[str]) -> list[uuid.UUID]:
    try:
        return [uuid.UUID(reference) for reference in references]
    except ValueError:
        return []


def _locked(references: Sequence[str]) -> list[Violation]:
    query = (
        select(Violation)
        .where(Violation.id.in_(_keys(references)))
        .order_by(Violation.id)
        .with_for_update()
    )
    return list(db.session.scalars(query))


def _name(one: Violation) -> str:
    return f"{shown(one.vehicle.plate)} {local(one.act)}"


def _title(found: Sequence[Violation]) -> Any:
    if len(found) == 1:
        return _("Traffic ticket %(plate)s", plate=shown(found[0].vehicle.plate))
    return lazy_ngettext("%(num)s traffic ticket", "%(num)s traffic tickets", len(found))
