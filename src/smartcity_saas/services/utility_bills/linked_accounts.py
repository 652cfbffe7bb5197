"""What a resident sees of the accounts that they have linked: read for every page, so in Core."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import date, datetime
from typing import NamedTuple

from flask_babel import lazy_gettext as _
from sqlalchemy import bindparam, or_, select

from smartcity_saas.database import CITY, run, table_of
from smartcity_saas.errors import NotFound
from smartcity_saas.identity.residents.accounts import SignedInResident
from smartcity_saas.services.utility_bills.models import (
    UtilityAccount,
    UtilityBill,
    UtilityLink,
    is_due,
)

_account, _link, _bill = (table_of(one) for one in (UtilityAccount, UtilityLink, UtilityBill))


class LinkedAccount(NamedTuple):
    """A resident's link (``id``, ``nickname``) with the account behind it."""

    id: uuid.UUID
    nickname: str
    account_id: uuid.UUID
    kind: str
    number: str
    sample: bool
    updated_at: datetime


class Bill(NamedTuple):
    """A bill as it is shown; its figures as on ``UtilityBill``."""

    id: uuid.UUID
    account_id: uuid.UUID
    period: date
    usage: int
    amount: int
    currency: str
    issued_on: date
    due_on: date
    paid_on: date | None
    payment_id: uuid.UUID | None

    @property
    def due(self) -> bool:
        """Whether there is something to pay, as ``UtilityBill.due``."""
        return self.paid_on is None and self.amount > 0


_LINKED = (
    select(
        *(_link.c[name] for name in LinkedAccount._fields[:3]),
        *(_account.c[name] for name in LinkedAccount._fields[3:]),
    )
    .join_from(_link, _account, _account.c.id == _link.c.account_id)
    .where(
        _link.c.city_id == CITY,
        _account.c.city_id == CITY,
        _link.c.resident_id == bindparam("resident"),
    )
    .order_by(_link.c.created_at, _link.c.id)
)
_BILLS = select(*(_bill.c[name] for name in Bill._fields)).where(_bill.c.city_id == CITY)
_OF_HOUSEHOLD = (
    _BILLS.join_from(_bill, _link, _link.c.account_id == _bill.c.account_id)
    .where(
        _link.c.city_id == CITY,
        _link.c.resident_id == bindparam("resident"),
        _link.c.nickname == bindparam("nickname"),
        or_(_bill.c.account_id == bindparam("account"), is_due(_bill.c)),
    )
    .order_by(_bill.c.due_on, _bill.c.id)
)
_OF_ACCOUNT = _BILLS.where(_bill.c.account_id == bindparam("account")).order_by(
    _bill.c.period.desc()
)
_DUE = (
    _BILLS.join_from(_bill, _link, _link.c.account_id == _bill.c.account_id)
    .where(
        _link.c.city_id == CITY,
        _link.c.resident_id == bindparam("resident"),
        is_due(_bill.c),
    )
    .order_by(_bill.c.due_on, _bill.c.id)
)


def linked_accounts(resident: SignedInResident) -> list[LinkedAccount]:
    """A resident's links with their accounts, in the order in which they were made."""
    return [LinkedAccount._make(row) for row in run(_LINKED, {"resident": resident.id})]


def linked_account(resident: SignedInResident, link_id: uuid.UUID) -> LinkedAccount:
    """One of them.

    Raises:
        NotFound: It is someone else's, another city's, or nobody's.
    """
    return chosen(linked_accounts(resident), link_id)


def chosen(found: Sequence[LinkedAccount], link_id: uuid.UUID) -> LinkedAccount:
    """One of a resident's links.

    Raises:
        NotFound: It is not among them.
    """
    link = next((one for one in found if one.id == link_id), None)
    if link is None:
        raise NotFound(_("We cannot find that account."))
    return link


def bills_of(account_id: uuid.UUID) -> list[Bill]:
    """Bills of an account, the newest first."""
    return [Bill._make(row) for row in run(_OF_ACCOUNT, {"account": account_id})]


def due_bills(resident: SignedInResident) -> list[Bill]:
    """What is due for the accounts that a resident has linked, the most pressing first."""
    return [Bill._make(row) for row in run(_DUE, {"resident": resident.id})]


def household_bills(
    resident: SignedInResident, link: LinkedAccount
) -> tuple[list[Bill], list[Bill]]:
    """All bills of a link's account, the newest first; and what is due for every account that the
    resident calls by the same name, the most pressing first."""
    values = {"resident": resident.id, "nickname": link.nickname, "account": link.account_id}
    found = [Bill._make(row) for row in run(_OF_HOUSEHOLD, values)]
    own = [bill for bill in found if bill.account_id == link.account_id]
    due = [bill for bill in found if bill.due]
    return sorted(own, key=lambda bill: bill.period, reverse=True), due
