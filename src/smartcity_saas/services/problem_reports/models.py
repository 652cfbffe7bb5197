"""The tables of problem reports, all a city's own."""

from __future__ import annotations

import uuid
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from flask_babel import lazy_gettext as _
from sqlalchemy import CheckConstraint, Index, UniqueConstraint, false
from sqlalchemy.orm import Mapped, mapped_column

from smartcity_saas.database import CityModel, StoredEnum, city_foreign_key, city_relationship
from smartcity_saas.errors import IllegalTransition
from smartcity_saas.identity.personal_data.declaration import STATE, WHEN, PersonalData
from smartcity_saas.services.problem_reports.positions import Position
from smartcity_saas.tenancy.storage import StoredFile


class ReportState(StrEnum):
    """What is done about a report."""

    RECEIVED = "received"
    ASSIGNED = "assigned"
    IN_PROGRESS = "in_progress"
    WAITING = "waiting"
    """A part, another authority or the weather is waited for; ``expected_on`` says until when."""
    SOLVED = "solved"
    """The department says so; whoever reported it has some days to say that it is not."""
    CONFIRMED = "confirmed"
    """Whoever reported it says so too."""
    UNANSWERED = "unanswered"
    """Solved, and nobody said that it is not: counted apart from what was confirmed."""
    REFUSED = "refused"
    MERGED = "merged"
    """It is the same as another one, which goes on."""


class StepKind(StrEnum):
    """What happened to a report: each state that it came to, and that it was opened again."""

    RECEIVED = "received"
    ASSIGNED = "assigned"
    IN_PROGRESS = "in_progress"
    WAITING = "waiting"
    SOLVED = "solved"
    CONFIRMED = "confirmed"
    UNANSWERED = "unanswered"
    REFUSED = "refused"
    MERGED = "merged"
    REOPENED = "reopened"


OPEN_STATES = (
    ReportState.RECEIVED,
    ReportState.ASSIGNED,
    ReportState.IN_PROGRESS,
    ReportState.WAITING,
)
"""The department has something to do."""
SOLVED_STATES = (ReportState.SOLVED, ReportState.CONFIRMED, ReportState.UNANSWERED)
STATE_NAMES: dict[str, Any] = {
    ReportState.RECEIVED: _("Received by the city"),
    ReportState.ASSIGNED: _("Assigned"),
    ReportState.IN_PROGRESS: _("Being worked on"),
    ReportState.WAITING: _("Waiting for something"),
    ReportState.SOLVED: _("Department says it is solved"),
    ReportState.CONFIRMED: _("Solved, confirmed by whoever reported it"),
    ReportState.UNANSWERED: _("Closed: nobody said that it is not solved"),
    ReportState.REFUSED: _("Not taken on"),
    ReportState.MERGED: _("Same as another report"),
}
STATE_WORDS = {
    "received": {"zh": "收到", "en": "Received"},
    "assigned": {"zh": "已派单", "en": "Assigned"},
    "in_progress": {"zh": "在办", "en": "Being worked on"},
    "waiting": {"zh": "等待中", "en": "Waiting for something"},
    "solved": {"zh": "部门说办好了", "en": "Department says it is solved"},
    "confirmed": {"zh": "办好了，报的人已确认", "en": "Solved, confirmed"},
    "unanswered": {"zh": "已结束，没人说没办好", "en": "Closed without an answer"},
    "refused": {"zh": "不受理", "en": "Not taken on"},
    "merged": {"zh": "和另一件是同一处", "en": "Same as another report"},
}
_CITY_RECORD = {
    "zh": "是城市办这件事的公开记录，不含你的名字和原话。",
    "en": "The city's public record of what was done; it holds neither your name nor your words.",
}


class ProblemReport(CityModel):
    """A problem somewhere in the city.

    ``number`` is public; whoever reported it without signing in follows it by a code beside the number
    (``code_hash``). ``client_id`` is the client of the API that it came by. ``place`` is in words, which
    everyone reads where ``place_released``: at once of a resident or a client of the API, of a stranger once
    the desk says so. ``latitude`` and ``longitude`` are degrees of WGS 84, for the desk and whoever reported it, and
    ``public_latitude`` and ``public_longitude`` are the same as others are told them, by which alone
    everyone looks for reports. ``opened_at`` is when it came, or was
    opened again, from which ``assign_by`` and ``due_at`` are reckoned. ``expected_on`` is a later day
    that the department has named. ``told`` is whether a resident wants messages of it.
    ``public_words`` are what the desk has released of the original words.
    """

    __tablename__ = "problem_report"
    personal_data = PersonalData(
        {"zh": "上报的问题", "en": "Reported problems"},
        {
            "number": {"zh": "编号", "en": "Number"},
            "place": {"zh": "地点", "en": "Place"},
            "state": STATE,
            "created_at": WHEN,
        },
        "blank",
        {"resident_id": None, "code_hash": None, "told": False},
        words={"state": STATE_WORDS},
        alone=frozenset(
            {
                "number",
                "category",
                "place",
                "expected_on",
                "updated_at",
                "department",
                "state",
                "created_at",
                "opened_at",
                "assign_by",
                "due_at",
                "solved_at",
                "closed_at",
                "reopened",
            }
        ),
    )
    __table_args__ = (
        city_foreign_key("resident_id", "resident"),
        city_foreign_key("merged_into_id", "problem_report"),
        UniqueConstraint("city_id", "number"),
        Index("ix_problem_report_city_id_state_due_at", "city_id", "state", "due_at"),
        Index("ix_problem_report_city_id_created_at", "city_id", "created_at"),
        Index("ix_problem_report_city_id_resident_id", "city_id", "resident_id"),
        Index("ix_problem_report_city_id_merged_into_id", "city_id", "merged_into_id"),
        Index(
            "ix_problem_report_city_id_category_latitude",
            "city_id",
            "category",
            "latitude",
            "longitude",
        ),
        Index(
            "ix_problem_report_city_id_category_public_latitude",
            "city_id",
            "category",
            "public_latitude",
            "public_longitude",
        ),
        CheckConstraint("(latitude IS NULL) = (longitude IS NULL)", name="position"),
        CheckConstraint("latitude BETWEEN -90 AND 90", name="latitude"),
        CheckConstraint("longitude BETWEEN -180 AND 180", name="longitude"),
    )

    number: Mapped[str]
    resident_id: Mapped[uuid.UUID | None]
    code_hash: Mapped[str | None]
    client_id: Mapped[str | None]
    category: Mapped[str]
    department: Mapped[str]
    place: Mapped[str]
    latitude: Mapped[float | None]
    longitude: Mapped[float | None]
    place_released: Mapped[bool] = mapped_column(default=False, server_default=false())
    public_latitude: Mapped[float | None]
    public_longitude: Mapped[float | None]
    state: Mapped[ReportState] = mapped_column(StoredEnum(ReportState))
    created_at: Mapped[datetime]
    opened_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    assign_by: Mapped[datetime]
    due_at: Mapped[datetime]
    expected_on: Mapped[date | None]
    solved_at: Mapped[datetime | None]
    closed_at: Mapped[datetime | None]
    merged_into_id: Mapped[uuid.UUID | None]
    reopened: Mapped[int] = mapped_column(default=0)
    told: Mapped[bool] = mapped_column(default=False)
    public_words: Mapped[str] = mapped_column(default="")
    sample: Mapped[bool] = mapped_column(default=False)

    @property
    def position(self) -> Position | None:
        """Where it is, if that is known; to the metre, so for the desk and whoever reported it."""
        if self.latitude is None or self.longitude is None:
            return None
        return Position(self.latitude, self.longitude)

    @property
    def public_place(self) -> str:
        """Where it is in words, as everyone may read them; empty where there are none."""
        return self.place if self.place_released else ""

    @property
    def public_position(self) -> Position | None:
        """Where it is, if that is known, as everyone is told it."""
        if self.public_latitude is None or self.public_longitude is None:
            return None
        return Position(self.public_latitude, self.public_longitude)

    @property
    def is_open(self) -> bool:
        """Whether the department has something to do."""
        return self.state in OPEN_STATES

    @property
    def is_received(self) -> bool:
        """Whether it waits to be assigned."""
        return self.state == ReportState.RECEIVED

    @property
    def is_solved(self) -> bool:
        """Whether it waits for whoever reported it to say whether it is solved."""
        return self.state == ReportState.SOLVED

    @property
    def is_refused(self) -> bool:
        """Whether it was not taken on."""
        return self.state == ReportState.REFUSED

    @property
    def is_in_progress(self) -> bool:
        """Whether the department has begun."""
        return self.state == ReportState.IN_PROGRESS

    @property
    def is_merged(self) -> bool:
        """Whether another one goes on in its place."""
        return self.state == ReportState.MERGED

    @property
    def is_closed(self) -> bool:
        """Whether nothing follows any more, as far as this one goes."""
        return not self.is_open and not self.is_solved

    def is_late(self, now: datetime) -> bool:
        """Whether it is, or was, solved later than its category promises."""
        return self.due_at < (self.solved_at or now) and (
            self.is_open or self.solved_at is not None
        )

    def move(self, to: ReportState, now: datetime) -> None:
        """Take it one step on: open ones to any state that follows, solved ones to their end.

        Raises:
            IllegalTransition: It cannot go there from where it is.
        """
        ends = (ReportState.CONFIRMED, ReportState.UNANSWERED)
        possible = (
            (self.is_open and to not in (ReportState.RECEIVED, *ends))
            or (self.is_solved and to in ends)
            or (self.is_solved and to == ReportState.MERGED)
        )
        if not possible:
            raise IllegalTransition(f"a report that is {self.state} cannot become {to}")
        self.state, self.updated_at = to, now
        if to == ReportState.SOLVED:
            self.solved_at = now
        if self.is_closed:
            self.closed_at = now

    def reopen(self, now: datetime, assign_by: datetime, due_at: datetime) -> None:
        """Begin again with new time limits; the department stays.

        Raises:
            IllegalTransition: It is not solved, or closed by now.
        """
        if not self.is_solved:
            raise IllegalTransition(f"a report that is {self.state} cannot be opened again")
        self.state, self.updated_at, self.opened_at = ReportState.RECEIVED, now, now
        self.assign_by, self.due_at = assign_by, due_at
        self.solved_at, self.expected_on = None, None
        self.reopened += 1


class ProblemReportNote(CityModel):
    """Words of whoever reported a problem, as they wrote them. Others read none of it."""

    __tablename__ = "problem_report_note"
    personal_data = PersonalData(
        {"zh": "你写的话", "en": "What you wrote"},
        {"words": {"zh": "原话", "en": "Words"}, "created_at": WHEN},
    )
    __table_args__ = (
        city_foreign_key("report_id", "problem_report"),
        Index("ix_problem_report_note_city_id_report_id", "city_id", "report_id"),
    )

    report_id: Mapped[uuid.UUID]
    words: Mapped[str]
    created_at: Mapped[datetime]


class ProblemReportPhoto(StoredFile, CityModel):
    """A photograph of whoever reported a problem, made anew when it came. Others see it once the desk
    has released it."""

    __tablename__ = "problem_report_photo"
    personal_data = PersonalData({"zh": "你拍的照片", "en": "Your photos"}, {"created_at": WHEN})
    __table_args__ = (
        city_foreign_key("report_id", "problem_report"),
        Index("ix_problem_report_photo_city_id_report_id", "city_id", "report_id"),
    )

    report_id: Mapped[uuid.UUID]
    created_at: Mapped[datetime]
    released_at: Mapped[datetime | None]


class ProblemReportUpload(StoredFile, CityModel):
    """A photograph that was sent with a form that had to be put right; kept for a day for the browser
    that sent it (``browser_hash``), so that it need not be chosen again."""

    __tablename__ = "problem_report_upload"
    __table_args__ = (
        Index("ix_problem_report_upload_city_id_browser_hash", "city_id", "browser_hash"),
        Index("ix_problem_report_upload_city_id_created_at", "city_id", "created_at"),
    )

    browser_hash: Mapped[str]
    created_at: Mapped[datetime]


class ProblemReportForm(CityModel):
    """A form that was sent, and the report that it became or added to; kept for a day, so that what is sent
    twice is taken once. ``form_hash`` is of whose browser it was, of its page, and of all that was filled in."""

    __tablename__ = "problem_report_form"
    personal_data = PersonalData(
        {"zh": "一天内交过的上报表单", "en": "Forms of reports sent within a day"},
        {"created_at": WHEN},
        alone=frozenset({"created_at"}),
    )
    __table_args__ = (
        city_foreign_key("report_id", "problem_report"),
        UniqueConstraint("city_id", "form_hash"),
        Index("ix_problem_report_form_city_id_created_at", "city_id", "created_at"),
        Index("ix_problem_report_form_city_id_report_id", "city_id", "report_id"),
    )

    form_hash: Mapped[str]
    report_id: Mapped[uuid.UUID]
    created_at: Mapped[datetime]


class ProblemReportStep(CityModel):
    """What happened to a report, for everyone to read. ``words`` are the department's answer; ``by``
    names the member of staff for the desk alone."""

    __tablename__ = "problem_report_step"
    personal_data = PersonalData(
        {"zh": "办理过程", "en": "What was done"},
        {
            "kind": {"zh": "到了哪一步", "en": "Step"},
            "words": {"zh": "答复", "en": "Answer"},
            "at": WHEN,
        },
        "keep",
        why=_CITY_RECORD,
        words={"kind": {**STATE_WORDS, "reopened": {"zh": "重新打开", "en": "Opened again"}}},
        alone=frozenset({"kind", "words", "at", "by", "department", "expected_on"}),
    )
    __table_args__ = (
        city_foreign_key("report_id", "problem_report"),
        Index("ix_problem_report_step_city_id_report_id", "city_id", "report_id"),
    )

    report_id: Mapped[uuid.UUID]
    kind: Mapped[StepKind] = mapped_column(StoredEnum(StepKind))
    at: Mapped[datetime]
    words: Mapped[str] = mapped_column(default="")
    by: Mapped[str] = mapped_column(default="")
    department: Mapped[str] = mapped_column(default="")
    expected_on: Mapped[date | None]
    promised_by: Mapped[datetime | None]
    report: Mapped[ProblemReport] = city_relationship(
        "ProblemReport", "report_id", owner="ProblemReportStep"
    )


class ProblemAnswerPhoto(StoredFile, CityModel):
    """A photograph of the department's with an answer, for everyone to see."""

    __tablename__ = "problem_answer_photo"
    personal_data = PersonalData(
        {"zh": "部门拍的照片", "en": "The department's photos"},
        {"created_at": WHEN},
        "keep",
        why=_CITY_RECORD,
        alone=frozenset({"created_at", "content"}),
    )
    __table_args__ = (
        city_foreign_key("step_id", "problem_report_step"),
        Index("ix_problem_answer_photo_city_id_step_id", "city_id", "step_id"),
    )

    step_id: Mapped[uuid.UUID]
    created_at: Mapped[datetime]


class ProblemFollow(CityModel):
    """That a resident follows a report of another's."""

    __tablename__ = "problem_follow"
    personal_data = PersonalData(
        {"zh": "关注的问题", "en": "Followed reports"},
        {"created_at": WHEN},
        alone=frozenset({"created_at"}),
    )
    __table_args__ = (
        city_foreign_key("report_id", "problem_report"),
        city_foreign_key("resident_id", "resident"),
        UniqueConstraint("city_id", "report_id", "resident_id"),
        Index("ix_problem_follow_city_id_resident_id", "city_id", "resident_id"),
    )

    report_id: Mapped[uuid.UUID]
    resident_id: Mapped[uuid.UUID]
    created_at: Mapped[datetime]
