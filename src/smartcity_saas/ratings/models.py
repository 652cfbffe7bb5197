"""The tables of satisfaction, all a city's own: ratings, which are their residents', and answers."""

from __future__ import annotations

import uuid
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from flask_babel import lazy_gettext as _
from sqlalchemy import Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from smartcity_saas.database import CityModel, StoredEnum, city_foreign_key, city_relationship
from smartcity_saas.errors import IllegalTransition
from smartcity_saas.identity.personal_data.declaration import WHEN, PersonalData


class RatingLevel(StrEnum):
    """How satisfied a resident is, best first."""

    VERY_SATISFIED = "very_satisfied"
    SATISFIED = "satisfied"
    FAIRLY_SATISFIED = "fairly_satisfied"
    DISSATISFIED = "dissatisfied"
    VERY_DISSATISFIED = "very_dissatisfied"

    @property
    def score(self) -> int:
        """The level as measures count it: 5 for the best, 1 for the worst."""
        return len(RatingLevel) - list(RatingLevel).index(self)

    @property
    def is_bad(self) -> bool:
        """Whether the city has to answer."""
        return self in (RatingLevel.DISSATISFIED, RatingLevel.VERY_DISSATISFIED)


LEVEL_NAMES: dict[str, Any] = {
    RatingLevel.VERY_SATISFIED: _("Very satisfied"),
    RatingLevel.SATISFIED: _("Satisfied"),
    RatingLevel.FAIRLY_SATISFIED: _("Fairly satisfied"),
    RatingLevel.DISSATISFIED: _("Dissatisfied"),
    RatingLevel.VERY_DISSATISFIED: _("Very dissatisfied"),
}


class Rating(CityModel):
    """What a resident said of one act that was over; written by the resident alone.

    ``reference`` is the key of the act in its service, which has one rating. The level never
    changes; ``tags``, ``words`` and ``not_solved`` are added once, at ``completed_at``.
    ``reopened`` says that the service opened the matter again for it.
    """

    __tablename__ = "rating"
    personal_data = PersonalData(
        {"zh": "评价", "en": "Ratings"},
        {
            "service": {"zh": "服务", "en": "Service"},
            "level": {"zh": "评价", "en": "Rating"},
            "words": {"zh": "补充说明", "en": "Comment"},
            "created_at": WHEN,
        },
        words={"level": LEVEL_NAMES},
        alone=frozenset({"service"}),
    )
    __table_args__ = (
        city_foreign_key("resident_id", "resident"),
        UniqueConstraint("city_id", "service", "act", "reference"),
        Index("ix_rating_city_id_resident_id_created_at", "city_id", "resident_id", "created_at"),
    )

    resident_id: Mapped[uuid.UUID]
    service: Mapped[str]
    act: Mapped[str]
    reference: Mapped[uuid.UUID]
    level: Mapped[RatingLevel] = mapped_column(StoredEnum(RatingLevel))
    created_at: Mapped[datetime]
    tags: Mapped[list[Any]] = mapped_column(default=list)
    words: Mapped[str] = mapped_column(default="")
    not_solved: Mapped[bool] = mapped_column(default=False)
    reopened: Mapped[bool] = mapped_column(default=False)
    completed_at: Mapped[datetime | None]
    sample: Mapped[bool] = mapped_column(default=False)


class RatingAnswer(CityModel):
    """What the city owes to whoever rated badly, or says that it is not solved: an answer by the
    end of ``due_on``, a day of the city's calendar."""

    __tablename__ = "rating_answer"
    personal_data = PersonalData(
        {"zh": "评价的答复", "en": "Answers to ratings"},
        {
            "due_on": {"zh": "答复期限", "en": "Answer due"},
            "answer": {"zh": "答复", "en": "Answer"},
            "answered_at": {"zh": "答复时间", "en": "Answered"},
        },
        alone=frozenset({"created_at", "due_on"}),
    )
    __table_args__ = (
        city_foreign_key("rating_id", "rating"),
        UniqueConstraint("city_id", "rating_id"),
        Index("ix_rating_answer_city_id_answered_at_due_on", "city_id", "answered_at", "due_on"),
    )

    rating_id: Mapped[uuid.UUID]
    due_on: Mapped[date]
    created_at: Mapped[datetime]
    answer: Mapped[str | None]
    answered_by: Mapped[str | None]
    answered_at: Mapped[datetime | None]
    rating: Mapped[Rating] = city_relationship("Rating", "rating_id", owner="RatingAnswer")

    @property
    def is_open(self) -> bool:
        """Whether it waits for an answer."""
        return self.answered_at is None

    def give(self, words: str, by: str, now: datetime) -> None:
        """Answer; ``by`` is the name of whoever does.

        Raises:
            IllegalTransition: It was answered.
        """
        if not self.is_open:
            raise IllegalTransition("a rating is answered once")
        self.answer, self.answered_by, self.answered_at = words, by, now
