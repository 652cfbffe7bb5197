"""Where bills come from: the city's own tables, or its back office over HTTP.

What residents see always comes from the tables. With ``http`` they hold the last good answer of
the back office, brought up to date when someone looks and it has grown old; what is paid here
is reported back by the outbox. The contract is docs/connectors/utility-bills.yaml.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection, Mapping
from datetime import date, datetime
from typing import Any
from urllib.parse import quote

from marshmallow import ValidationError, fields, validate, validates_schema
from sqlalchemy import select

from smartcity_saas.configuration.city import CatalogEntry
from smartcity_saas.configuration.fields import no_control_characters as clean
from smartcity_saas.connectors import Answer, ask, has_back_office, kept_fresh, tell
from smartcity_saas.database import command, db, insert_once
from smartcity_saas.outbox import enqueue
from smartcity_saas.payments.ledger import turn_of
from smartcity_saas.services.utility_bills.models import UtilityAccount, UtilityBill
from smartcity_saas.services.utility_bills.names import SERVICE
from smartcity_saas.tenancy.here import present_city

PAID = "utility_bills.paid"
REVERSED = "utility_bills.reversed"
MOST_BILLS = 240


class BillAnswer(Answer):
    """One bill as a back office gives it. Amounts in the minor unit, usage in thousandths."""

    period = fields.Date(required=True, format="%Y-%m")
    usage = fields.Integer(required=True, validate=validate.Range(0, 10**9))
    amount = fields.Integer(required=True, validate=validate.Range(0, 10**8))
    issued_on = fields.Date(required=True)
    due_on = fields.Date(required=True)
    paid_on = fields.Date(load_default=None, allow_none=True)


class AccountAnswer(Answer):
    """One account with its bills."""

    holder = fields.String(required=True, validate=[validate.Length(1, 60), clean])
    address = fields.String(required=True, validate=[validate.Length(1, 120), clean])
    bills = fields.List(
        fields.Nested(BillAnswer), required=True, validate=validate.Length(max=MOST_BILLS)
    )

    @validates_schema
    def refuse_a_month_twice(self, data: Mapping[str, Any], **kwargs: Any) -> None:
        """A month has one bill."""
        months = [(bill["period"].year, bill["period"].month) for bill in data.get("bills", ())]
        if len(set(months)) != len(months):
            raise ValidationError({"bills": ["a month stands twice"]})


def find_account(
    entry: CatalogEntry, kind: str, number: str, now: datetime
) -> UtilityAccount | None:
    """The account of a number, asked of the back office where the city has one.

    Raises:
        BackOfficeDown: The back office is asked and does not answer.
    """
    if has_back_office(entry):
        _fetch(entry, kind, number, now)
    return db.session.scalars(
        select(UtilityAccount).where(UtilityAccount.kind == kind, UtilityAccount.number == number)
    ).one_or_none()


def bring_up_to_date(entry: CatalogEntry, account: UtilityAccount, now: datetime) -> bool:
    """Ask the back office again if what is held has grown old; whether it is fresh then."""
    kind, number = account.kind, account.number
    return kept_fresh(entry, account.updated_at, now, lambda: _fetch(entry, kind, number, now))


def report_paid(bill: UtilityBill, now: datetime) -> None:
    """Write the task that tells the back office, in the transaction that marks the bill paid."""
    _report(PAID, bill, now)


def report_reversed(bill: UtilityBill, now: datetime) -> None:
    """Write the task that tells the back office that a payment went back."""
    _report(REVERSED, bill, now)


def _report(kind: str, bill: UtilityBill, now: datetime) -> None:
    """What is paid again after it went back is told again, under a key of its own."""
    if bill.payment_id is not None and has_back_office(present_city().catalog[SERVICE]):
        key = f"{bill.id}:{bill.payment_id}{turn_of(bill.payment_id)}"
        payload = {"bill": str(bill.id), "payment": str(bill.payment_id), "key": key}
        enqueue(kind, payload, now, key=key)


def send_reversed(payload: Mapping[str, Any], now: datetime) -> None:
    """The task: tell the back office that what it was told of a payment holds no longer; not if
    the same payment counts again by now, which has a report of its own."""
    query = select(UtilityBill.payment_id).where(UtilityBill.id == uuid.UUID(payload["bill"]))
    if str(db.session.scalars(query).one_or_none()) == payload["payment"]:
        return
    key = payload.get("key") or f"{payload['bill']}:{payload['payment']}"
    tell(SERVICE, "/reversals", {"payment": payload["payment"]}, f"reversed:{key}")


def send_paid(payload: Mapping[str, Any], now: datetime) -> None:
    """The task: tell the back office that a bill was paid, by the payment's key."""
    row = db.session.execute(
        select(UtilityBill, UtilityAccount)
        .join(UtilityAccount, UtilityAccount.id == UtilityBill.account_id)
        .where(UtilityBill.id == uuid.UUID(payload["bill"]))
    ).one_or_none()
    if row is None or row[0].payment_id is None:
        return
    bill, account = row
    body = {
        "kind": account.kind,
        "number": account.number,
        "period": f"{bill.period:%Y-%m}",
        "amount": bill.amount,
        "currency": bill.currency,
        "paid_on": str(bill.paid_on),
        "payment": str(bill.payment_id),
    }
    tell(SERVICE, "/payments", body, payload.get("key") or f"{bill.id}:{bill.payment_id}")


def _fetch(entry: CatalogEntry, kind: str, number: str, now: datetime) -> None:
    found = ask(entry, f"/accounts/{kind}/{quote(number, safe='')}", AccountAnswer())
    if found is not None:
        with command():
            _store(kind, number, found, now)


def _store(kind: str, number: str, found: Mapping[str, Any], now: datetime) -> None:
    insert_once(
        UtilityAccount,
        ("kind", "number"),
        kind=kind,
        number=number,
        holder=found["holder"],
        address=found["address"],
        updated_at=now,
    )
    account = db.session.scalars(
        select(UtilityAccount)
        .where(UtilityAccount.kind == kind, UtilityAccount.number == number)
        .with_for_update()
    ).one()
    account.holder, account.address, account.updated_at = found["holder"], found["address"], now
    db.session.flush()
    held = locked_bills([account.id])
    for values in found["bills"]:
        period = values["period"].replace(day=1)
        store_bill(held.get((account.id, period)), account.id, {**values, "period": period})


def locked_bills(account_ids: Collection[uuid.UUID]) -> dict[tuple[uuid.UUID, date], UtilityBill]:
    """The bills of some accounts by account and month, held in the order in which a payment
    holds them, so that neither a stale one is written nor two writers wait for each other."""
    query = (
        select(UtilityBill)
        .where(UtilityBill.account_id.in_(list(account_ids)))
        .order_by(UtilityBill.due_on, UtilityBill.id)
        .with_for_update()
    )
    return {(bill.account_id, bill.period): bill for bill in db.session.scalars(query)}


def store_bill(
    bill: UtilityBill | None, account_id: uuid.UUID, values: Mapping[str, Any]
) -> UtilityBill:
    """Write a bill as its supplier gives it. What was paid here stays paid, for what was paid,
    even while the supplier does not know it yet."""
    if bill is None:
        bill = UtilityBill(
            account_id=account_id,
            period=values["period"],
            currency=values.get("currency") or present_city().currency,
        )
        db.session.add(bill)
    bill.usage, bill.issued_on, bill.due_on = values["usage"], values["issued_on"], values["due_on"]
    if bill.payment_id is None:
        bill.amount, bill.paid_on = values["amount"], values["paid_on"]
    return bill
