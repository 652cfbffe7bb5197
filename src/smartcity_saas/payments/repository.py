"""Finding payments of the current city, and what belongs to them."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any

from flask_babel import lazy_gettext as _
from sqlalchemy import ColumnElement, Select, and_, delete, select

from smartcity_saas.database import db, insert_once, one_or_404
from smartcity_saas.identity.residents.accounts import SignedInResident
from smartcity_saas.payments.models import Payment, PaymentClaim, PaymentItem, Refund
from smartcity_saas.payments.providers import Order
from smartcity_saas.payments.states import UNDER_WAY, PaymentState


def payment_of(payment_id: uuid.UUID) -> Payment:
    """A payment of this city, as it stands in the database now.

    Raises:
        NotFound: There is none.
    """
    return _found(select(Payment).where(Payment.id == payment_id))


def locked(payment_id: uuid.UUID) -> Payment:
    """A payment that nobody else changes until this transaction ends.

    Raises:
        NotFound: There is none.
    """
    return _found(select(Payment).where(Payment.id == payment_id).with_for_update())


def own_payment(resident: SignedInResident, payment_id: uuid.UUID) -> Payment:
    """A payment of a resident's own.

    Raises:
        NotFound: It is someone else's, another city's, another desk's, or none.
    """
    return _found(select(Payment).where(Payment.id == payment_id, _own(resident)))


def payments_of_resident(resident: SignedInResident, limit: int = 100) -> list[Payment]:
    """A resident's payments, the newest first."""
    query = select(Payment).where(_own(resident))
    return list(db.session.scalars(query.order_by(Payment.created_at.desc()).limit(limit)))


def items_of(payment_id: uuid.UUID) -> list[PaymentItem]:
    """What a payment is for."""
    query = select(PaymentItem).where(PaymentItem.payment_id == payment_id)
    return list(db.session.scalars(query.order_by(PaymentItem.id)))


def refunds_of(payment_id: uuid.UUID) -> list[Refund]:
    """A payment's refunds, in their order."""
    query = select(Refund).where(Refund.payment_id == payment_id)
    return list(db.session.scalars(query.order_by(Refund.created_at, Refund.id)))


def order_of(payment: Payment) -> Order:
    """What the provider is asked, the same whenever it is asked again."""
    return Order(
        id=payment.id,
        number=payment.number,
        items=tuple((i.title[payment.language], i.amount) for i in items_of(payment.id)),
        currency=payment.currency,
        language=payment.language,
        return_url=f"{payment.site}{payment.path}?from=provider",
        expires_at=payment.expires_at,
    )


def claimants(service: str, references: Sequence[str]) -> list[Payment]:
    """The payments that some things belong to."""
    claims = select(PaymentClaim.payment_id).where(
        PaymentClaim.service == service, PaymentClaim.reference.in_(references)
    )
    keys = set(db.session.scalars(claims))
    query = select(Payment).where(Payment.id.in_(keys)).order_by(Payment.id)
    return list(db.session.scalars(query.execution_options(populate_existing=True)))


def on_their_way(service: str, references: Sequence[str]) -> dict[str, Payment]:
    """Which of some things have been paid with money that has yet to come, and by what payment."""
    rows = db.session.execute(
        select(PaymentClaim.reference, Payment)
        .join(Payment, Payment.id == PaymentClaim.payment_id)
        .where(
            PaymentClaim.service == service,
            PaymentClaim.reference.in_(references),
            Payment.state == PaymentState.PROCESSING,
        )
    )
    return {reference: payment for reference, payment in rows}  # noqa: C416 -- rows to mypy


def claim(payment: Payment, references: Sequence[str]) -> bool:
    """Claim things for a payment; returns whether all of them are its own now."""
    for reference in sorted(references):
        insert_once(
            PaymentClaim,
            ("service", "reference"),
            service=payment.service,
            reference=reference,
            payment_id=payment.id,
        )
    held = db.session.scalars(
        select(PaymentClaim.payment_id).where(
            PaymentClaim.service == payment.service, PaymentClaim.reference.in_(references)
        )
    )
    return set(held) == {payment.id}


def release_claims(payment_id: uuid.UUID) -> None:
    """Let others pay for what this payment did not."""
    db.session.execute(delete(PaymentClaim).where(PaymentClaim.payment_id == payment_id))


def _own(resident: SignedInResident) -> ColumnElement[bool]:
    """Which payments are a resident's, and shown to whoever asks: at the counter of one service
    those of another are not there."""
    mine = Payment.resident_id == resident.id
    if resident.services is None:
        return mine
    return and_(mine, Payment.service.in_(sorted(resident.services)))


def _found(query: Select[Payment]) -> Payment:
    statement = query.execution_options(populate_existing=True)
    return one_or_404(statement, _("We cannot find that payment."))


def unfinished(resident: SignedInResident) -> list[tuple[Any, str]]:
    """Payments of a resident's that are under way or held: a text and a path each."""
    query = select(Payment).where(
        _own(resident), Payment.state.in_((*UNDER_WAY, PaymentState.HELD))
    )
    return [
        (_("Payment %(number)s is not settled yet.", number=one.number), one.path)
        for one in db.session.scalars(query)
    ]
