"""Payments on which a provider may still have something to say."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import func, or_, select

from smartcity_saas.database import db
from smartcity_saas.payments.models import Payment, PaymentDispute, Refund
from smartcity_saas.payments.states import UNDER_WAY, DisputeState, PaymentState, RefundState
from smartcity_saas.tenancy.context import tenant_context

DISPUTABLE = timedelta(days=180)
"""How long after a payment its money may be asked back: 120 days at most banks, longer at some."""


def open_money(document_id: int, provider: str, now: datetime) -> int:
    """How many of a city's payments at a provider are under way, held, being refunded or disputed,
    or came within the last 180 days."""
    since = now - DISPUTABLE
    refunding = select(Refund.payment_id).where(
        Refund.state.in_((RefundState.REQUESTED, RefundState.PENDING))
    )
    disputed = select(PaymentDispute.payment_id).where(PaymentDispute.state == DisputeState.OPEN)
    waiting = or_(
        Payment.state.in_((*UNDER_WAY, PaymentState.HELD)),
        Payment.paid_at > since,
        Payment.id.in_(refunding),
        Payment.id.in_(disputed),
    )
    query = select(func.count()).select_from(Payment).where(Payment.provider == provider, waiting)
    with tenant_context(document_id):
        return db.session.scalar(query) or 0
