"""The tables of city credit, all a city's own: who takes part, entries, appeals."""

from __future__ import annotations

import uuid
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from flask_babel import lazy_gettext as _
from sqlalchemy import CheckConstraint, Index, UniqueConstraint, column
from sqlalchemy.orm import Mapped, mapped_column

from smartcity_saas.database import CityModel, StoredEnum, city_foreign_key, city_relationship
from smartcity_saas.database.models import Json
from smartcity_saas.errors import IllegalTransition
from smartcity_saas.identity.personal_data.declaration import PROOF, STATE, WHEN, PersonalData
from smartcity_saas.services.city_credit.standing import Record
from smartcity_saas.tenancy.storage import StoredFile

MOST_AT_ONCE = 1_000
"""The most that one entry may count."""
_PRESENT = column("left_at").is_(None)


class AppealState(StrEnum):
    """What became of an appeal."""

    OPEN = "open"
    """It waits for the city; meanwhile the entry counts as the resident says."""
    UPHELD = "upheld"
    REJECTED = "rejected"
    OVERDUE = "overdue"
    """Nobody answered in time: decided for the resident."""
    WITHDRAWN = "withdrawn"


APPEAL_STATES: dict[str, Any] = {
    AppealState.OPEN: _("Being checked"),
    AppealState.UPHELD: _("Upheld"),
    AppealState.REJECTED: _("Not upheld"),
    AppealState.OVERDUE: _("Upheld: not answered in time"),
    AppealState.WITHDRAWN: _("Withdrawn"),
}
FOR_RESIDENT = frozenset({AppealState.OPEN, AppealState.UPHELD, AppealState.OVERDUE})
"""States in which the entry counts as the resident says."""


class CreditMembership(CityModel):
    """That a resident agreed to take part, to which text and which rules, and when they left.

    Consent of its own, given and withdrawn as easily. ``consent_version`` is the text that was
    agreed to, ``rules_version`` the number of the rules; ``answered`` is the question (both
    together) that was answered last, whether they agreed or left things as they were.
    """

    __tablename__ = "credit_membership"
    personal_data = PersonalData(
        {"zh": "加入城市信用", "en": "Taking part in city credit"},
        {
            "joined_at": {"zh": "加入时间", "en": "Joined"},
            "left_at": {"zh": "退出时间", "en": "Left"},
        },
        "keep",
        why=PROOF,
    )
    __table_args__ = (
        city_foreign_key("resident_id", "resident"),
        Index(
            "uq_credit_membership_taking_part",
            "city_id",
            "resident_id",
            unique=True,
            sqlite_where=_PRESENT,
            postgresql_where=_PRESENT,
        ),
    )

    resident_id: Mapped[uuid.UUID]
    consent_version: Mapped[str]
    rules_version: Mapped[int]
    answered: Mapped[str]
    joined_at: Mapped[datetime]
    agreed_at: Mapped[datetime]
    left_at: Mapped[datetime | None]


class CreditSourceChoice(CityModel):
    """Whether a member lets one source count, and on which terms they agreed to it.

    No row: never asked, so nothing is taken. ``terms`` marks what was agreed to: what the source is
    called, for how long an entry is kept, and the text of the consent. ``months`` is that time;
    ``since`` when the source began to be taken, for the last time.
    """

    __tablename__ = "credit_source_choice"
    personal_data = PersonalData(
        {"zh": "城市信用用到的记录", "en": "City credit sources"},
        {
            "source": {"zh": "来源", "en": "Source"},
            "counts": {"zh": "计入", "en": "Counts"},
            "since": {"zh": "从何时起", "en": "Since"},
        },
    )
    __table_args__ = (
        city_foreign_key("resident_id", "resident"),
        UniqueConstraint("city_id", "resident_id", "source"),
    )

    resident_id: Mapped[uuid.UUID]
    source: Mapped[str]
    counts: Mapped[bool]
    terms: Mapped[str]
    months: Mapped[int]
    since: Mapped[datetime]


class CreditRulesVersion(CityModel):
    """The rules that a city's document has had, numbered from 1 as they were first seen in force.

    ``revision`` is the city's document's by then, ``settings`` the rules themselves, so that a page
    can say what has changed.
    """

    __tablename__ = "credit_rules_version"
    __table_args__ = (UniqueConstraint("city_id", "number"),)

    number: Mapped[int]
    mark: Mapped[str]
    revision: Mapped[int]
    settings: Mapped[dict[str, Any]] = mapped_column(Json)
    seen_at: Mapped[datetime]


class CreditEntry(CityModel):
    """One thing that was done, or was to be done: only what is ``quantity`` more than 0 adds.

    ``reference`` is the source's own key, so that the same thing never counts twice; ``revision``
    is the one of the city's document whose rules were in force when it was recorded.
    """

    __tablename__ = "credit_entry"
    personal_data = PersonalData(
        {"zh": "城市信用记录", "en": "City credit entries"},
        {
            "source": {"zh": "来源", "en": "Source"},
            "day": {"zh": "日期", "en": "Day"},
            "quantity": {"zh": "数量", "en": "Quantity"},
        },
    )
    __table_args__ = (
        city_foreign_key("resident_id", "resident"),
        UniqueConstraint("city_id", "source", "reference"),
        Index("ix_credit_entry_city_id_resident_id", "city_id", "resident_id"),
        CheckConstraint("quantity >= 0", name="quantity"),
        CheckConstraint("claimed >= quantity", name="claimed"),
    )

    resident_id: Mapped[uuid.UUID]
    source: Mapped[str]
    reference: Mapped[str]
    day: Mapped[date]
    quantity: Mapped[int]
    claimed: Mapped[int]
    """What the entry would be worth had all gone well, or what its appeal says that it should be."""
    revision: Mapped[int]
    recorded_at: Mapped[datetime]
    sample: Mapped[bool] = mapped_column(default=False)

    @property
    def has_amount(self) -> bool:
        """Whether it counts how much was done, as the city's tables say: an appeal may say more. An
        event of a service happened or did not."""
        return self.quantity > 0 and "." not in self.source

    @property
    def as_record(self) -> Record:
        """The entry as the rules would read it, had all gone well."""
        return Record(self.source, self.claimed, self.day)


class CreditAppeal(CityModel):
    """A resident's objection to an entry, and the city's answer.

    ``due_on`` is the last working day on which the city may answer; ``again`` says that an earlier
    appeal against the entry was withdrawn.
    """

    __tablename__ = "credit_appeal"
    personal_data = PersonalData(
        {"zh": "城市信用申诉", "en": "City credit appeals"},
        {
            "reason": {"zh": "申诉理由", "en": "Reason"},
            "state": STATE,
            "answer": {"zh": "答复", "en": "Answer"},
            "created_at": WHEN,
        },
        words={"state": {**APPEAL_STATES}},
        alone=frozenset({"created_at", "due_on", "again", "answered_at"}),
    )
    __table_args__ = (
        city_foreign_key("resident_id", "resident"),
        city_foreign_key("entry_id", "credit_entry"),
        UniqueConstraint("city_id", "entry_id"),
        Index("ix_credit_appeal_city_id_state_due_on", "city_id", "state", "due_on"),
    )

    resident_id: Mapped[uuid.UUID]
    entry_id: Mapped[uuid.UUID]
    reason: Mapped[str]
    state: Mapped[AppealState] = mapped_column(StoredEnum(AppealState))
    due_on: Mapped[date]
    again: Mapped[bool]
    created_at: Mapped[datetime]
    answer: Mapped[str | None]
    answered_by: Mapped[str | None]
    answered_at: Mapped[datetime | None]
    entry: Mapped[CreditEntry] = city_relationship("CreditEntry", "entry_id", owner="CreditAppeal")

    @property
    def is_open(self) -> bool:
        """Whether it waits for an answer."""
        return self.state is AppealState.OPEN

    @property
    def may_follow(self) -> bool:
        """Whether one more appeal may follow: this one was withdrawn, and is the first."""
        return self.state is AppealState.WITHDRAWN and not self.again

    @property
    def favours_resident(self) -> bool:
        """Whether the entry counts as the resident says: also while nobody has answered."""
        return self.state in FOR_RESIDENT

    def decide(self, state: AppealState, words: str, by: str, now: datetime) -> None:
        """Answer it, or close it for want of an answer.

        Raises:
            IllegalTransition: It has been answered or withdrawn.
        """
        if not self.is_open or state is AppealState.OPEN:
            raise IllegalTransition(f"{self.state} → {state}")
        self.state, self.answer, self.answered_by, self.answered_at = state, words, by, now


class CreditAppealPhoto(StoredFile, CityModel):
    """A photograph sent with an appeal, taken again so that it says nothing of its camera."""

    __tablename__ = "credit_appeal_photo"
    personal_data = PersonalData({"zh": "申诉照片", "en": "Appeal photos"}, {"created_at": WHEN})
    __table_args__ = (
        city_foreign_key("appeal_id", "credit_appeal"),
        Index("ix_credit_appeal_photo_city_id_appeal_id", "city_id", "appeal_id"),
    )

    appeal_id: Mapped[uuid.UUID]
    created_at: Mapped[datetime]


class CreditCertificate(CityModel):
    """A code that a resident shows to a partner, who learns whether one benefit holds.

    Used once, within ten minutes; kept for a day as a hash, so that a code that comes late or
    again is still known as the resident's.
    """

    __tablename__ = "credit_certificate"
    personal_data = PersonalData(
        {"zh": "城市信用凭证", "en": "City credit certificates"},
        {
            "benefit": {"zh": "权益", "en": "Benefit"},
            "expires_at": {"zh": "有效到", "en": "Valid until"},
        },
    )
    __table_args__ = (
        city_foreign_key("resident_id", "resident"),
        UniqueConstraint("city_id", "code_hash"),
        Index("ix_credit_certificate_city_id_expires_at", "city_id", "expires_at"),
    )

    resident_id: Mapped[uuid.UUID]
    benefit: Mapped[str]
    code_hash: Mapped[str]
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]

    def is_valid(self, now: datetime) -> bool:
        """Whether nobody has used it yet and its ten minutes are not over."""
        return self.used_at is None and now < self.expires_at


class CreditQuestion(CityModel):
    """That a partner asked about a resident's code, what about, and what they were told."""

    __tablename__ = "credit_question"
    personal_data = PersonalData(
        {"zh": "谁查过城市信用", "en": "Who asked about city credit"},
        {
            "asked_by": {"zh": "谁查的", "en": "Who looked"},
            "benefit": {"zh": "权益", "en": "Benefit"},
            "holds": {"zh": "答复", "en": "Answer"},
            "asked_at": WHEN,
        },
    )
    __table_args__ = (
        city_foreign_key("resident_id", "resident"),
        Index("ix_credit_question_city_id_resident_id", "city_id", "resident_id"),
    )

    resident_id: Mapped[uuid.UUID]
    benefit: Mapped[str]
    asked_by: Mapped[str]
    asked_at: Mapped[datetime]
    holds: Mapped[bool]


class CreditAppealCount(CityModel):
    """How many appeals of a month ended in one way after so many working days. No row leads to an
    appeal or to anybody: what was appealed leaves with whoever leaves, and the public count stays.

    ``month`` is the first day of the month in which they were decided.
    """

    __tablename__ = "credit_appeal_count"
    __table_args__ = (
        UniqueConstraint("city_id", "month", "outcome", "days"),
        CheckConstraint("number > 0", name="number"),
    )

    month: Mapped[date]
    outcome: Mapped[AppealState] = mapped_column(StoredEnum(AppealState))
    days: Mapped[int]
    number: Mapped[int]


class CreditFigures(CityModel):
    """What is published of a city's day, as it is published: without small cells."""

    __tablename__ = "credit_figures"
    __table_args__ = (UniqueConstraint("city_id", "day"),)

    day: Mapped[date]
    figures: Mapped[dict[str, Any]] = mapped_column(Json)
