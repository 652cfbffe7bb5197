"""The tables of utility bills, all a city's own."""

from __future__ import annotations

import uuid
from datetime import date, datetime
from typing import Any

from flask_babel import lazy_gettext as _
from sqlalchemy import CheckConstraint, ColumnElement, Index, UniqueConstraint, and_
from sqlalchemy.ext.hybrid import hybrid_property
from sqlalchemy.orm import Mapped, mapped_column

from smartcity_saas.database import CityModel, city_foreign_key, city_relationship
from smartcity_saas.errors import IllegalTransition
from smartcity_saas.identity.personal_data.declaration import AMOUNT, NAME, WHEN, PersonalData

BILL_NAMES: dict[str, Any] = {
    "water": _("Water bill"),
    "electricity": _("Electricity bill"),
    "gas": _("Gas bill"),
}
KIND_NAMES: dict[str, Any] = {
    "water": _("Water"),
    "electricity": _("Electricity"),
    "gas": _("Gas"),
}


class UtilityAccount(CityModel):
    """An account at a supplier. ``holder`` and ``address`` are as the supplier sent them;
    ``holder_key`` is the holder as names are compared."""

    __tablename__ = "utility_account"
    personal_data = PersonalData(
        {"zh": "户号", "en": "Utility accounts"},
        {
            "kind": {"zh": "种类", "en": "Kind"},
            "number": {"zh": "户号", "en": "Number"},
            "holder": {"zh": "户名", "en": "Holder"},
            "address": {"zh": "地址", "en": "Address"},
        },
        "keep",
        why={
            "zh": "属于供应单位的户号，不随账户删除；删除后不再与你关联。",
            "en": "The supplier's own; it stays there, and is linked with you no longer.",
        },
        words={
            "kind": {
                "water": {"zh": "水", "en": "Water"},
                "electricity": {"zh": "电", "en": "Electricity"},
                "gas": {"zh": "燃气", "en": "Gas"},
            }
        },
        via="utility_link",
    )
    __table_args__ = (
        UniqueConstraint("city_id", "kind", "number"),
        Index("ix_utility_account_city_id_holder_key", "city_id", "holder_key"),
    )

    kind: Mapped[str]
    number: Mapped[str]
    holder: Mapped[str]
    holder_key: Mapped[str]
    address: Mapped[str]
    sample: Mapped[bool] = mapped_column(default=False)
    updated_at: Mapped[datetime]


class UtilityLink(CityModel):
    """A resident's link to an account, under a name of their own."""

    __tablename__ = "utility_link"
    personal_data = PersonalData(
        {"zh": "绑定的户号", "en": "Linked accounts"},
        {
            "nickname": NAME,
            "account.number": {"zh": "户号", "en": "Number"},
            "created_at": WHEN,
        },
    )
    __table_args__ = (
        city_foreign_key("resident_id", "resident"),
        city_foreign_key("account_id", "utility_account"),
        UniqueConstraint("city_id", "resident_id", "account_id"),
        Index("ix_utility_link_city_id_account_id", "city_id", "account_id"),
    )

    resident_id: Mapped[uuid.UUID]
    account_id: Mapped[uuid.UUID]
    nickname: Mapped[str]
    created_at: Mapped[datetime]
    account: Mapped[UtilityAccount] = city_relationship(
        "UtilityAccount", "account_id", owner="UtilityLink"
    )


class UtilityBill(CityModel):
    """One bill. ``amount`` is in the currency's minor unit, ``usage`` in thousandths of the
    kind's unit (m³ or kWh); ``period`` is the first day of its month. ``payment_id`` is set while
    it is paid by a payment made here."""

    __tablename__ = "utility_bill"
    personal_data = PersonalData(
        {"zh": "账单", "en": "Bills"},
        {
            "period": {"zh": "月份", "en": "Month"},
            "amount": AMOUNT,
            "paid_on": {"zh": "缴费日", "en": "Paid on"},
        },
        "keep",
        why={
            "zh": "属于供应单位的账单，不随账户删除。",
            "en": "The supplier's own bill; it does not leave with the account.",
        },
        alone=frozenset({"currency"}),
    )
    __table_args__ = (
        city_foreign_key("account_id", "utility_account"),
        city_foreign_key("payment_id", "payment"),
        UniqueConstraint("city_id", "account_id", "period"),
        Index("ix_utility_bill_city_id_due_on", "city_id", "due_on"),
        CheckConstraint("amount >= 0", name="amount"),
        CheckConstraint("usage >= 0", name="usage"),
    )

    account_id: Mapped[uuid.UUID]
    period: Mapped[date]
    usage: Mapped[int]
    amount: Mapped[int]
    currency: Mapped[str]
    issued_on: Mapped[date]
    due_on: Mapped[date]
    paid_on: Mapped[date | None]
    payment_id: Mapped[uuid.UUID | None]

    @hybrid_property
    def due(self) -> bool:
        """Whether there is something to pay: neither paid nor of nothing. Works in queries too."""
        return self.paid_on is None and self.amount > 0

    @due.inplace.expression
    @classmethod
    def _due(cls) -> ColumnElement[bool]:
        return is_due(cls)

    @property
    def is_paid(self) -> bool:
        """Whether it is paid, here or elsewhere."""
        return self.paid_on is not None

    @property
    def is_paid_here(self) -> bool:
        """Whether a payment made here pays for it."""
        return self.payment_id is not None

    def mark_paid(self, payment_id: uuid.UUID, today: date) -> None:
        """Count it as paid by a payment.

        Raises:
            IllegalTransition: It is paid.
        """
        if self.is_paid:
            raise IllegalTransition("a bill that is paid cannot be paid again")
        self.paid_on, self.payment_id = today, payment_id

    def mark_unpaid(self) -> None:
        """Take back that a payment paid for it: it is due again."""
        self.paid_on, self.payment_id = None, None

    account: Mapped[UtilityAccount] = city_relationship(
        "UtilityAccount", "account_id", owner="UtilityBill"
    )


def is_due(bill: Any) -> ColumnElement[bool]:
    """Whether there is something to pay, as a condition on a model's or a table's columns."""
    return and_(bill.paid_on.is_(None), bill.amount > 0)
