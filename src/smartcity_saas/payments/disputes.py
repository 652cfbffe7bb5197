"""Disputes (chargebacks): what a payer's bank takes back is posted, held for finance and decided.

The provider says how a dispute stands; this is applied like everything else that it says, under
the payment's lock, once however often it is heard. While one is open the payment is held and what
it paid for stays paid. Won, the payment is what it was before; lost, finance decides. Won after
that (a bank may think again), the decision is undone.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import datetime

from flask_babel import lazy_gettext as _
from sqlalchemy import func, select

from smartcity_saas.audit import Actor, record, system
from smartcity_saas.database import db, insert_once, transaction
from smartcity_saas.errors import Conflict, NotFound
from smartcity_saas.payments.accounts import payable_of
from smartcity_saas.payments.ledger import (
    DISPUTED,
    HELD,
    WRITTEN_OFF,
    Transfer,
    entries_of,
    post,
    provider_account,
    service_account,
)
from smartcity_saas.payments.models import Payment, PaymentDispute
from smartcity_saas.payments.notifications import notify_payer
from smartcity_saas.payments.providers import DisputeFact, DisputeMove
from smartcity_saas.payments.repository import items_of, locked, release_claims
from smartcity_saas.payments.states import (
    DisputeDecision,
    DisputeState,
    HeldReason,
    PaymentState,
)
from smartcity_saas.web.languages import both
from smartcity_saas.web.money import format_money


def disputes_of(payment_id: uuid.UUID) -> list[PaymentDispute]:
    """A payment's disputes, in their order."""
    query = select(PaymentDispute).where(PaymentDispute.payment_id == payment_id)
    return list(db.session.scalars(query.order_by(PaymentDispute.created_at, PaymentDispute.id)))


def withdrawn_from(payment_id: uuid.UUID) -> int:
    """What banks have taken back of a payment at present, in the minor unit."""
    query = select(func.sum(PaymentDispute.withdrawn)).where(
        PaymentDispute.payment_id == payment_id
    )
    return int(db.session.scalar(query) or 0)


def apply_disputes(payment: Payment, facts: Sequence[DisputeFact], now: datetime) -> None:
    """Apply what the provider says of a locked payment's disputes, in the caller's transaction."""
    for fact in facts:
        _apply(payment, fact, now)
    if facts:
        _hold_or_release(payment)


def decide_dispute(
    actor: Actor,
    payment_id: uuid.UUID,
    dispute_id: uuid.UUID,
    decision: DisputeDecision,
    now: datetime,
) -> None:
    """Decide what becomes of what a payment was for after its dispute was lost.

    Args:
        actor: Who decides.
        payment_id: The payment.
        dispute_id: Its dispute.
        decision: One of the payment's ``dispute_decisions``.
        now: The time.

    Raises:
        NotFound: There is no such dispute.
        Conflict: It is not lost, or decided already; this cannot be decided of it; or a part of the
            money is still here.
    """
    with transaction():
        payment = locked(payment_id)
        row = next((one for one in disputes_of(payment_id) if one.id == dispute_id), None)
        if row is None:
            raise NotFound(_("We cannot find that chargeback."))
        if not row.is_undecided:
            raise Conflict(_("There is nothing to decide on this dispute, or it has been decided."))
        if decision not in payment.dispute_decisions:
            raise Conflict(_("This payment has changed. Check it again."))
        if decision == DisputeDecision.DUE_AGAIN and _left(payment) > 0:
            raise Conflict(_("Part of the money is still here. Refund it first."))
        _post_decision(payment, row, decision, now)
        row.decision = decision
        if decision == DisputeDecision.DUE_AGAIN:
            _make_due_again(payment, now)
        _hold_or_release(payment)
        detail = {"amount": row.amount, "currency": payment.paid_currency}
        record(actor, f"payment.dispute_{decision}", payment.number, detail, now)


def _left(payment: Payment) -> int:
    return payment.received - payment.refunded - withdrawn_from(payment.id)


def _apply(payment: Payment, fact: DisputeFact, now: datetime) -> None:
    row = _row_of(payment, fact, now)
    for move in fact.moves:
        if _post_move(payment, row, move, now):
            row.withdrawn -= move.amount
            row.decision = row.decision if row.withdrawn else None
    if row.follow(fact.state, fact.answer_by, now):
        _note(payment, row, now)


def _row_of(payment: Payment, fact: DisputeFact, now: datetime) -> PaymentDispute:
    insert_once(
        PaymentDispute,
        ("provider_reference",),
        payment_id=payment.id,
        provider_reference=fact.reference,
        amount=fact.amount,
        state=DisputeState.NEW,
        reason=fact.reason,
        withdrawn=0,
        created_at=now,
    )
    query = select(PaymentDispute).where(PaymentDispute.provider_reference == fact.reference)
    return db.session.scalars(query).one()


def _post_move(payment: Payment, row: PaymentDispute, move: DisputeMove, now: datetime) -> bool:
    there = provider_account(payment.provider)
    taken = move.amount < 0
    made = post(
        f"dispute:{row.id}:{move.reference}",
        payment.id,
        Transfer(
            debit=DISPUTED if taken else there,
            credit=there if taken else DISPUTED,
            amount=abs(move.amount),
            currency=payment.paid_currency,
        ),
        now,
        move.reference,
    )
    if made:
        if row.decision is not None and not taken:
            _undo_decision(payment, row, move.amount, now)
        _tell_moved(payment, move, now)
    return made


def _post_decision(
    payment: Payment, row: PaymentDispute, decision: DisputeDecision, now: datetime
) -> None:
    """Take what a bank has taken back from where it is owed on; what is not owed there (any more),
    because it was refunded as well, or stays paid, the city bears."""
    owed = service_account(payment.service) if payment.is_fulfilled else HELD
    stays = decision == DisputeDecision.WRITTEN_OFF
    part = 0 if stays else min(row.withdrawn, max(0, -_balance(payment, owed)))
    _post_between(payment, f"dispute-decided:{row.id}", owed, DISPUTED, part, now)
    rest = row.withdrawn - part
    _post_between(payment, f"dispute-borne:{row.id}", WRITTEN_OFF, DISPUTED, rest, now)


def _undo_decision(payment: Payment, row: PaymentDispute, amount: int, now: datetime) -> None:
    """Money of a dispute that was decided on comes back: first what the city bore of it; the rest
    is held, for what it was for does not count as paid any more."""
    borne = min(amount, max(0, _balance(payment, WRITTEN_OFF)))
    _post_between(payment, f"dispute-undone:{row.id}", DISPUTED, WRITTEN_OFF, borne, now)
    rest = amount - borne
    _post_between(payment, f"dispute-held:{row.id}", DISPUTED, HELD, rest, now)


def _balance(payment: Payment, account: str) -> int:
    """An account's debits less its credits by one payment, in the minor unit."""
    entries = entries_of(payment.id)
    return sum(one.amount * ((one.debit == account) - (one.credit == account)) for one in entries)


def _post_between(
    payment: Payment, key: str, debit: str, credit: str, amount: int, now: datetime
) -> None:
    """Post a part of a decision, which may be made and undone more than once."""
    if amount:
        post(
            f"{key}:{len(entries_of(payment.id))}",
            payment.id,
            Transfer(debit=debit, credit=credit, amount=amount, currency=payment.paid_currency),
            now,
        )


def _make_due_again(payment: Payment, now: datetime) -> None:
    if payment.is_fulfilled:
        references = [item.reference for item in items_of(payment.id)]
        payable_of(payment.service).reverse(references, payment.id, now)
        payment.fulfilled_at = None
    release_claims(payment.id)
    title = both(lambda: _("Payment %(number)s needs to be made again", number=payment.number))
    body = both(lambda: _("Your bank took the money back. What you paid for is due again."))
    notify_payer(payment, f"due-again:{payment.id}", title, body, now)


def _hold_or_release(payment: Payment) -> None:
    """Hold a payment while a dispute waits for a bank or for finance, or money is here that counts
    for nothing; else let it be what its money says."""
    rows = disputes_of(payment.id)
    if any(row.is_open for row in rows):
        reason: str | None = HeldReason.DISPUTED
    else:
        undecided = any(row.is_undecided and row.withdrawn for row in rows)
        reason = HeldReason.DISPUTE_LOST if undecided else None
    if reason is not None:
        if payment.is_paid or payment.is_refunded:
            payment.hold(reason)
        elif payment.is_disputed:
            payment.held_reason = reason
    elif payment.is_refunded or (payment.is_held and (payment.is_disputed or _left(payment) <= 0)):
        won = any(row.is_won for row in rows)
        state, payment.held_reason = _after(
            payment, HeldReason.DISPUTE_WON if won else HeldReason.REFUND_RETURNED
        )
        if payment.state != state:
            payment.become(state)


def _after(payment: Payment, reason: str) -> tuple[PaymentState, str | None]:
    """What a payment is once no dispute waits, and why it is held if it is."""
    if payment.is_fulfilled:
        return PaymentState.PAID, None
    return (PaymentState.HELD, reason) if _left(payment) > 0 else (PaymentState.REFUNDED, None)


def _note(payment: Payment, row: PaymentDispute, now: datetime) -> None:
    detail = {"amount": row.amount, "currency": payment.paid_currency, "reason": row.reason}
    record(system("payments"), f"payment.dispute_{row.state}", payment.number, detail, now)


def _tell_moved(payment: Payment, move: DisputeMove, now: datetime) -> None:
    amount = format_money(abs(move.amount), payment.paid_currency)
    if move.amount < 0:
        title = both(lambda: _("Your bank took %(amount)s back", amount=amount))
        body = both(
            lambda: _(
                "Your bank says that this payment is disputed. What you paid for still counts as paid until that is decided. If you did not mean to dispute it, tell your bank. Payment %(number)s.",
                number=payment.number,
            )
        )
    elif not payment.is_fulfilled:
        title = both(lambda: _("The dispute over %(amount)s is settled", amount=amount))
        body = both(
            lambda: _(
                "The city has the money again. Its finance team will record it as paid or refund it. You do not need to do anything. Payment %(number)s.",
                number=payment.number,
            )
        )
    else:
        title = both(lambda: _("The dispute over %(amount)s is settled", amount=amount))
        body = both(lambda: _("Your payment is valid. Payment %(number)s.", number=payment.number))
    notify_payer(payment, f"dispute:{move.reference}", title, body, now)
