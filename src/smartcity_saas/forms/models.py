"""The tables of applications, all a city's own: the form as it was, the application, what was said, files,
papers.

What people answer, write and send is sealed with the city's key.
"""

from __future__ import annotations

import uuid
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from flask_babel import lazy_gettext as _
from sqlalchemy import CheckConstraint, Index, LargeBinary, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from smartcity_saas.database import CityModel, StoredEnum, city_foreign_key, city_relationship
from smartcity_saas.database.models import Json
from smartcity_saas.errors import IllegalTransition
from smartcity_saas.identity.personal_data.declaration import STATE, WHEN, PersonalData
from smartcity_saas.tenancy.storage import StoredFile

ANSWERS, WORDS = "application_answers", "application_words"
FILE_NAME, FILE_CONTENT = "application_file", "application_file_content"
"""As what they are sealed (``seal_personal``)."""


class ApplicationState(StrEnum):
    """Where an application stands."""

    DRAFT = "draft"
    """Begun; nobody but the resident sees it."""
    RECEIVED = "received"
    """Sent, and paid where there is a fee: its clock runs."""
    IN_REVIEW = "in_review"
    """Somebody has taken it over."""
    MORE_NEEDED = "more_needed"
    """It waits for the resident; its clock stands still."""
    APPROVED = "approved"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"
    NOT_SUPPLIED = "not_supplied"
    """What was asked for did not come in time."""


STATE_NAMES: dict[str, Any] = {
    ApplicationState.DRAFT: _("Not sent yet"),
    ApplicationState.RECEIVED: _("We have received it"),
    ApplicationState.IN_REVIEW: _("Being looked at"),
    ApplicationState.MORE_NEEDED: _("More is needed from you"),
    ApplicationState.APPROVED: _("Approved"),
    ApplicationState.REFUSED: _("Not approved"),
    ApplicationState.WITHDRAWN: _("Withdrawn"),
    ApplicationState.NOT_SUPPLIED: _("Closed: nothing was sent"),
}
AT_DESK = frozenset({ApplicationState.RECEIVED, ApplicationState.IN_REVIEW})
"""It waits for the city."""
UNDER_WAY = AT_DESK | {ApplicationState.MORE_NEEDED}
DECIDED = frozenset({ApplicationState.APPROVED, ApplicationState.REFUSED})
FINISHED = DECIDED | {ApplicationState.WITHDRAWN, ApplicationState.NOT_SUPPLIED}
_NEXT: dict[ApplicationState, frozenset[ApplicationState]] = {
    ApplicationState.DRAFT: frozenset({ApplicationState.RECEIVED, ApplicationState.WITHDRAWN}),
    ApplicationState.RECEIVED: frozenset({ApplicationState.IN_REVIEW, ApplicationState.WITHDRAWN}),
    ApplicationState.IN_REVIEW: frozenset(
        {
            ApplicationState.RECEIVED,
            ApplicationState.MORE_NEEDED,
            ApplicationState.WITHDRAWN,
            *DECIDED,
        }
    ),
    ApplicationState.MORE_NEEDED: frozenset(
        {
            ApplicationState.IN_REVIEW,
            ApplicationState.RECEIVED,
            ApplicationState.WITHDRAWN,
            ApplicationState.NOT_SUPPLIED,
        }
    ),
    ApplicationState.REFUSED: frozenset({ApplicationState.RECEIVED}),
    ApplicationState.WITHDRAWN: frozenset(),
    ApplicationState.NOT_SUPPLIED: frozenset(),
    ApplicationState.APPROVED: frozenset(),
}
"""What can follow; a refused one is reopened once."""


class EventKind(StrEnum):
    """What happened to an application, as its timeline tells it."""

    RECEIVED = "received"
    TAKEN_OVER = "taken_over"
    PUT_BACK = "put_back"
    MORE_NEEDED = "more_needed"
    SUPPLIED = "supplied"
    NOT_SUPPLIED = "not_supplied"
    MESSAGE = "message"
    """Words of the resident or the desk that change nothing."""
    APPROVED = "approved"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"
    FEE_RETURNING = "fee_returning"
    """It was withdrawn in time, so that its fee goes back by itself."""
    REOPENED = "reopened"
    REVOKED = "revoked"
    """Its paper is not valid any more."""


EVENT_NAMES: dict[str, Any] = {
    EventKind.RECEIVED: _("We have received it"),
    EventKind.TAKEN_OVER: _("Being looked at"),
    EventKind.PUT_BACK: _("Waiting for someone to look at it"),
    EventKind.MORE_NEEDED: _("More is needed from you"),
    EventKind.SUPPLIED: _("You sent what was missing"),
    EventKind.NOT_SUPPLIED: _("Closed: nothing was sent in time"),
    EventKind.MESSAGE: _("Message"),
    EventKind.APPROVED: _("Approved"),
    EventKind.REFUSED: _("Not approved"),
    EventKind.WITHDRAWN: _("Withdrawn"),
    EventKind.FEE_RETURNING: _("The whole fee goes back"),
    EventKind.REOPENED: _("To be looked at once more"),
    EventKind.REVOKED: _("The paper is not valid any more"),
}


class FormDefinition(CityModel):
    """A form as it was when somebody began: ``values`` loaded by ``FormSchema``, told from others by
    ``digest`` (SHA-256 of their canonical JSON)."""

    __tablename__ = "form_definition"
    __table_args__ = (UniqueConstraint("city_id", "service", "digest"),)

    service: Mapped[str]
    digest: Mapped[str]
    values: Mapped[dict[str, Any]] = mapped_column(Json)
    created_at: Mapped[datetime]


class Application(CityModel):
    """What a resident asks for by a form, from the first answer to the decision.

    ``number`` is what people are told. ``sealed`` are the answers, JSON by the fields' names;
    ``step`` the one that comes next, counted from 0. ``fee`` is in the minor unit of ``currency``, as it
    was when it was begun. ``due_on`` is the last working day on which the city decides;
    ``days_left`` the working days that were left when its clock was stopped, None while it runs and where
    none were. ``supply_by`` is the last day for what it waits for, None where it does not wait or has no
    end.
    ``taken_by`` is the account of the member of staff who has it. ``unanswered_since`` is when its resident
    wrote first of what the desk has neither answered nor marked as read. ``erase_on`` is the day after which
    nothing of it is kept.
    """

    __tablename__ = "application"
    personal_data = PersonalData(
        {"zh": "办事申请", "en": "Applications"},
        {
            "number": {"zh": "编号", "en": "Number"},
            "service": {"zh": "服务", "en": "Service"},
            "state": STATE,
            "created_at": {"zh": "开始", "en": "Begun"},
        },
        words={"state": {**STATE_NAMES}},
        seals=lambda row: ("answers", ANSWERS),
        alone=frozenset(
            {
                *("number", "service", "state", "received_at", "decided_at"),
                *("due_on", "days_left", "supply_by", "taken_by", "unanswered_since"),
            }
        ),
    )
    __table_args__ = (
        city_foreign_key("resident_id", "resident"),
        city_foreign_key("definition_id", "form_definition"),
        UniqueConstraint("city_id", "number"),
        Index("ix_application_city_id_resident_id", "city_id", "resident_id"),
        Index("ix_application_city_id_state_due_on", "city_id", "state", "due_on"),
        Index("ix_application_city_id_erase_on", "city_id", "erase_on"),
        CheckConstraint("fee >= 0", name="fee"),
    )

    resident_id: Mapped[uuid.UUID]
    definition_id: Mapped[uuid.UUID]
    service: Mapped[str]
    number: Mapped[str]
    state: Mapped[ApplicationState] = mapped_column(StoredEnum(ApplicationState))
    sealed: Mapped[bytes] = mapped_column(LargeBinary)
    step: Mapped[int]
    fee: Mapped[int]
    currency: Mapped[str]
    payment_id: Mapped[uuid.UUID | None]
    created_at: Mapped[datetime]
    saved_at: Mapped[datetime]
    received_at: Mapped[datetime | None]
    due_on: Mapped[date | None]
    days_left: Mapped[int | None]
    supply_by: Mapped[date | None]
    taken_by: Mapped[str | None]
    unanswered_since: Mapped[datetime | None]
    decided_at: Mapped[datetime | None]
    reopened: Mapped[bool] = mapped_column(default=False)
    erase_on: Mapped[date | None]
    sample: Mapped[bool] = mapped_column(default=False)
    definition: Mapped[FormDefinition] = city_relationship(
        "FormDefinition", "definition_id", owner="Application"
    )

    @property
    def is_draft(self) -> bool:
        """Whether it was not sent yet."""
        return self.state is ApplicationState.DRAFT

    @property
    def is_under_way(self) -> bool:
        """Whether it was sent and is not finished."""
        return self.state in UNDER_WAY

    @property
    def is_at_desk(self) -> bool:
        """Whether it waits for the city."""
        return self.state in AT_DESK

    @property
    def waits_for_resident(self) -> bool:
        """Whether the city asked for more."""
        return self.state is ApplicationState.MORE_NEEDED

    @property
    def is_decided(self) -> bool:
        """Whether the city approved or refused it."""
        return self.state in DECIDED

    @property
    def is_approved(self) -> bool:
        """Whether the city approved it."""
        return self.state is ApplicationState.APPROVED

    @property
    def is_refused(self) -> bool:
        """Whether the city refused it."""
        return self.state is ApplicationState.REFUSED

    @property
    def is_finished(self) -> bool:
        """Whether nothing more comes of it."""
        return self.state in FINISHED

    @property
    def is_paid(self) -> bool:
        """Whether its fee was paid, or it has none."""
        return self.fee == 0 or self.payment_id is not None

    def move(self, state: ApplicationState) -> None:
        """Go on to another state; what it waited for is to be sent by no day any more.

        Raises:
            IllegalTransition: It cannot follow.
        """
        if state not in _NEXT[self.state]:
            raise IllegalTransition(f"{self.state} → {state}")
        self.state, self.supply_by = state, None


class ApplicationEvent(CityModel):
    """One line of an application's timeline. ``by_staff`` is the account of whoever did it, None for the
    resident or the product itself; ``sealed`` the words, None where there are none; ``fields`` the names
    of what is asked for anew."""

    __tablename__ = "application_event"
    personal_data = PersonalData(
        {"zh": "办事进度", "en": "Progress of applications"},
        {"at": WHEN, "kind": {"zh": "事项", "en": "Event"}},
        words={"kind": {**EVENT_NAMES}},
        seals=lambda row: ("words", WORDS),
    )
    __table_args__ = (
        city_foreign_key("application_id", "application"),
        Index("ix_application_event_city_id_application_id", "city_id", "application_id"),
    )

    application_id: Mapped[uuid.UUID]
    at: Mapped[datetime]
    kind: Mapped[EventKind] = mapped_column(StoredEnum(EventKind))
    by_staff: Mapped[str | None]
    sealed: Mapped[bytes | None] = mapped_column(LargeBinary)
    fields: Mapped[list[Any]] = mapped_column(Json, default=list)


class ApplicationFile(StoredFile, CityModel):
    """A file or photograph of an answer, or the paper in the end: ``content`` is sealed, ``sealed`` its
    name. ``field`` is the name of the field; empty for the paper."""

    __tablename__ = "application_file"
    personal_data = PersonalData(
        {"zh": "申请材料", "en": "Application files"},
        {"created_at": WHEN, "media_type": {"zh": "类型", "en": "Type"}},
        seals=lambda row: ("name", FILE_NAME),
        content=FILE_CONTENT,
    )
    __table_args__ = (
        city_foreign_key("application_id", "application"),
        Index("ix_application_file_city_id_application_id", "city_id", "application_id"),
    )

    application_id: Mapped[uuid.UUID]
    field: Mapped[str]
    media_type: Mapped[str]
    sealed: Mapped[bytes] = mapped_column(LargeBinary)
    created_at: Mapped[datetime]


class ApplicationPaper(CityModel):
    """A letter or certificate that was issued. ``code`` is what its QR code leads to: whoever has it
    learns whether the paper is valid and nothing else. ``valid_until`` is its last day, None for
    good."""

    __tablename__ = "application_paper"
    personal_data = PersonalData(
        {"zh": "证明和证书", "en": "Letters and certificates"},
        {
            "number": {"zh": "编号", "en": "Number"},
            "issued_on": {"zh": "签发日期", "en": "Issued"},
            "valid_until": {"zh": "有效到", "en": "Valid until"},
        },
    )
    __table_args__ = (
        city_foreign_key("application_id", "application"),
        UniqueConstraint("city_id", "application_id"),
        UniqueConstraint("city_id", "number"),
        UniqueConstraint("city_id", "code"),
    )

    application_id: Mapped[uuid.UUID]
    number: Mapped[str]
    code: Mapped[str]
    issued_on: Mapped[date]
    valid_until: Mapped[date | None]
    revoked_at: Mapped[datetime | None]

    def is_valid_on(self, today: date) -> bool:
        """Whether it was not revoked, and its last day is not over."""
        return self.revoked_at is None and (self.valid_until is None or today <= self.valid_until)
