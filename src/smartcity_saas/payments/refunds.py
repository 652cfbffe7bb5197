"""Refunds: asked for by finance, carried out by the provider, never more than came."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from flask_babel import lazy_gettext as _
from sqlalchemy import select

from smartcity_saas.audit import Actor, record, system
from smartcity_saas.configuration.city import City
from smartcity_saas.database import db, transaction
from smartcity_saas.errors import Conflict, Invalid
from smartcity_saas.logs import get_logger
from smartcity_saas.outbox import enqueue
from smartcity_saas.payments.accounts import account_of, limits_of
from smartcity_saas.payments.disputes import withdrawn_from
from smartcity_saas.payments.models import Payment, Refund
from smartcity_saas.payments.payable import NotPayable
from smartcity_saas.payments.providers import RefundRefused, UnknownAtProvider
from smartcity_saas.payments.repository import locked, refunds_of
from smartcity_saas.payments.settlement import release_held, sync_payment
from smartcity_saas.payments.states import RefundFailure, RefundState
from smartcity_saas.web.money import format_money

REFUND = "payments.refund"
LONGEST_REASON = 200
log = get_logger(__name__)


def reason_fault(reason: str) -> Any:
    """What is wrong with the reason for a refund; None where nothing is."""
    if reason.strip() and len(reason.strip()) <= LONGEST_REASON:
        return None
    return _("Enter a reason of 1 to 200 characters.")


def request_refund(
    actor: Actor, payment_id: uuid.UUID, amount: int, reason: str, now: datetime
) -> uuid.UUID:
    """Ask for a refund of a part or all; a task carries it out.

    Args:
        actor: Who asks.
        payment_id: Of which payment.
        amount: In the minor unit of what was received.
        reason: Why; kept with the refund.
        now: The time.

    Returns:
        The task's key.

    Raises:
        Invalid: No reason, or an amount that is not left of what came.
        Conflict: The payment has nothing to send back.
    """
    reason = reason.strip()
    if fault := reason_fault(reason):
        raise Invalid(fault)
    with transaction() as session:
        payment = locked(payment_id)
        _refuse_amount(payment, amount)
        row = Refund(
            payment_id=payment.id,
            amount=amount,
            state=RefundState.REQUESTED,
            reason=reason,
            requested_by=actor.name,
            created_at=now,
        )
        session.add(row)
        session.flush()
        record(
            actor,
            "payment.refund",
            payment.number,
            {"amount": amount, "currency": payment.received_currency},
            now,
            reason=reason,
        )
        task = enqueue(REFUND, {"refund": str(row.id)}, now, key=str(row.id))
    if task is None:
        raise RuntimeError("a refund that was just made has a task already")
    return task


def _refuse_amount(payment: Payment, amount: int) -> None:
    if not payment.has_money:
        raise Conflict(_("There is no money left to refund on this payment."))
    if not 0 < amount <= refundable(payment):
        raise Invalid(_("Enter an amount above zero and no more than what is left."))
    step = limits_of(payment.provider, payment.paid_currency).step
    if amount % step:
        raise Invalid(
            _(
                "The payment provider only refunds multiples of %(step)s.",
                step=format_money(step, payment.paid_currency),
            )
        )


def refundable(payment: Payment) -> int:
    """What may still be sent back, in the minor unit: what came, less what went or is going, and
    less what banks have taken back."""
    going = sum(r.amount for r in refunds_of(payment.id) if not r.is_failed)
    return max(0, payment.received - going - withdrawn_from(payment.id))


def refund_rest(actor: Actor, payment: Payment, owed: int, reason: str, now: datetime) -> None:
    """Ask for a refund of what is owed of a payment that the transaction holds, as far as it is left of
    it.

    Args:
        actor: Who asks.
        payment: Of which payment.
        owed: In the minor unit of what was received.
        reason: Why; kept with the refund.
        now: The time.
    """
    amount = min(owed, refundable(payment)) if payment.has_money else 0
    if amount:
        request_refund(actor, payment.id, amount, reason, now)
    else:
        log.warning("nothing_to_refund", payment=payment.number)


def carry_out(city: City, refund_id: uuid.UUID, now: datetime) -> None:
    """Have the provider send the money, once however often and however late this runs.

    The provider's own list is looked at first: its memory of our key ends after a day, and an
    answer may have been lost.
    """
    row = _refund_of(refund_id)
    try:
        payment = sync_payment(city, row.payment_id, now)
        if _refund_of(refund_id).is_requested:
            _send(city, payment, row)
            sync_payment(city, row.payment_id, now)
    except UnknownAtProvider:
        _give_up(row.payment_id, refund_id, RefundFailure.OTHER_ACCOUNT, now)
    except RefundRefused:
        sync_payment(city, row.payment_id, now)
        _give_up(row.payment_id, refund_id, RefundFailure.REFUSED, now)


def _refund_of(refund_id: uuid.UUID) -> Refund:
    query = select(Refund).where(Refund.id == refund_id)
    return db.session.scalars(query.execution_options(populate_existing=True)).one()


def _send(city: City, payment: Payment, row: Refund) -> None:
    if payment.provider_reference is None:
        raise UnknownAtProvider
    account_of(city).refund(row.id, payment.provider_reference, row.amount, payment.paid_currency)


def _give_up(
    payment_id: uuid.UUID, refund_id: uuid.UUID, why: RefundFailure, now: datetime
) -> None:
    """Note that the provider will not make a refund, unless it lists it after all."""
    with transaction():
        payment = locked(payment_id)
        row = _refund_of(refund_id)
        if row.is_requested:
            row.fail(why, now)
            detail = {
                "amount": row.amount,
                "currency": payment.received_currency,
                "reason": why,
            }
            record(system("payments"), "payment.refund_refused", payment.number, detail, now)


def book_held(actor: Actor, payment_id: uuid.UUID, now: datetime) -> Payment:
    """Let held money count as paid.

    Raises:
        Conflict: It cannot: refund it.
    """
    with transaction():
        payment = locked(payment_id)
        if not payment.is_held:
            raise Conflict(_("This payment is not on hold."))
        try:
            release_held(payment, now)
        except NotPayable:
            raise Conflict(
                _(
                    "You cannot record this as paid: the item has already been paid, or the amount is different. Refund it."
                )
            ) from None
        record(actor, "payment.book", payment.number, {}, now)
    return payment
