"""The table of fees that are paid here: ahead of the visit, or after it.

A fee that is paid at the hospital, as most are, has no row.
"""

from __future__ import annotations

import uuid
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from flask_babel import lazy_gettext as _
from sqlalchemy import BigInteger, CheckConstraint, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from smartcity_saas.database import CityModel, StoredEnum, city_foreign_key, city_relationship
from smartcity_saas.errors import IllegalTransition
from smartcity_saas.identity.personal_data.declaration import (
    ACCOUNTING,
    AMOUNT,
    STATE,
    PersonalData,
)
from smartcity_saas.services.hospital_appointments.models import Appointment
from smartcity_saas.services.hospital_appointments.names import AFTER, AHEAD, AT_HOSPITAL


class PayWhen(StrEnum):
    """When the fee of an appointment is paid, agreed when it is booked."""

    AT_HOSPITAL = AT_HOSPITAL
    """At the hospital, on the day."""
    AHEAD = AHEAD
    """Here, within minutes of booking; a place that is not paid for is given back."""
    AFTER = AFTER
    """Here, within days of the visit: a benefit that a resident holds."""


class FeeState(StrEnum):
    """What became of a fee."""

    OPEN = "open"
    """Not paid: ahead while the place is held for it, after until somebody has come."""
    DUE = "due"
    """After the visit: to be paid by ``due_on``."""
    PAID = "paid"
    AT_HOSPITAL = "at_hospital"
    """The hospital takes it, or has taken it."""
    VOID = "void"
    """Nothing is owed: given back, called off or nobody came. What was paid goes back."""


UNPAID = frozenset({FeeState.OPEN, FeeState.DUE})
"""States in which something is yet to be paid here."""

FEE_STATES: dict[str, Any] = {
    FeeState.OPEN: _("Not paid yet"),
    FeeState.DUE: _("Due"),
    FeeState.PAID: _("Paid"),
    FeeState.AT_HOSPITAL: _("Paid at the hospital"),
    FeeState.VOID: _("Nothing to pay"),
}


class AppointmentFee(CityModel):
    """The fee of an appointment that is paid ahead or after, as it was agreed.

    ``amount`` is in the minor unit of ``currency``. Ahead, the place is held until ``hold_until``;
    after, it is due on ``due_on``, ``pay_days`` after the visit. ``payment_id`` is the payment that
    paid for it, also once its money goes back; ``returned_at`` is when that was asked for.
    """

    __tablename__ = "appointment_fee"
    personal_data = PersonalData(
        {"zh": "挂号费", "en": "Consultation fees"},
        {
            "amount": AMOUNT,
            "state": STATE,
            "due_on": {"zh": "缴费期限", "en": "Due by"},
            "paid_on": {"zh": "缴费日", "en": "Paid on"},
        },
        "keep",
        why=ACCOUNTING,
        words={
            "state": {
                "open": {"zh": "待缴", "en": "Not paid yet"},
                "due": {"zh": "待缴", "en": "Due"},
                "paid": {"zh": "已缴", "en": "Paid"},
                "at_hospital": {"zh": "在医院缴", "en": "Paid at the hospital"},
                "void": {"zh": "不用缴", "en": "Nothing to pay"},
            }
        },
        alone=frozenset({"currency", "amount", "pays", "state"}),
    )
    __table_args__ = (
        city_foreign_key("appointment_id", "appointment"),
        city_foreign_key("resident_id", "resident"),
        city_foreign_key("payment_id", "payment"),
        UniqueConstraint("city_id", "appointment_id"),
        Index("ix_appointment_fee_city_id_resident_id", "city_id", "resident_id"),
        Index("ix_appointment_fee_city_id_state_due_on", "city_id", "state", "due_on"),
        CheckConstraint("amount > 0", name="amount"),
        CheckConstraint("pays IN ('ahead', 'after')", name="pays"),
    )

    appointment_id: Mapped[uuid.UUID]
    resident_id: Mapped[uuid.UUID]
    pays: Mapped[PayWhen] = mapped_column(StoredEnum(PayWhen))
    amount: Mapped[int] = mapped_column(BigInteger)
    currency: Mapped[str]
    state: Mapped[FeeState] = mapped_column(StoredEnum(FeeState))
    hold_until: Mapped[datetime | None]
    pay_days: Mapped[int | None]
    due_on: Mapped[date | None]
    payment_id: Mapped[uuid.UUID | None]
    paid_on: Mapped[date | None]
    returned_at: Mapped[datetime | None]
    appointment: Mapped[Appointment] = city_relationship(
        "Appointment", "appointment_id", owner="AppointmentFee"
    )

    @property
    def is_ahead(self) -> bool:
        """Whether it is paid before the visit."""
        return self.pays == PayWhen.AHEAD

    @property
    def is_after(self) -> bool:
        """Whether it is paid after the visit."""
        return self.pays == PayWhen.AFTER

    @property
    def is_unpaid(self) -> bool:
        """Whether something is yet to be paid here, now or after the visit."""
        return self.state in UNPAID

    @property
    def is_due(self) -> bool:
        """Whether it is to be paid because somebody has come."""
        return self.state == FeeState.DUE

    @property
    def is_paid(self) -> bool:
        """Whether a payment pays for it."""
        return self.state == FeeState.PAID

    @property
    def is_at_hospital(self) -> bool:
        """Whether the hospital takes it, or has taken it."""
        return self.state == FeeState.AT_HOSPITAL

    @property
    def is_void(self) -> bool:
        """Whether nothing is owed."""
        return self.state == FeeState.VOID

    @property
    def is_going_back(self) -> bool:
        """Whether it was paid and nothing is owed, so that the money goes back."""
        return self.is_void and self.payment_id is not None

    @property
    def is_holding(self) -> bool:
        """Whether a place is kept only because it may still be paid for."""
        return self.is_ahead and self.state == FeeState.OPEN

    def is_payable(self, now: datetime) -> bool:
        """Whether it can be paid here now."""
        if self.is_holding:
            return self.hold_until is not None and now < self.hold_until
        return self.is_due

    def is_overdue(self, today: date) -> bool:
        """Whether it was to be paid before today."""
        return self.is_due and self.due_on is not None and self.due_on < today

    def become_due(self, due_on: date) -> None:
        """Note that somebody has come, so that it is to be paid by a day.

        Raises:
            IllegalTransition: It is not paid after the visit, or was paid.
        """
        self._refuse(not self.is_after or self.state in (FeeState.PAID, FeeState.AT_HOSPITAL))
        self.state, self.due_on = FeeState.DUE, due_on
        self.payment_id = self.paid_on = self.returned_at = None

    def keep_payment(self) -> bool:
        """Count a payment again whose money was to go back and has not been sent; returns whether
        there is one."""
        if not self.is_going_back or self.returned_at is not None:
            return False
        self.state = FeeState.PAID
        return True

    def reopen(self) -> None:
        """Take back that somebody has come, or that nobody did.

        Raises:
            IllegalTransition: It is not paid after the visit, or was paid.
        """
        self._refuse(not self.is_after or self.state in (FeeState.PAID, FeeState.AT_HOSPITAL))
        self.state, self.due_on = FeeState.OPEN, None

    def mark_paid(self, payment_id: uuid.UUID, today: date) -> None:
        """Count it as paid by a payment; what comes for one that is void goes back from there.

        Raises:
            IllegalTransition: It was paid already.
        """
        self._refuse(not self.is_unpaid and (not self.is_void or self.payment_id is not None))
        self.payment_id, self.paid_on = payment_id, today
        if not self.is_void:
            self.state = FeeState.PAID

    def mark_unpaid(self, due_on: date) -> None:
        """Take back that a payment paid for it: it is due again, by a day.

        Raises:
            IllegalTransition: No payment pays for it, or it is not one of after the visit.
        """
        self._refuse(not self.is_paid or not self.is_after)
        self.state, self.due_on = FeeState.DUE, due_on
        self.payment_id = self.paid_on = None

    def leave_to_hospital(self, today: date | None) -> None:
        """Let the hospital take it; ``today`` where it has.

        Raises:
            IllegalTransition: Nothing is owed.
        """
        self._refuse(self.is_void)
        self.state, self.paid_on, self.payment_id = FeeState.AT_HOSPITAL, today, None

    def void(self) -> None:
        """Let nothing be owed."""
        self.state, self.due_on = FeeState.VOID, None

    def _refuse(self, wrong: bool) -> None:
        if wrong:
            raise IllegalTransition(f"a fee ({self.pays}) that is {self.state} cannot become that")
