"""Bills as something to pay: what is owed, marking it paid, taking that back."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any

from flask_babel import lazy_gettext as _
from flask_babel import lazy_ngettext
from sqlalchemy import Select, bindparam, select

from smartcity_saas.catalog.events import ServiceEvent, publish_event, withdraw_event
from smartcity_saas.clock import today_in
from smartcity_saas.database import CITY, load, table_of, write_changes
from smartcity_saas.errors import Conflict, NotFound
from smartcity_saas.identity.residents.accounts import SignedInResident
from smartcity_saas.payments.payable import Item, NotPayable, Payable, Quote
from smartcity_saas.payments.repository import payer_of
from smartcity_saas.services.utility_bills.back_office import report_paid, report_reversed
from smartcity_saas.services.utility_bills.linked_accounts import LinkedAccount, linked_accounts
from smartcity_saas.services.utility_bills.models import BILL_NAMES, UtilityBill
from smartcity_saas.services.utility_bills.names import PAID_IN_TIME, ROOT
from smartcity_saas.tenancy.current import current_city
from smartcity_saas.web.formats import month_of_year
from smartcity_saas.web.languages import both


def quote(resident: SignedInResident, references: Sequence[str], now: datetime) -> Quote:
    """What a resident would pay for some bills of linked accounts.

    Raises:
        NotFound: One is no bill that the resident sees, or none is named.
        Conflict: One is paid or of nothing, or they are in several currencies.
    """
    accounts = {one.account_id: one for one in linked_accounts(resident)}
    bills = _bills(references)
    if not bills or len(bills) != len(set(references)):
        raise NotFound(_("Choose bills from this list."))
    if any(bill.account_id not in accounts for bill in bills):
        raise NotFound(_("Choose bills from this list."))
    if any(bill.is_paid for bill in bills):
        raise Conflict(_("One of these bills is already paid. Check the list again."))
    if not all(bill.due for bill in bills):
        raise Conflict(
            _("One of these bills is for 0, so there is nothing to pay. Check the list again.")
        )
    if len({bill.currency for bill in bills}) != 1:
        raise Conflict(_("You cannot pay these bills together. Pay them one by one."))
    return Quote(
        title=both(lambda: _title(bills, accounts)),
        items=tuple(
            Item(str(bill.id), both(lambda b=bill: _name(b, accounts)), bill.amount)  # type: ignore[misc]
            for bill in bills
        ),
        currency=bills[0].currency,
        back=f"{ROOT}/accounts/{accounts[bills[0].account_id].id}",
    )


def fulfil(items: Sequence[Item], currency: str, payment_id: uuid.UUID, now: datetime) -> None:
    """Mark bills as paid by a payment.

    Raises:
        NotPayable: One is gone, was paid elsewhere, or costs another amount by now.
    """
    amounts = {item.reference: item.amount for item in items}
    bills = _bills([*amounts], lock=True)
    if len(bills) != len(amounts):
        raise NotPayable("gone")
    if any(bill.is_paid for bill in bills):
        raise NotPayable("paid")
    if any((b.amount, b.currency) != (amounts[str(b.id)], currency) for b in bills):
        raise NotPayable("changed")
    today = today_in(current_city().timezone, now)
    payer = payer_of(payment_id)
    for bill in bills:
        bill.mark_paid(payment_id, today)
        write_changes(bill)
        report_paid(bill, now)
        in_time = today <= bill.due_on
        publish_event(ServiceEvent(PAID_IN_TIME, str(bill.id), payer, today, in_time, now))


def reverse(references: Sequence[str], payment_id: uuid.UUID, now: datetime) -> None:
    """Bills of a payment that went back whole are due again."""
    for bill in _bills(references, lock=True):
        if bill.payment_id == payment_id:
            report_reversed(bill, now)
            bill.mark_unpaid()
            withdraw_event(PAID_IN_TIME, str(bill.id))


_bill = table_of(UtilityBill)
payable = Payable(quote, fulfil, reverse)


def _bills(references: Sequence[str], *, lock: bool = False) -> list[UtilityBill]:
    try:
        keys = [uuid.UUID(reference) for reference in references]
    except ValueError:
        return []
    if not keys:
        return []
    values = {f"bill_{place}": key for place, key in enumerate(keys)}
    return load(UtilityBill, _among(len(keys), lock=lock), values)


@lru_cache(maxsize=64)
def _among(number: int, *, lock: bool) -> Select[Any]:
    """Bills by so many keys, in the order in which whoever needs several holds them."""
    keys = [bindparam(f"bill_{place}", type_=_bill.c.id.type) for place in range(number)]
    query = select(_bill).where(_bill.c.city_id == CITY, _bill.c.id.in_(keys))
    query = query.order_by(_bill.c.due_on, _bill.c.id)
    return query.with_for_update() if lock else query


def _name(bill: UtilityBill, accounts: dict[uuid.UUID, LinkedAccount]) -> str:
    name = BILL_NAMES[accounts[bill.account_id].kind]
    return f"{name} {month_of_year(bill.period)}"


def _title(bills: Sequence[UtilityBill], accounts: dict[uuid.UUID, LinkedAccount]) -> Any:
    if len(bills) == 1:
        return _name(bills[0], accounts)
    return lazy_ngettext("%(num)s utility bill", "%(num)s utility bills", len(bills))
