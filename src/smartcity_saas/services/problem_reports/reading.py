"""What a form, or a program, says of a problem, checked."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask_babel import lazy_gettext as _
from marshmallow import ValidationError

from smartcity_saas.configuration.fields import no_control_characters
from smartcity_saas.errors import FieldErrors, Invalid
from smartcity_saas.images.photos import retaken
from smartcity_saas.services.problem_reports.categories import Category, ReportRules
from smartcity_saas.services.problem_reports.models import (
    ProblemAnswerPhoto,
    ProblemReportPhoto,
    ProblemReportUpload,
)
from smartcity_saas.services.problem_reports.positions import Position, read_position
from smartcity_saas.tenancy.storage import require_room

MOST_PHOTOS = 3
LONGEST_PLACE = 120
LONGEST_WORDS = 4_000
"""As GeoReport v2 has it."""


@dataclass(frozen=True)
class NewReport:
    """A problem as it was told: its category, a place in words (empty where there is a position), up to
    4,000 characters of words."""

    category: Category
    place: str
    position: Position | None
    words: str


def read_report(rules: ReportRules, typed: Mapping[str, str]) -> NewReport:
    """A report as it was typed (``category``, ``place``, ``latitude``, ``longitude``, ``words``).

    Raises:
        FieldErrors: It names no category of the city's or no place, or says too much.
    """
    errors: dict[str, Any] = {}
    category = rules.categories.get(typed.get("category", ""))
    if category is None:
        errors["category"] = _("Choose what the problem is.")
    position = None
    try:
        position = read_position(typed.get("latitude", ""), typed.get("longitude", ""))
    except ValueError:
        errors["place"] = _("This position cannot be read. Write the street or crossing.")
    place = typed.get("place", "").strip()
    if not place and position is None:
        errors.setdefault("place", _("Write where it is, or use your position."))
    if len(place) > LONGEST_PLACE or not is_a_line(place):
        errors["place"] = _("Write the place in one line of at most 120 characters.")
    words = typed.get("words", "").strip()
    if len(words) > LONGEST_WORDS:
        errors["words"] = _("At most %(most)s characters.", most=LONGEST_WORDS)
    if errors or category is None:
        raise FieldErrors(errors)
    return NewReport(category, place, position, words)


def read_words(words: str, photos: Sequence[bytes], missing: Any) -> str:
    """What is added to a report: words, photographs or both; ``missing`` is said where there is neither.

    Raises:
        FieldErrors: There is neither, or too many words.
    """
    words = words.strip()
    if not words and not photos:
        raise FieldErrors({"words": missing})
    if len(words) > LONGEST_WORDS:
        raise FieldErrors({"words": _("At most %(most)s characters.", most=LONGEST_WORDS)})
    return words


def read_photos(
    uploads: Sequence[bytes],
    errors: dict[str, Any],
    already: int = 0,
    *,
    from_reserve: bool = False,
) -> tuple[bytes, ...]:
    """Photographs made anew as JPEG, without where and when they were taken; none where one is wrong,
    which is said in ``errors``.

    Args:
        uploads: The files.
        errors: Where the fault is said, as ``photos``.
        already: How many there are beside them.
        from_reserve: Whether the desk sends them (``require_room``).
    """
    if len(uploads) + already > MOST_PHOTOS:
        errors["photos"] = _("Choose up to 3 photos.")
        return ()
    try:
        taken = tuple(retaken(data) for data in uploads)
        if taken:
            require_room(
                sum(map(len, taken)), _("Send it without photos."), from_reserve=from_reserve
            )
    except Invalid as error:
        errors["photos"] = error.detail
        return ()
    return taken


def is_a_line(text: str) -> bool:
    """Whether a text is of one line, without control characters or what turns its direction."""
    try:
        no_control_characters(text)
    except ValidationError:
        return False
    return True


def photo_rows(
    report_id: uuid.UUID, photos: Sequence[bytes], now: datetime
) -> list[ProblemReportPhoto]:
    """The rows of photographs that ``read_photos`` gave, for which there is room."""
    return [ProblemReportPhoto(report_id=report_id, content=one, created_at=now) for one in photos]


def answer_photo_rows(
    step_id: uuid.UUID, photos: Sequence[bytes], now: datetime
) -> list[ProblemAnswerPhoto]:
    """The rows of the same for a department's answer."""
    return [ProblemAnswerPhoto(step_id=step_id, content=one, created_at=now) for one in photos]


def upload_rows(
    browser_hash: str, photos: Sequence[bytes], now: datetime
) -> list[ProblemReportUpload]:
    """The rows of the same for a form that has to be put right, which a browser gets back."""
    return [
        ProblemReportUpload(browser_hash=browser_hash, content=one, created_at=now)
        for one in photos
    ]
