"""The tables of traffic tickets, all a city's own."""

from __future__ import annotations

import uuid
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from flask_babel import lazy_gettext as _
from sqlalchemy import (
    CheckConstraint,
    ColumnElement,
    Index,
    UniqueConstraint,
    and_,
    func,
)
from sqlalchemy.ext.hybrid import hybrid_property
from sqlalchemy.orm import Mapped, mapped_column

from smartcity_saas.database import CityModel, StoredEnum, city_foreign_key, city_relationship
from smartcity_saas.errors import IllegalTransition
from smartcity_saas.identity.personal_data.declaration import AMOUNT, STATE, WHEN, PersonalData
from smartcity_saas.tenancy.storage import StoredFile


class TicketStatus(StrEnum):
    """What is to be done about a ticket."""

    OPEN = "open"
    PAID = "paid"
    DISPUTED = "disputed"
    REVOKED = "revoked"


class TicketDisputeState(StrEnum):
    """What became of a dispute."""

    ASKED = "asked"
    """It waits for an answer."""
    KEPT = "kept"
    "The ticket is upheld."
    WON = "revoked"
    "The ticket is cancelled."


STATUSES = tuple(TicketStatus)
STATUS_NAMES: dict[str, Any] = {
    TicketStatus.OPEN: _("Due"),
    TicketStatus.PAID: _("Paid"),
    TicketStatus.DISPUTED: _("Disputed"),
    TicketStatus.REVOKED: _("Ticket cancelled"),
}
WARNING = "warning"
"""How an open ticket without a fine is shown: there is nothing to pay."""
SHOWN_NAMES: dict[str, Any] = {**STATUS_NAMES, WARNING: _("Warning only, nothing to pay")}
_AUTHORITY = {
    "zh": "属于交管部门的登记，不随账户删除；删除后不再与你关联。",
    "en": "The authority's own; it stays there, and is linked with you no longer.",
}


class TrafficVehicle(CityModel):
    """A vehicle by its plate (GA 36), with what its owner proves knowing: the last six
    characters of its VIN or engine number."""

    __tablename__ = "traffic_vehicle"
    personal_data = PersonalData(
        {"zh": "车辆", "en": "Vehicles"},
        {"plate": {"zh": "号牌", "en": "Plate"}},
        "keep",
        why=_AUTHORITY,
        via="vehicle_link",
    )
    __table_args__ = (UniqueConstraint("city_id", "plate"),)

    plate: Mapped[str]
    vin_tail: Mapped[str]
    engine_tail: Mapped[str]
    sample: Mapped[bool] = mapped_column(default=False)
    updated_at: Mapped[datetime]


class TrafficLicence(CityModel):
    """A driving licence. Its number, a personal one, is kept as a keyed index and its end."""

    __tablename__ = "traffic_licence"
    personal_data = PersonalData(
        {"zh": "驾驶证", "en": "Driving licence"},
        {
            "number_end": {"zh": "证号末位", "en": "Ends in"},
            "first_issued_on": {"zh": "初次领证", "en": "First issued"},
        },
        "keep",
        why=_AUTHORITY,
        via="licence_link",
    )
    __table_args__ = (UniqueConstraint("city_id", "number_index"),)

    number_index: Mapped[str]
    number_end: Mapped[str]
    file_tail: Mapped[str]
    first_issued_on: Mapped[date]
    sample: Mapped[bool] = mapped_column(default=False)
    updated_at: Mapped[datetime]


class VehicleLink(CityModel):
    """A resident's vehicle."""

    __tablename__ = "vehicle_link"
    personal_data = PersonalData(
        {"zh": "绑定的车辆", "en": "Linked vehicles"},
        {"vehicle.plate": {"zh": "号牌", "en": "Plate"}, "created_at": WHEN},
    )
    __table_args__ = (
        city_foreign_key("resident_id", "resident"),
        city_foreign_key("vehicle_id", "traffic_vehicle"),
        UniqueConstraint("city_id", "resident_id", "vehicle_id"),
    )

    resident_id: Mapped[uuid.UUID]
    vehicle_id: Mapped[uuid.UUID]
    created_at: Mapped[datetime]
    vehicle: Mapped[TrafficVehicle] = city_relationship(
        "TrafficVehicle", "vehicle_id", owner="VehicleLink"
    )


class LicenceLink(CityModel):
    """A resident's own driving licence."""

    __tablename__ = "licence_link"
    personal_data = PersonalData(
        {"zh": "绑定的驾驶证", "en": "Linked licence"},
        {"licence.number_end": {"zh": "证号末位", "en": "Ends in"}, "created_at": WHEN},
    )
    __table_args__ = (
        city_foreign_key("resident_id", "resident"),
        city_foreign_key("licence_id", "traffic_licence"),
        UniqueConstraint("city_id", "resident_id"),
    )

    resident_id: Mapped[uuid.UUID]
    licence_id: Mapped[uuid.UUID]
    created_at: Mapped[datetime]
    licence: Mapped[TrafficLicence] = city_relationship(
        "TrafficLicence", "licence_id", owner="LicenceLink"
    )


class Violation(CityModel):
    """One violation. ``act_code`` is of GA/T 16.31; ``fine`` in the currency's minor unit;
    ``licence_id`` is whose points they are, once that is known;
    ``licence_by_payment`` while only a payment here says so."""

    __tablename__ = "violation"
    personal_data = PersonalData(
        {"zh": "违法记录", "en": "Tickets"},
        {
            "number": {"zh": "编号", "en": "Number"},
            "fine": AMOUNT,
            "paid_on": {"zh": "缴款日", "en": "Paid on"},
        },
        "keep",
        why={
            "zh": "属于交管部门的处罚记录，不随账户删除。",
            "en": "The authority's own record; it does not leave with the account.",
        },
        alone=frozenset({"status"}),
    )
    __table_args__ = (
        city_foreign_key("vehicle_id", "traffic_vehicle"),
        city_foreign_key("licence_id", "traffic_licence"),
        city_foreign_key("payment_id", "payment"),
        UniqueConstraint("city_id", "number"),
        Index("ix_violation_city_id_vehicle_id_at", "city_id", "vehicle_id", "at"),
        Index("ix_violation_city_id_licence_id_at", "city_id", "licence_id", "at"),
        CheckConstraint("fine >= 0", name="fine"),
        CheckConstraint("points BETWEEN 0 AND 12", name="points"),
    )

    number: Mapped[str]
    vehicle_id: Mapped[uuid.UUID]
    licence_id: Mapped[uuid.UUID | None]
    licence_by_payment: Mapped[bool] = mapped_column(default=False)
    at: Mapped[datetime]
    place: Mapped[dict[str, str]]
    act_code: Mapped[str]
    act: Mapped[dict[str, str]]
    points: Mapped[int]
    fine: Mapped[int]
    currency: Mapped[str]
    status: Mapped[TicketStatus] = mapped_column(StoredEnum(TicketStatus))
    paid_on: Mapped[date | None]
    payment_id: Mapped[uuid.UUID | None]

    @hybrid_property
    def due(self) -> bool:
        """Whether there is something to pay: open, and with a fine. Works in queries too."""
        return self.status == TicketStatus.OPEN and self.fine > 0

    @due.inplace.expression
    @classmethod
    def _due(cls) -> ColumnElement[bool]:
        return and_(cls.status == TicketStatus.OPEN, cls.fine > 0)

    @property
    def shown(self) -> str:
        """Its status as people are told it, a key of ``SHOWN_NAMES``."""
        return WARNING if self.is_open and not self.due else self.status

    @property
    def is_open(self) -> bool:
        """Whether nothing was done about it, whether or not it has a fine."""
        return self.status == TicketStatus.OPEN

    @property
    def is_paid(self) -> bool:
        """Whether its fine is paid, here or elsewhere."""
        return self.status == TicketStatus.PAID

    @property
    def is_disputed(self) -> bool:
        """Whether a dispute waits for an answer."""
        return self.status == TicketStatus.DISPUTED

    @property
    def is_revoked(self) -> bool:
        """Whether it was cancelled."""
        return self.status == TicketStatus.REVOKED

    @property
    def needs_driver(self) -> bool:
        """Whether it has points, and nobody knows whose."""
        return bool(self.points) and self.licence_id is None

    def mark_paid(self, payment_id: uuid.UUID, licence_id: uuid.UUID | None, today: date) -> None:
        """Count it as paid by a payment; its points go to the payer's licence, if to nobody's yet.

        Raises:
            IllegalTransition: It is not open.
        """
        self._move(TicketStatus.OPEN, TicketStatus.PAID)
        self.paid_on, self.payment_id = today, payment_id
        if self.needs_driver:
            self.licence_id, self.licence_by_payment = licence_id, True

    def mark_unpaid(self) -> None:
        """Take back that a payment paid for it: it is open again, unless revoked."""
        self.paid_on, self.payment_id = None, None
        if self.is_paid:
            self.status = TicketStatus.OPEN
        if self.licence_by_payment:
            self.licence_id, self.licence_by_payment = None, False

    def dispute(self) -> None:
        """Let it wait for an answer.

        Raises:
            IllegalTransition: It is not open.
        """
        self._move(TicketStatus.OPEN, TicketStatus.DISPUTED)

    def settle_dispute(self, answer: TicketDisputeState) -> None:
        """Let it stand, or fall, by the answer to its dispute.

        Raises:
            IllegalTransition: It is not disputed.
        """
        kept = answer == TicketDisputeState.KEPT
        self._move(TicketStatus.DISPUTED, TicketStatus.OPEN if kept else TicketStatus.REVOKED)

    def _move(self, expected: TicketStatus, to: TicketStatus) -> None:
        if self.status != expected:
            raise IllegalTransition(f"a ticket that is {self.status} cannot become {to}")
        self.status = to

    vehicle: Mapped[TrafficVehicle] = city_relationship(
        "TrafficVehicle", "vehicle_id", owner="Violation"
    )


class Dispute(CityModel):
    """A resident's objection to a violation, and the answer. One that was lost may be opened again
    once: ``reopened_reason`` says why, ``first_answer`` is what was answered before."""

    __tablename__ = "dispute"
    personal_data = PersonalData(
        {"zh": "申诉", "en": "Disputes"},
        {
            "violation.number": {"zh": "编号", "en": "Ticket"},
            "reason": {"zh": "理由", "en": "Reason"},
            "reopened_reason": {"zh": "再次申诉的理由", "en": "Reason for looking again"},
            "state": STATE,
            "created_at": WHEN,
        },
        "blank",
        {"reason": "", "reopened_reason": None},
        words={
            "state": {
                "asked": {"zh": "待答复", "en": "Waiting for an answer"},
                "kept": {"zh": "维持", "en": "Ticket upheld"},
                "revoked": {"zh": "已撤销", "en": "Ticket cancelled"},
            }
        },
        alone=frozenset({"state", "created_at", "reopened_at"}),
    )
    __table_args__ = (
        city_foreign_key("violation_id", "violation"),
        city_foreign_key("resident_id", "resident"),
        UniqueConstraint("city_id", "violation_id"),
        Index("ix_dispute_city_id_state", "city_id", "state"),
    )

    violation_id: Mapped[uuid.UUID]
    resident_id: Mapped[uuid.UUID]
    reason: Mapped[str]
    state: Mapped[TicketDisputeState] = mapped_column(StoredEnum(TicketDisputeState))
    answer: Mapped[str | None]
    created_at: Mapped[datetime]
    answered_at: Mapped[datetime | None]
    answered_by: Mapped[str | None]
    reopened_at: Mapped[datetime | None]
    reopened_reason: Mapped[str | None]
    first_answer: Mapped[str | None]
    violation: Mapped[Violation] = city_relationship("Violation", "violation_id", owner="Dispute")

    @property
    def is_open(self) -> bool:
        """Whether it waits for an answer."""
        return self.state == TicketDisputeState.ASKED

    @property
    def is_lost(self) -> bool:
        """Whether the ticket stands after it."""
        return self.state == TicketDisputeState.KEPT

    @property
    def is_won(self) -> bool:
        """Whether the ticket fell by it."""
        return self.state == TicketDisputeState.WON

    @hybrid_property
    def asked_at(self) -> datetime:
        """Since when it waits for the present answer, or waited for the last one. Works in queries
        too."""
        return self.reopened_at or self.created_at

    @asked_at.inplace.expression
    @classmethod
    def _asked_at(cls) -> ColumnElement[datetime]:
        return func.coalesce(cls.reopened_at, cls.created_at)

    @property
    def newest_reason(self) -> str:
        """What the resident said last."""
        return self.reopened_reason or self.reason

    def reopen(self, reason: str, now: datetime) -> None:
        """Let it wait for a second answer, which is the last one.

        Raises:
            IllegalTransition: It waits for an answer, was won, or was opened again before.
        """
        if not self.is_lost or self.reopened_at is not None:
            raise IllegalTransition(f"a dispute that is {self.state} cannot be opened again")
        self.reopened_at, self.reopened_reason = now, reason
        self.first_answer, self.answer = self.answer, None
        self.answered_at, self.answered_by = None, None
        self.state = TicketDisputeState.ASKED

    def decide(self, state: TicketDisputeState, answer: str, by: str, now: datetime) -> None:
        """Answer it: the ticket stands or falls; ``answer`` is what the resident reads, ``by`` the
        name of whoever answers.

        Raises:
            IllegalTransition: It was answered, or the state is no answer.
        """
        if not self.is_open or state == TicketDisputeState.ASKED:
            raise IllegalTransition(f"a dispute that is {self.state} cannot become {state}")
        self.state, self.answer = state, answer
        self.answered_at, self.answered_by = now, by


class DisputePhoto(StoredFile, CityModel):
    """A photograph with a dispute, made anew when it came."""

    __tablename__ = "dispute_photo"
    personal_data = PersonalData({"zh": "申诉照片", "en": "Photos"}, {"created_at": WHEN})
    __table_args__ = (
        city_foreign_key("dispute_id", "dispute"),
        Index("ix_dispute_photo_city_id_dispute_id", "city_id", "dispute_id"),
    )

    dispute_id: Mapped[uuid.UUID]
    created_at: Mapped[datetime]
