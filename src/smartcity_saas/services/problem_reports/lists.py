"""Reports as everyone may read them: lists, those that are near, photographs, and figures."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, case, func, or_, select
from sqlalchemy.orm import InstrumentedAttribute

from smartcity_saas.database import db
from smartcity_saas.errors import NotFound
from smartcity_saas.services.problem_reports.models import (
    OPEN_STATES,
    SOLVED_STATES,
    ProblemAnswerPhoto,
    ProblemReport,
    ProblemReportNote,
    ProblemReportPhoto,
    ProblemReportStep,
    ReportState,
)
from smartcity_saas.services.problem_reports.positions import (
    PUBLIC_METRES,
    Position,
    box_around,
    metres_between,
)

PAGE = 20
MOST_NEAR = 5
MOST_LOOKED_AT = 500
"""How many rows of a box are measured; of more, the newest."""
LATELY = timedelta(days=30)
FEW = 30
"""Of fewer than so many no share is told."""

STATE_FILTERS: Mapping[str, tuple[ReportState, ...]] = {
    "open": OPEN_STATES,
    "solved": SOLVED_STATES,
    "refused": (ReportState.REFUSED,),
}


@dataclass(frozen=True)
class NearReport:
    """An open report, and how far away it is, in metres: tens of them for the desk, hundreds for everyone."""

    report: ProblemReport
    metres: int


@dataclass(frozen=True)
class ListFilter:
    """Which reports: of a category, of a state (a key of ``STATE_FILTERS``), within some metres of a
    position; each may be left out."""

    category: str = ""
    state: str = ""
    near: Position | None = None
    metres: int = 500


@dataclass(frozen=True)
class ReportFigures:
    """What became of reports that came, or were solved, in the last thirty days. ``late`` are open ones
    beyond their time; ``confirmed`` and ``unanswered`` are told apart."""

    reported: int
    open: int
    late: int
    confirmed: int
    unanswered: int
    asked: int
    reopened: int
    refused: int

    @property
    def solved(self) -> int:
        """Those that the department has solved."""
        return self.confirmed + self.unanswered + self.asked

    @property
    def unresolved_percent(self) -> int | None:
        """Of what ended, the share that was refused, or opened again because it was not solved; None of
        fewer than thirty."""
        ended = self.solved + self.refused + self.reopened
        return round(100 * (self.refused + self.reopened) / ended) if ended >= FEW else None


def near_reports(
    category: str, position: Position, metres: int, *, without: uuid.UUID | None = None
) -> list[NearReport]:
    """Open reports of one category within some metres, the nearest first, at most five, as the desk sees
    them: measured from where they are."""
    box = _in_box(position, metres, ProblemReport.latitude, ProblemReport.longitude)
    found = [
        (metres_between(position, where), row)
        for row in _open_in(category, box)
        if row.id != without and (where := row.position) is not None
    ]
    return _nearest(found, metres, 10)


def public_near_reports(
    category: str, position: Position, metres: int, *, without: uuid.UUID | None = None
) -> list[NearReport]:
    """The same as everyone sees them: from the position and to positions as they are told everyone. So
    those are found too that are not so near, where rounding may have moved them apart."""
    position, metres = position.public, metres + PUBLIC_METRES
    found = [
        (metres_between(position, where), row)
        for row in _open_in(category, _in_public_box(position, metres))
        if row.id != without and (where := row.public_position) is not None
    ]
    return _nearest(found, metres, 100)


def _open_in(category: str, box: Collection[ColumnElement[bool]]) -> Sequence[ProblemReport]:
    query = select(ProblemReport).where(
        ProblemReport.category == category, ProblemReport.state.in_(OPEN_STATES), *box
    )
    return db.session.scalars(query.order_by(ProblemReport.id.desc()).limit(MOST_LOOKED_AT)).all()


def _nearest(
    found: Sequence[tuple[float, ProblemReport]], metres: int, step: int
) -> list[NearReport]:
    """The nearest within some metres, told in steps of some metres."""
    within = sorted((one for one in found if one[0] <= metres), key=lambda one: one[0])
    return [NearReport(row, max(step, round(far / step) * step)) for far, row in within[:MOST_NEAR]]


def public_list(
    wanted: ListFilter, before: uuid.UUID | None = None
) -> tuple[list[ProblemReport], uuid.UUID | None]:
    """Reports that match, the newest first, twenty of them from one on; and the last of them where there
    are more. Merged ones are left out: another goes on in their place."""
    query = select(ProblemReport).where(ProblemReport.state != ReportState.MERGED)
    if wanted.category:
        query = query.where(ProblemReport.category == wanted.category)
    if wanted.state in STATE_FILTERS:
        query = query.where(ProblemReport.state.in_(STATE_FILTERS[wanted.state]))
    if wanted.near is not None:
        query = query.where(*_in_public_box(wanted.near.public, wanted.metres))
    if before is not None:
        query = query.where(ProblemReport.id < before)
    rows = list(db.session.scalars(query.order_by(ProblemReport.id.desc()).limit(PAGE + 1)))
    return rows[:PAGE], rows[PAGE - 1].id if len(rows) > PAGE else None


def figures(now: datetime) -> ReportFigures:
    """What became of the reports of the last thirty days."""
    since = now - LATELY

    def number(*conditions: ColumnElement[bool]) -> Any:
        return func.coalesce(func.sum(case((and_(*conditions), 1), else_=0)), 0)

    lately = ProblemReport.created_at >= since
    solved = ProblemReport.solved_at >= since
    is_open = ProblemReport.state.in_(OPEN_STATES)
    row = db.session.execute(
        select(
            number(lately),
            number(is_open),
            number(is_open, ProblemReport.due_at < now),
            number(solved, ProblemReport.state == ReportState.CONFIRMED),
            number(solved, ProblemReport.state == ReportState.UNANSWERED),
            number(solved, ProblemReport.state == ReportState.SOLVED),
            number(ProblemReport.reopened > 0, ProblemReport.opened_at >= since),
            number(ProblemReport.state == ReportState.REFUSED, ProblemReport.closed_at >= since),
        ).where(or_(lately, is_open, solved, ProblemReport.closed_at >= since))
    ).one()
    return ReportFigures(*(int(one) for one in row))


def kept_promises(now: datetime) -> dict[str, int]:
    """By category, the percentage of what was solved in the last thirty days that was solved in time;
    categories with fewer than thirty are left out."""
    in_time = func.sum(case((ProblemReport.solved_at <= ProblemReport.due_at, 1), else_=0))
    query = (
        select(ProblemReport.category, func.count(ProblemReport.id), in_time)
        .where(ProblemReport.solved_at >= now - LATELY, ProblemReport.state.in_(SOLVED_STATES))
        .group_by(ProblemReport.category)
    )
    return {
        category: round(100 * int(kept) / int(total))
        for category, total, kept in db.session.execute(query)
        if total >= FEW
    }


def steps_of(report_id: uuid.UUID) -> list[ProblemReportStep]:
    """What happened to a report, the newest first."""
    query = select(ProblemReportStep).where(ProblemReportStep.report_id == report_id)
    return list(db.session.scalars(query.order_by(ProblemReportStep.id.desc())))


def notes_of(report_id: uuid.UUID) -> list[ProblemReportNote]:
    """What whoever reported it wrote, in order."""
    query = select(ProblemReportNote).where(ProblemReportNote.report_id == report_id)
    return list(db.session.scalars(query.order_by(ProblemReportNote.id)))


def photos_of(report_id: uuid.UUID, *, released: bool) -> list[ProblemReportPhoto]:
    """Photographs of whoever reported it, in order, without their content; ``released`` gives only what
    everyone may see."""
    query = select(ProblemReportPhoto).where(ProblemReportPhoto.report_id == report_id)
    if released:
        query = query.where(ProblemReportPhoto.released_at.is_not(None))
    return list(db.session.scalars(query.order_by(ProblemReportPhoto.id)))


def first_released(report_ids: Collection[uuid.UUID]) -> dict[uuid.UUID, uuid.UUID]:
    """The key of the first photograph that everyone may see, of each of some reports that has one."""
    query = (
        select(ProblemReportPhoto.report_id, ProblemReportPhoto.id)
        .where(
            ProblemReportPhoto.report_id.in_(list(report_ids)),
            ProblemReportPhoto.released_at.is_not(None),
        )
        .order_by(ProblemReportPhoto.id.desc())
    )
    return {row.report_id: row.id for row in db.session.execute(query)}  # the first one stands last


def answer_photos(step_ids: Collection[uuid.UUID]) -> dict[uuid.UUID, list[uuid.UUID]]:
    """The keys of the department's photographs, by step."""
    query = (
        select(ProblemAnswerPhoto.step_id, ProblemAnswerPhoto.id)
        .where(ProblemAnswerPhoto.step_id.in_(list(step_ids)))
        .order_by(ProblemAnswerPhoto.id)
    )
    found: dict[uuid.UUID, list[uuid.UUID]] = {}
    for step, key in db.session.execute(query):
        found.setdefault(step, []).append(key)
    return found


def photo_content(photo_id: uuid.UUID, may_see: Callable[[ProblemReport], bool]) -> bytes:
    """A photograph: the department's, one that was released, or one of a report of which whoever asks
    ``may_see`` all.

    Raises:
        NotFound: There is none, or it is not for whoever asks.
    """
    answered = db.session.scalars(
        select(ProblemAnswerPhoto.content).where(ProblemAnswerPhoto.id == photo_id)
    ).one_or_none()
    if answered is not None:
        return answered
    found = db.session.execute(
        # the report whole, so that staff who look are noted
        select(ProblemReportPhoto.content, ProblemReportPhoto.released_at, ProblemReport)
        .join(ProblemReport, ProblemReport.id == ProblemReportPhoto.report_id)
        .where(ProblemReportPhoto.id == photo_id)
    ).one_or_none()
    if found is None:
        raise NotFound
    content: bytes
    content, released_at, report = found
    if released_at is None and not may_see(report):
        raise NotFound
    return content


def numbers_of(report_ids: Collection[uuid.UUID]) -> dict[uuid.UUID, str]:
    """The public numbers of some reports."""
    query = select(ProblemReport.id, ProblemReport.number).where(
        ProblemReport.id.in_(list(report_ids))
    )
    return {row.id: row.number for row in db.session.execute(query)}


def _in_public_box(position: Position, metres: int) -> tuple[ColumnElement[bool], ...]:
    return _in_box(position, metres, ProblemReport.public_latitude, ProblemReport.public_longitude)


def _in_box(
    position: Position,
    metres: int,
    latitude: InstrumentedAttribute[float | None],
    longitude: InstrumentedAttribute[float | None],
) -> tuple[ColumnElement[bool], ...]:
    """The condition that finds rows in the box around a position, by an index that both databases use."""
    box = box_around(position, metres)
    return (
        latitude.between(box.south, box.north),
        longitude.between(box.west, box.east),
    )
