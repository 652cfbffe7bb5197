"""Checkout, the beginning of a payment: what is owed is claimed, then the provider opens its page.

Each step can be repeated after a kill: the row is written before the provider is asked, the
provider knows the asking by the row's key, and a task of the outbox looks after whatever was
left standing.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import uuid_utils.compat
from flask_babel import lazy_gettext as _

from smartcity_saas.audit import record
from smartcity_saas.configuration.city import City
from smartcity_saas.database import db, transaction
from smartcity_saas.errors import Conflict, NotFound
from smartcity_saas.identity.residents.accounts import SignedInResident
from smartcity_saas.measures import Measure, count
from smartcity_saas.outbox import enqueue
from smartcity_saas.payments.accounts import (
    PaymentsClosed,
    payable_of,
    refuse_closed,
)
from smartcity_saas.payments.models import Payment, PaymentItem
from smartcity_saas.payments.payable import Quote
from smartcity_saas.payments.providers import CannotBegin
from smartcity_saas.payments.repository import claim, claimants, items_of
from smartcity_saas.payments.settlement import SWEEP, close_page, open_page
from smartcity_saas.payments.states import PaymentState
from smartcity_saas.payments.terms import MOST_AT_ONCE, TOO_MANY, terms_of

PAGE_OPEN = timedelta(minutes=35)
"""How long a pay page stays open. Stripe asks for half an hour at least."""
LOOK_AFTER = timedelta(minutes=2)
STILL_USEFUL = timedelta(minutes=5)
TRIES = 3


class _Raced(Exception):
    """Another payment claimed one of the things in the same moment."""


@dataclass(frozen=True)
class Place:
    """Where the payer is: the site's own address and the language of the page."""

    site: str
    language: str


def begin_payment(
    city: City,
    resident: SignedInResident,
    service: str,
    references: Sequence[str],
    place: Place,
    now: datetime,
) -> Payment:
    """Begin to pay for some of a service's things; the payment has a page to go to.

    Pressed again, or in a second tab, it leads to the same page. Other things with one of them
    among them close the resident's earlier page first.

    Raises:
        NotFound: A reference is nothing of the resident's.
        Conflict: It is paid, someone else is paying it, or it is more than can be paid at once.
        PaymentsClosed: The city takes no payments.
        CannotBegin: The provider will open no page for it; nothing is claimed any more.
        ProviderUnreachable: The provider does not answer; nothing was charged.
    """
    refuse_closed(city)
    if len(set(references)) > MOST_AT_ONCE:
        raise Conflict(TOO_MANY)
    for _try in range(TRIES):
        try:
            payment, stale = _reserve(city, resident, service, references, place, now)
        except _Raced:
            continue  # the other tab was quicker by a moment: its page will do
        if payment is not None:
            try:
                payment = open_page(city, payment, now)
            except CannotBegin as error:
                if not error.again:
                    raise
                continue
            if not payment.is_expired:
                return payment
        for found in stale:
            close_page(city, found, now)
    raise Conflict(
        _("This is being paid in another browser window. Finish or cancel it there first.")
    )


def open_until(resident: SignedInResident, payment: Payment, now: datetime) -> datetime:
    """Until when a payment that was begun can be paid: its page may stay open for longer than what
    it pays for is held."""
    references = [item.reference for item in items_of(payment.id)]
    try:
        until = payable_of(payment.service).quote(resident, references, now).until
    except (Conflict, NotFound):  # it cannot be paid any more, and the page is being closed
        until = None
    return min(until, payment.expires_at) if until else payment.expires_at


def close_pages(city: City, service: str, references: Sequence[str], now: datetime) -> bool:
    """Close every page on which some things could still be paid; what was paid meanwhile counts.

    Returns:
        Whether money for one of them is on its way.

    Raises:
        ProviderUnreachable: The provider does not answer; closing again is safe.
    """
    open_ones = [one.id for one in claimants(service, references) if one.is_under_way]
    closed = [close_page(city, key, now) for key in open_ones]
    return any(one.is_processing for one in closed)


def _reserve(
    city: City,
    resident: SignedInResident,
    service: str,
    references: Sequence[str],
    place: Place,
    now: datetime,
) -> tuple[Payment | None, list[uuid.UUID]]:
    """A payment that claims all references, new or the one that is open; or what is in its way."""
    wanted = list(dict.fromkeys(references))
    with transaction():
        quote = payable_of(service).quote(resident, wanted, now)
        _refuse_unchargeable(city, quote, now)
        others = claimants(service, wanted)
        if not others:
            return _write(city, resident, service, quote, place, now), []
        for other in others:
            if other.resident_id != resident.id:
                raise Conflict(
                    _("Somebody else with access to this is paying it now. Check again later.")
                )
            if not other.is_under_way:
                raise Conflict(_("This has been paid. It may take a moment to appear."))
        same = len(others) == 1 and {i.reference for i in items_of(others[0].id)} == set(wanted)
        if same and others[0].expires_at > now + STILL_USEFUL:
            return others[0], []
        return None, [other.id for other in others]


def _refuse_unchargeable(city: City, quote: Quote, now: datetime) -> None:
    """Say what the provider would refuse before anything is claimed for it."""
    if city.payments is None:
        raise PaymentsClosed
    terms = terms_of(city, quote.currency, now)
    objection = terms.objection([item.amount for item in quote.items])
    if objection is not None:
        raise Conflict(objection)


def _write(
    city: City,
    resident: SignedInResident,
    service: str,
    quote: Quote,
    place: Place,
    now: datetime,
) -> Payment:
    payment_id = uuid_utils.compat.uuid7()
    payment = Payment(
        id=payment_id,
        number=payment_id.hex[-10:].upper(),
        resident_id=resident.id,
        service=service,
        title=dict(quote.title),
        amount=quote.amount,
        currency=quote.currency,
        state=PaymentState.CREATED,
        provider=(city.payments or {})["provider"],
        site=place.site,
        language=place.language,
        back=quote.back,
        created_at=now,
        expires_at=now + PAGE_OPEN,
    )
    db.session.add(payment)
    db.session.flush()
    for item in quote.items:
        db.session.add(
            PaymentItem(
                payment_id=payment.id,
                reference=item.reference,
                title=dict(item.title),
                amount=item.amount,
            )
        )
    db.session.flush()
    if not claim(payment, [item.reference for item in quote.items]):
        raise _Raced
    if payable_of(service).is_act:
        count(service, Measure.BEGUN, now)
    enqueue(
        SWEEP,
        {"payment": str(payment.id)},
        now,
        due_at=payment.expires_at + LOOK_AFTER,
        key=str(payment.id),
    )
    record(
        resident.actor,
        "payment.begin",
        payment.number,
        {"amount": payment.amount, "currency": payment.currency, "service": service},
        now,
    )
    return payment
