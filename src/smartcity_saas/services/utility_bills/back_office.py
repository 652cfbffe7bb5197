"""Where bills come from: the city's own tables, or its back office over HTTP.

What residents see always comes from the tables. With ``http`` they hold the last good answer of
the back office, brought up to date when someone looks and it has grown old; what is paid here
is reported back by the outbox. The contract is docs/connectors/utility-bills.yaml.
"""

from __future__ import annotations

import re
import unicodedata
import uuid
from collections.abc import Collection, Mapping
from datetime import date, datetime
from typing import Any
from urllib.parse import quote

from flask_babel import lazy_gettext as _
from marshmallow import ValidationError, fields, validate, validates_schema
from sqlalchemy import select

from smartcity_saas.configuration.city import CatalogEntry
from smartcity_saas.configuration.fields import no_control_characters as clean
from smartcity_saas.connectors import Answer, ask, has_back_office, refresh_if_stale, send_event
from smartcity_saas.connectors.response_fields import NearDay, PastDay, PastMonth
from smartcity_saas.database import db, insert_once, transaction
from smartcity_saas.logs import get_logger
from smartcity_saas.notifications import notify as tell_resident
from smartcity_saas.outbox import enqueue
from smartcity_saas.payments.ledger import turn_of
from smartcity_saas.services.utility_bills.linked_accounts import LinkedAccount
from smartcity_saas.services.utility_bills.models import UtilityAccount, UtilityBill, UtilityLink
from smartcity_saas.services.utility_bills.names import ROOT, SERVICE
from smartcity_saas.tenancy.current import current_city
from smartcity_saas.web.api import Whole
from smartcity_saas.web.languages import both
from smartcity_saas.web.money import LARGEST_AMOUNT
from smartcity_saas.web.name_folding import folded_name

PAID = "utility_bills.paid"
REVERSED = "utility_bills.reversed"
MOST_BILLS = 240

log = get_logger(__name__)


class BillAnswer(Answer):
    """One bill as a back office gives it. Amounts in the minor unit, usage in thousandths."""

    period = PastMonth(required=True)
    usage = Whole(required=True, validate=validate.Range(0, 10**9))
    amount = Whole(required=True, validate=validate.Range(0, LARGEST_AMOUNT))
    issued_on = PastDay(required=True)
    due_on = NearDay(required=True)
    paid_on = PastDay(may_be_empty=True)


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
        months = [bill["period"] for bill in data.get("bills", ())]
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


def bring_up_to_date(entry: CatalogEntry, account: LinkedAccount, now: datetime) -> bool:
    """Ask the back office again if what is held has grown old; whether it is fresh then."""
    kind, number = account.kind, account.number
    return refresh_if_stale(
        entry, account.updated_at, now, lambda: _fetch(entry, kind, number, now)
    )


def report_paid(bill: UtilityBill, now: datetime) -> None:
    """Write the task that tells the back office, in the transaction that marks the bill paid."""
    _report(PAID, bill, now)


def report_reversed(bill: UtilityBill, now: datetime) -> None:
    """Write the task that tells the back office that a payment went back."""
    _report(REVERSED, bill, now)


def _report(kind: str, bill: UtilityBill, now: datetime) -> None:
    """What is paid again after it went back is told again, under a key of its own."""
    if bill.payment_id is not None and has_back_office(current_city().catalog[SERVICE]):
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
    send_event(SERVICE, "/reversals", {"payment": payload["payment"]}, f"reversed:{key}")


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
    send_event(SERVICE, "/payments", body, payload.get("key") or f"{bill.id}:{bill.payment_id}")


def _fetch(entry: CatalogEntry, kind: str, number: str, now: datetime) -> None:
    found = ask(entry, f"/accounts/{kind}/{quote(number, safe='')}", AccountAnswer())
    if found is not None:
        with transaction():
            _store(kind, number, found, now)


def _store(kind: str, number: str, found: Mapping[str, Any], now: datetime) -> None:
    insert_once(
        UtilityAccount,
        ("kind", "number"),
        kind=kind,
        number=number,
        holder=found["holder"],
        holder_key=folded_name(found["holder"]),
        address=found["address"],
        updated_at=now,
    )
    account = db.session.scalars(
        select(UtilityAccount)
        .where(UtilityAccount.kind == kind, UtilityAccount.number == number)
        .with_for_update()
    ).one()
    store_account(account, found["holder"], found["address"], now)
    db.session.flush()
    held = locked_bills([account.id])
    for values in found["bills"]:
        store_bill(held.get((account.id, values["period"])), account.id, values)


def store_account(account: UtilityAccount, holder: str, address: str, now: datetime) -> bool:
    """Write an account as its supplier gives it. Where the holder is another one, however the names
    are padded, the links end: whoever made them knew the name of the holder before.

    Returns:
        Whether it is another holder.
    """
    key = folded_name(holder)
    changed = account.id is not None and account.holder_key != key
    account.holder, account.holder_key, account.address = holder, key, address
    account.updated_at = now
    if changed:
        _end_links(account, now)
    return changed


def _end_links(account: UtilityAccount, now: datetime) -> None:
    """End the links of an account, and tell those who had made them."""
    query = select(UtilityLink).where(UtilityLink.account_id == account.id)
    for link in db.session.scalars(query).all():
        _tell_ended(link, now)
        db.session.delete(link)


def _tell_ended(link: UtilityLink, now: datetime) -> None:
    tell_resident(
        link.resident_id,
        f"holder-changed:{link.id}",
        both(lambda: _("An account is no longer linked")),
        both(
            lambda: _(
                "“%(name)s” has a new holder. Link it again with the name on the bill.",
                name=link.nickname,
            )
        ),
        f"{ROOT}/link",
        now,
    )


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
    """Write a bill as its supplier gives it: without ``paid_on`` in ``values`` that stays as it is.
    What was paid here stays paid, for what was paid, even while the supplier does not know it
    yet. An amount is in the city's present currency, whatever the bill's was before."""
    currency = current_city().currency
    if bill is None:
        bill = UtilityBill(account_id=account_id, period=values["period"])
        db.session.add(bill)
    bill.usage, bill.issued_on, bill.due_on = values["usage"], values["issued_on"], values["due_on"]
    if bill.payment_id is None:
        bill.amount, bill.currency = values["amount"], currency
        bill.paid_on = values.get("paid_on", bill.paid_on)
    elif (bill.amount, bill.currency) != (values["amount"], currency):
        log.warning("paid_bill_differs", bill=str(bill.id))
    return bill


def number_of(text: str) -> str:
    """An account's number from what was typed: full-width digits, blanks and hyphens are usual."""
    return re.sub(r"[\s-]", "", unicodedata.normalize("NFKC", text))
