"""Finding payments of the current city, and what belongs to them."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Sequence
from typing import Any

from flask_babel import lazy_gettext as _
from sqlalchemy import ColumnElement, Select, and_, bindparam, delete, select

from smartcity_saas.database import CITY, db, insert_once, load, one_or_404, run, table_of
from smartcity_saas.errors import NotFound
from smartcity_saas.identity.residents.accounts import SignedInResident
from smartcity_saas.payments.models import Payment, PaymentClaim, PaymentItem, Refund
from smartcity_saas.payments.payable import Item
from smartcity_saas.payments.providers import Order
from smartcity_saas.payments.states import UNDER_WAY, PaymentState

_payment, _claim = table_of(Payment), table_of(PaymentClaim)
_item, _refund = table_of(PaymentItem), table_of(Refund)
_ONE = select(_payment).where(_payment.c.city_id == CITY, _payment.c.id == bindparam("payment"))
_LOCKED = _ONE.with_for_update()
_PAYER = select(_payment.c.resident_id).where(
    _payment.c.city_id == CITY, _payment.c.id == bindparam("payment")
)
_ITEMS = (
    select(_item)
    .where(_item.c.city_id == CITY, _item.c.payment_id == bindparam("payment"))
    .order_by(_item.c.id)
)
_TO_PAY = (
    select(_item.c.reference, _item.c.title, _item.c.amount, _claim.c.id)
    .join_from(
        _item,
        _claim,
        and_(
            _claim.c.city_id == CITY,
            _claim.c.payment_id == _item.c.payment_id,
            _claim.c.reference == _item.c.reference,
        ),
        isouter=True,
    )
    .where(_item.c.city_id == CITY, _item.c.payment_id == bindparam("payment"))
    .order_by(_item.c.id)
)
"""All claims of a payment are of the one service that it pays for."""
_REFUNDS = (
    select(_refund)
    .where(_refund.c.city_id == CITY, _refund.c.payment_id == bindparam("payment"))
    .order_by(_refund.c.created_at, _refund.c.id)
)
_OF_PAYMENT = _claim.c.city_id == CITY, _claim.c.payment_id == bindparam("payment")
_CLAIMED = select(_claim.c.reference).where(*_OF_PAYMENT)
_RELEASE = delete(_claim).where(*_OF_PAYMENT)
_PROCESSING = (
    select(_claim.c.reference, _claim.c.payment_id)
    .join_from(_claim, _payment, _payment.c.id == _claim.c.payment_id)
    .where(
        _claim.c.city_id == CITY,
        _payment.c.city_id == CITY,
        _claim.c.service == bindparam("service"),
        _claim.c.reference.in_(bindparam("references", expanding=True)),
        _payment.c.state == PaymentState.PROCESSING,
    )
)
_OWN_AMONG = select(_payment.c.id).where(
    _payment.c.city_id == CITY,
    _payment.c.resident_id == bindparam("resident"),
    _payment.c.id.in_(bindparam("payments", expanding=True)),
)


def payment_of(payment_id: uuid.UUID) -> Payment:
    """A payment of this city, as it stands in the database now.

    Raises:
        NotFound: There is none.
    """
    return _one(_ONE, payment_id)


def payer_of(payment_id: uuid.UUID) -> uuid.UUID:
    """Whose payment it is: the resident's key.

    Raises:
        NotFound: There is none.
    """
    payer: uuid.UUID | None = run(_PAYER, {"payment": payment_id}).scalar_one_or_none()
    if payer is None:
        raise NotFound(_("We cannot find that payment."))
    return payer


def locked(payment_id: uuid.UUID) -> Payment:
    """A payment that nobody else changes until this transaction ends.

    Raises:
        NotFound: There is none.
    """
    return _one(_LOCKED, payment_id)


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
    return load(PaymentItem, _ITEMS, {"payment": payment_id})


def items_to_pay(payment_id: uuid.UUID) -> tuple[list[Item], bool]:
    """What a payment is to count as paid, and whether all of it belongs to the payment."""
    rows = run(_TO_PAY, {"payment": payment_id}).all()
    items = [Item(row.reference, row.title, row.amount) for row in rows]
    return items, all(row.id is not None for row in rows)


def refunds_of(payment_id: uuid.UUID) -> list[Refund]:
    """A payment's refunds, in their order."""
    return load(Refund, _REFUNDS, {"payment": payment_id})


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
    if not references:
        return {}
    rows = run(_PROCESSING, {"service": service, "references": references})
    keys = {row.reference: row.payment_id for row in rows}
    if not keys:  # as nearly always
        return {}
    query = select(Payment).where(Payment.id.in_(set(keys.values())))
    found = {payment.id: payment for payment in db.session.scalars(query)}
    return {reference: found[key] for reference, key in keys.items() if key in found}


def own_payments(resident: SignedInResident, among: Collection[uuid.UUID]) -> set[uuid.UUID]:
    """Which of some payments of one service, whose page is shown, a resident made."""
    values = {"resident": resident.id, "payments": list(among)}
    return set(run(_OWN_AMONG, values).scalars())


def claim(payment: Payment, references: Sequence[str]) -> bool:
    """Claim things for a payment; returns whether all of them are its own now."""
    wanted = set(references)
    others = wanted - _claimed(payment.id)
    for reference in sorted(others):
        insert_once(
            PaymentClaim,
            ("service", "reference"),
            service=payment.service,
            reference=reference,
            payment_id=payment.id,
        )
    return not others or wanted <= _claimed(payment.id)


def _claimed(payment_id: uuid.UUID) -> set[str]:
    """What belongs to a payment; all of it is of the one service that it pays for."""
    return set(run(_CLAIMED, {"payment": payment_id}).scalars())


def release_claims(payment_id: uuid.UUID) -> None:
    """Let others pay for what this payment did not."""
    run(_RELEASE, {"payment": payment_id})


def _own(resident: SignedInResident) -> ColumnElement[bool]:
    """Which payments are a resident's, and shown to whoever asks: at the counter of one service
    those of another are not there."""
    mine = Payment.resident_id == resident.id
    if resident.services is None:
        return mine
    return and_(mine, Payment.service.in_(sorted(resident.services)))


def _one(statement: Select[Any], payment_id: uuid.UUID) -> Payment:
    found = load(Payment, statement, {"payment": payment_id})
    if not found:
        raise NotFound(_("We cannot find that payment."))
    return found[0]


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
