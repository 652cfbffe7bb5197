"""Settlement: what the provider says of a payment is applied to the ledger, once.

Whoever asks (the page that the payer comes back to, a webhook, a task) the same happens: fetch
the truth, lock the row, apply what is new. Any number of times, in any order, at once, with
kills between, it makes one posting and the same final state.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection
from datetime import datetime, timedelta
from functools import partial

from flask_babel import lazy_gettext as _

from smartcity_saas.audit import Actor, record, system
from smartcity_saas.configuration.city import City
from smartcity_saas.database import (
    db,
    insert_once,
    send_together,
    transaction,
    write_changes,
)
from smartcity_saas.errors import Conflict
from smartcity_saas.logs import get_logger
from smartcity_saas.measures import Count, Measure, count, count_all, waiting
from smartcity_saas.outbox import enqueue
from smartcity_saas.payments.accounts import account_of, payable_of
from smartcity_saas.payments.disputes import apply_disputes, withdrawn_from
from smartcity_saas.payments.ledger import HELD as HELD_ACCOUNT
from smartcity_saas.payments.ledger import (
    Transfer,
    entries_of,
    post,
    provider_account,
    service_account,
)
from smartcity_saas.payments.models import Payment, Refund
from smartcity_saas.payments.notifications import notify_payer
from smartcity_saas.payments.payable import NotPayable
from smartcity_saas.payments.providers import (
    CannotBegin,
    Checkout,
    PaymentStatus,
    RefundFact,
    UnknownAtProvider,
)
from smartcity_saas.payments.repository import (
    claim,
    items_of,
    items_to_pay,
    locked,
    order_of,
    payment_of,
    refunds_of,
    release_claims,
)
from smartcity_saas.payments.states import (
    HeldReason,
    PaymentState,
    RefundFailure,
    RefundState,
)
from smartcity_saas.web.languages import both
from smartcity_saas.web.money import format_money

FOLLOW = "payments.follow"
SWEEP = "payments.sweep"
ASK_AGAIN = timedelta(hours=6)
ASK_FOR = timedelta(days=14)
SOON = timedelta(minutes=15)
"""A payment that counts as paid within this, from the press on, was done in time."""
log = get_logger(__name__)


def open_page(city: City, payment: Payment, now: datetime) -> Payment:
    """Have the provider open its page, or find the one that it opened for this payment.

    Raises:
        CannotBegin: There will be no page; the payment has ended, and claims nothing any more.
        ProviderUnreachable: The provider does not answer; asking again is safe.
    """
    if not payment.is_unopened:
        return payment
    payment_id = payment.id
    if now >= payment.expires_at:
        return _end_unopened(payment_id, PaymentState.EXPIRED, now)
    try:
        found = account_of(city).begin(order_of(payment))
    except CannotBegin as error:
        _end_unopened(payment_id, PaymentState.FAILED, now, error.reason)
        raise
    if found is None:
        return _end_unopened(payment_id, PaymentState.EXPIRED, now)
    return _keep_page(city, payment_id, found)


def _keep_page(city: City, payment_id: uuid.UUID, found: Checkout) -> Payment:
    """Keep a page that was opened; if the payment has ended meanwhile, close it unseen."""
    with transaction():
        payment = locked(payment_id)
        if payment.checkout_id is None:
            payment.mark_open(found.id, found.url)
    if not payment.is_under_way:
        account_of(city).give_up(found.id)
    return payment


def _end_unopened(
    payment_id: uuid.UUID, to: PaymentState, now: datetime, refusal: str | None = None
) -> Payment:
    """End a payment for which no page is known: nobody can pay on one that nobody was led to, so
    what it claimed is free again at once."""
    with transaction():
        payment = locked(payment_id)
        if payment.is_unopened:
            payment.refusal = refusal
            _end(payment, to, now)
    return payment


def sync_payment(city: City, payment_id: uuid.UUID, now: datetime) -> Payment:
    """Ask the provider how a payment stands, and apply it.

    Raises:
        NotFound: There is no such payment.
        ProviderUnreachable: The provider does not answer; the payment is as it was.
    """
    try:
        payment = open_page(city, payment_of(payment_id), now)
    except CannotBegin:
        return payment_of(payment_id)
    if payment.checkout_id is None:
        return payment
    standing = account_of(city).look(payment.checkout_id)
    with transaction():
        payment = locked(payment_id)
        apply_status(payment, standing, now)
    return payment


def abandon(actor: Actor, city: City, payment_id: uuid.UUID, now: datetime) -> Payment:
    """End a payment that has no page or that the provider does not know (any more), so that its
    things can be paid.

    Raises:
        Conflict: The provider knows it: what it says was applied, and counts.
        ProviderUnreachable: The provider does not answer.
    """
    payment = payment_of(payment_id)
    if payment.checkout_id is not None:
        try:
            sync_payment(city, payment_id, now)
        except UnknownAtProvider:
            pass
        else:
            raise Conflict(
                _("The payment provider knows this payment, so its status there applies.")
            )
    with transaction():
        payment = locked(payment_id)
        if payment.is_under_way:
            _end(payment, PaymentState.FAILED, now)
            record(actor, "payment.abandon", payment.number, {}, now)
    return payment


def close_page(city: City, payment_id: uuid.UUID, now: datetime) -> Payment:
    """Close a page that nobody is to pay on any more. What was paid meanwhile counts."""
    payment = payment_of(payment_id)
    if payment.checkout_id is None:
        return _end_unopened(payment_id, PaymentState.EXPIRED, now)
    if payment.is_under_way:
        account_of(city).give_up(payment.checkout_id)
    return sync_payment(city, payment_id, now)


def sweep(city: City, payment_id: uuid.UUID, now: datetime) -> None:
    """Look after a payment whose page should have closed: close it, or keep asking."""
    payment = sync_payment(city, payment_id, now)
    if payment.is_open:
        payment = close_page(city, payment_id, now)
    if payment.is_processing and now < payment.created_at + ASK_FOR:
        enqueue(SWEEP, {"payment": str(payment.id)}, now, due_at=now + ASK_AGAIN)


def apply_status(payment: Payment, standing: PaymentStatus, now: datetime) -> None:
    """Bring a locked payment to what the provider says, in the caller's transaction."""
    if standing.state == PaymentState.PAID:
        if standing.amount <= 0:
            log.error("paid_nothing", payment=payment.number)
            return
        if not payment.is_received:
            _receive(payment, standing, now)
        _apply_refunds(payment, standing, now)
        apply_disputes(payment, standing.disputes, now)
        return
    to = standing.state
    if to == PaymentState.OPEN or not payment.may_become(to):
        return
    if to == PaymentState.PROCESSING:
        payment.become(to)
    else:
        _end(payment, to, now)


def release_held(payment: Payment, now: datetime) -> None:
    """Let held money count as paid, for what was ordered; in the caller's transaction.

    Raises:
        NotPayable: The amount is another, or an item cannot count as paid.
    """
    if payment.is_disputed:
        raise NotPayable(HeldReason.DISPUTED)
    if not payment.is_exact or payment.refunded or withdrawn_from(payment.id):
        raise NotPayable(HeldReason.AMOUNT)
    _fulfil(payment, now)
    _move_held(payment, now)
    payment.mark_paid()
    count_all(_done(payment, now), now)


def _done(payment: Payment, now: datetime) -> list[Count]:
    """What is counted of a payment that paid for what it was for: how long that took since it began."""
    if not payable_of(payment.service).is_act:
        return []
    waited = now - payment.created_at
    found = [Count(payment.service, Measure.DONE), waiting(payment.service, waited)]
    return [*found, Count(payment.service, Measure.LATE)] if waited > SOON else found


def _receive(payment: Payment, standing: PaymentStatus, now: datetime) -> None:
    """Post money that came, and mark what it pays for; or hold it."""
    reason = _objection(payment, standing, now)
    payment.provider_reference, payment.method = standing.reference, standing.method
    payment.paid_at, payment.received = now, standing.amount
    payment.received_currency = standing.currency
    if reason is None:
        payment.mark_paid()
    else:
        payment.hold(reason)
    write_changes(payment)
    post(
        f"payment:{payment.id}",
        payment.id,
        Transfer(
            debit=provider_account(payment.provider),
            credit=HELD_ACCOUNT if reason else service_account(payment.service),
            amount=standing.amount,
            currency=standing.currency,
        ),
        now,
        standing.reference,
    )
    record(
        system("payments"),
        "payment.held" if reason else "payment.paid",
        payment.number,
        {"amount": standing.amount, "currency": standing.currency, "reason": reason or ""},
        now,
    )
    amount = Count(payment.service, Measure.AMOUNT, payment.paid_currency, payment.received)
    count_all([amount, *(_done(payment, now) if reason is None else ())], now)
    _tell_received(payment, reason, now)


def _objection(payment: Payment, standing: PaymentStatus, now: datetime) -> str | None:
    """Why the money cannot simply count as paid, None if it can (and then it does)."""
    if standing.currency != payment.currency:
        return HeldReason.CURRENCY
    if standing.amount != payment.amount:
        return HeldReason.AMOUNT
    if (
        sum(found.amount for found in standing.refunds if found.state == RefundState.DONE)
        >= payment.amount
    ):
        return HeldReason.REFUNDED
    try:
        _fulfil(payment, now)
    except NotPayable as error:
        return error.reason
    return None


def _fulfil(payment: Payment, now: datetime) -> None:
    """Mark what the payment is for as paid, all of it or none."""
    items, claimed = items_to_pay(payment.id)
    fulfil = partial(payable_of(payment.service).fulfil, items, payment.currency, payment.id, now)
    if claimed:
        fulfil()
    else:
        with db.session.begin_nested():  # what is claimed for nothing is given back
            if not claim(payment, [item.reference for item in items]):
                raise NotPayable(HeldReason.TWICE)
            fulfil()
    send_together()  # before the payment changes, which is written with what else becomes of it
    payment.fulfilled_at = now


def _end(payment: Payment, to: PaymentState, now: datetime) -> None:
    payment.become(to)
    release_claims(payment.id)
    record(system("payments"), f"payment.{to}", payment.number, {}, now)
    expired = to == PaymentState.EXPIRED  # nobody paid: the payer went away
    if payable_of(payment.service).is_act:
        count(payment.service, Measure.CALLED_OFF if expired else Measure.FAILED, now)


def _move_held(payment: Payment, now: datetime) -> None:
    post(
        f"release:{payment.id}:{len(entries_of(payment.id))}",
        payment.id,
        Transfer(
            debit=HELD_ACCOUNT,
            credit=service_account(payment.service),
            amount=payment.received,
            currency=payment.currency,
        ),
        now,
    )


def _apply_refunds(payment: Payment, standing: PaymentStatus, now: datetime) -> None:
    """Match what the provider lists with what is known here. One fact is one refund: a second one
    that carries the same request of ours is money that went out again."""
    if not standing.refunds:
        _settle_refunded(payment, now)
        return
    rows = refunds_of(payment.id)
    known = {row.provider_reference: row for row in rows}
    asked = {str(row.id): row for row in rows if row.provider_reference is None}
    posted = {entry.key for entry in entries_of(payment.id)}
    for fact in standing.refunds:
        row = known.get(fact.reference) or asked.pop(fact.refund_id or "", None)
        if row is None:
            row = _foreign_refund(payment, fact, now)
        if row is not None:
            _apply_refund(payment, row, fact, posted, standing.currency, now)
    _settle_refunded(payment, now)


def _foreign_refund(payment: Payment, fact: RefundFact, now: datetime) -> Refund | None:
    """A refund that was made at the provider itself, or twice; not asked for here."""
    if fact.state == RefundState.FAILED:
        return None
    if fact.refund_id is not None:
        log.error("refund_made_twice", payment=payment.number, reference=fact.reference)
    made = insert_once(
        Refund,
        ("provider_reference",),
        payment_id=payment.id,
        amount=fact.amount,
        state=RefundState.PENDING,
        reason="",
        requested_by=f"provider:{payment.provider}",
        provider_reference=fact.reference,
        created_at=now,
    )
    found = {row.id: row for row in refunds_of(payment.id)}
    return found.get(made) if made else None


def _apply_refund(
    payment: Payment,
    row: Refund,
    fact: RefundFact,
    posted: Collection[str],
    currency: str,
    now: datetime,
) -> None:
    """Bring one refund to what the provider says. What counts is what the ledger has: an answer
    may be older than another one that was applied before it. What failed there stays failed; what
    was only given up here had no reference yet, and is as the provider says."""
    if row.is_failed and row.provider_reference == fact.reference:
        return
    row.provider_reference = fact.reference
    gone, back = f"refund:{row.id}", f"refund-returned:{row.id}"
    owed = service_account(payment.service) if payment.is_fulfilled else HELD_ACCOUNT
    there = provider_account(payment.provider)
    if fact.state == RefundState.DONE and gone not in posted:
        _post_refund(payment, gone, Transfer(owed, there, fact.amount, currency), fact, now)
    elif fact.state == RefundState.FAILED and gone in posted and back not in posted:
        # The bank sent it back: the provider owes the city again.
        _post_refund(payment, back, Transfer(there, owed, fact.amount, currency), fact, now)
    if fact.state == RefundState.FAILED:
        row.fail(RefundFailure.BOUNCED if gone in posted else RefundFailure.REFUSED, now)
    elif row.state != RefundState.DONE:
        row.settle(fact.state, now)


def _post_refund(
    payment: Payment,
    key: str,
    transfer: Transfer,
    fact: RefundFact,
    now: datetime,
) -> None:
    if not post(key, payment.id, transfer, now, fact.reference):
        return
    going = key.startswith("refund:")
    payment.refunded += fact.amount if going else -fact.amount
    back = -fact.amount if going else fact.amount
    count(payment.service, Measure.AMOUNT, now, detail=transfer.currency, value=back)
    record(
        system("payments"),
        "payment.refunded" if going else "payment.refund_returned",
        payment.number,
        {"amount": fact.amount, "currency": transfer.currency},
        now,
    )
    _tell_refunded(payment, fact, going, now)


def _settle_refunded(payment: Payment, now: datetime) -> None:
    """Whole amount back: the things are unpaid again. A refund that came back undoes that."""
    whole = payment.refunded == payment.received > 0
    if whole and payment.has_money:
        if payment.is_fulfilled:
            references = [item.reference for item in items_of(payment.id)]
            payable_of(payment.service).reverse(references, payment.id, now)
            payment.fulfilled_at = None
        release_claims(payment.id)
        payment.become(PaymentState.REFUNDED)
    elif payment.is_refunded and payment.refunded + withdrawn_from(payment.id) < payment.received:
        payment.hold(HeldReason.REFUND_RETURNED)


def _tell_received(payment: Payment, reason: str | None, now: datetime) -> None:
    paid = format_money(payment.received, payment.paid_currency)
    if reason is None:
        title = both(lambda: _("Paid %(amount)s", amount=paid))
        body = both(lambda: _("Your receipt is ready. Payment %(number)s.", number=payment.number))
    else:
        title = both(lambda: _("We are holding your %(amount)s", amount=paid))
        body = both(
            lambda: _(
                "We received your money but could not record it as paid. The city's finance team will record it or refund it. You do not need to do anything. Payment %(number)s.",
                number=payment.number,
            )
        )
    notify_payer(payment, f"payment:{payment.id}", title, body, now)


def _tell_refunded(payment: Payment, fact: RefundFact, going: bool, now: datetime) -> None:
    amount = format_money(fact.amount, payment.paid_currency)
    if going:
        title = both(lambda: _("%(amount)s is on its way back to you", amount=amount))
        body = both(
            lambda: _(
                "It goes back to the card or account you paid with, and may take a few days to arrive. Payment %(number)s.",
                number=payment.number,
            )
        )
    else:
        title = both(lambda: _("Your refund of %(amount)s came back to us", amount=amount))
        body = both(
            lambda: _(
                "Your bank did not accept it. The city's finance team will find another way. Payment %(number)s.",
                number=payment.number,
            )
        )
    mark = "refund" if going else "refund-returned"
    notify_payer(payment, f"{mark}:{fact.reference}", title, body, now)
