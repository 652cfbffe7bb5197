"""What becomes of a report: the desk assigns it, answers, merges or refuses it; whoever reported it says
whether it is solved."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from contextlib import suppress
from datetime import date, datetime, timedelta
from typing import Any

from flask_babel import lazy_gettext as _
from sqlalchemy import delete, func, select, update

from smartcity_saas.audit import Actor, record, system
from smartcity_saas.clock import today_in
from smartcity_saas.database import db, insert_once, transaction
from smartcity_saas.errors import Conflict, FieldErrors, NotFound
from smartcity_saas.measures import Measure, count
from smartcity_saas.outbox import enqueue
from smartcity_saas.services.problem_reports.categories import Category, report_rules
from smartcity_saas.services.problem_reports.models import (
    OPEN_STATES,
    ProblemFollow,
    ProblemReport,
    ProblemReportNote,
    ProblemReportPhoto,
    ProblemReportStep,
    ReportState,
    StepKind,
)
from smartcity_saas.services.problem_reports.names import SERVICE, TELL
from smartcity_saas.services.problem_reports.reading import (
    LONGEST_PLACE,
    answer_photo_rows,
    is_a_line,
    photo_rows,
    read_words,
)
from smartcity_saas.services.problem_reports.reporting import by_id, by_number, note_sent
from smartcity_saas.tenancy.current import current_city

MOST_PHOTOS_OF_ONE, MOST_NOTES_OF_ONE = 12, 30
"""Of one report, however often it is added to or opened again."""
LONGEST_ANSWER = 1_000
FALLBACK_DAYS = timedelta(days=7)
"""The time limit of a report that is opened again after its category was taken out of the document."""


def assign(actor: Actor, report_id: uuid.UUID, department: str, now: datetime) -> None:
    """Give an open report to a department of the city's.

    Raises:
        NotFound: There is no such report.
        FieldErrors: There is no such department.
        Conflict: It is not open any more.
    """
    if department not in report_rules(current_city()).departments:
        raise FieldErrors({"department": _("Choose one of the departments.")})
    with transaction():
        row = _open_report(report_id)
        row.department = department
        promised = row.assign_by if row.is_received else None
        row.move(ReportState.ASSIGNED, now)
        _step(row, StepKind.ASSIGNED, now, by=actor.label, promised_by=promised)
        record(actor, f"{SERVICE}.assign", row.number, {"department": department}, now)


def begin_work(actor: Actor, report_id: uuid.UUID, now: datetime) -> None:
    """Note that the department has begun.

    Raises:
        NotFound: There is no such report.
        Conflict: It is not open any more.
    """
    with transaction():
        row = _open_report(report_id)
        row.move(ReportState.IN_PROGRESS, now)
        _step(row, StepKind.IN_PROGRESS, now, by=actor.label)
        record(actor, f"{SERVICE}.begin", row.number, {}, now)


def wait(
    actor: Actor, report_id: uuid.UUID, words: str, expected_on: date | None, now: datetime
) -> None:
    """Say what is waited for, and until which day; the promise of its category stands, and the report is
    late after it.

    Raises:
        NotFound: There is no such report.
        FieldErrors: No reason, or a day that is over.
        Conflict: It is not open any more.
    """
    errors: dict[str, Any] = {}
    if expected_on is None or expected_on < today_in(current_city().timezone, now):
        errors["expected_on"] = _("Enter a day from today on.")
    words = _answer(words, errors)
    with transaction():
        row = _open_report(report_id)
        row.expected_on = expected_on
        row.move(ReportState.WAITING, now)
        _step(row, StepKind.WAITING, now, words=words, by=actor.label, expected_on=expected_on)
        record(actor, f"{SERVICE}.wait", row.number, {}, now)


def solve(
    actor: Actor, report_id: uuid.UUID, words: str, photos: Sequence[bytes], now: datetime
) -> None:
    """Say that it is solved and what was done, with photographs that were made anew already. Those that
    were merged into it are told too.

    Raises:
        NotFound: There is no such report.
        FieldErrors: No words.
        Conflict: It is not open any more.
    """
    words = _answer(words, {})
    with transaction() as session:
        row = _open_report(report_id)
        row.move(ReportState.SOLVED, now)
        step = _step(row, StepKind.SOLVED, now, words=words, by=actor.label)
        session.add_all(answer_photo_rows(step.id, photos, now))
        record(actor, f"{SERVICE}.solve", row.number, {}, now)
        count(SERVICE, Measure.DONE, now, waited=now - row.opened_at)
        if row.is_late(now):
            count(SERVICE, Measure.LATE, now)


def refuse(actor: Actor, report_id: uuid.UUID, words: str, now: datetime) -> None:
    """Do not take it on, and say why.

    Raises:
        NotFound: There is no such report.
        FieldErrors: No reason.
        Conflict: It is not open any more.
    """
    words = _answer(words, {})
    with transaction():
        row = _open_report(report_id)
        row.move(ReportState.REFUSED, now)
        _step(row, StepKind.REFUSED, now, words=words, by=actor.label)
        record(actor, f"{SERVICE}.refuse", row.number, {}, now)
        count(SERVICE, Measure.FAILED, now)


def merge(actor: Actor, report_id: uuid.UUID, number: str, now: datetime) -> ProblemReport:
    """Let another report, by its number, go on in the place of this one. Whoever reported or followed this
    one follows that one; what was merged into this one is merged into that one.

    Raises:
        NotFound: There is no such report.
        FieldErrors: No other report that goes on has that number.
        Conflict: It is not open any more.
    """
    try:
        target_id = by_number(number.strip()).id
    except NotFound as error:
        raise FieldErrors({"number": error.detail}) from None
    if target_id == report_id:
        raise FieldErrors({"number": _("This is the report itself. Enter the other one's number.")})
    with transaction() as session:
        locked = {
            row.id: row
            for row in session.scalars(
                select(ProblemReport)
                .where(ProblemReport.id.in_((report_id, target_id)))
                .order_by(ProblemReport.id)
                .with_for_update()
            )
        }
        if report_id not in locked or target_id not in locked:
            raise NotFound(_("We cannot find that report."))
        row, target = locked[report_id], locked[target_id]
        _require_open(row)
        if target.is_closed:
            raise FieldErrors(
                {"number": _("That report is closed. Choose one that is not closed yet.")}
            )
        row.move(ReportState.MERGED, now)
        row.merged_into_id = target.id
        session.execute(
            update(ProblemReport)
            .where(ProblemReport.merged_into_id == row.id)
            .values(merged_into_id=target.id)
        )
        _move_followers(row, target, now)
        _step(row, StepKind.MERGED, now, by=actor.label)
        record(actor, f"{SERVICE}.merge", row.number, {"into": target.number}, now)
    return target


def release(
    actor: Actor,
    report_id: uuid.UUID,
    words: str,
    photos: Sequence[str],
    now: datetime,
    *,
    place: bool = False,
) -> None:
    """Let everyone read some words, see the photographs that are named, and read the ``place``; what is
    not named is taken back.

    Raises:
        NotFound: There is no such report.
        FieldErrors: Too many words.
    """
    if len(words.strip()) > LONGEST_ANSWER:
        raise FieldErrors({"public_words": _("At most %(most)s characters.", most=LONGEST_ANSWER)})
    with transaction() as session:
        row = by_id(report_id, lock=True)
        row.public_words, row.updated_at = words.strip(), now
        row.place_released = place
        for photo in session.scalars(
            select(ProblemReportPhoto).where(ProblemReportPhoto.report_id == row.id)
        ):
            shown = str(photo.id) in photos
            photo.released_at = (photo.released_at or now) if shown else None
        record(actor, f"{SERVICE}.release", row.number, {"photos": len(photos)}, now)


def correct(actor: Actor, report_id: uuid.UUID, category: str, place: str, now: datetime) -> None:
    """Put right what it is and where. Another category brings its own time limit, from when the report
    came.

    Raises:
        NotFound: There is no such report.
        FieldErrors: There is no such category, or the place says nothing or too much.
        Conflict: It is to be of another category, and not open any more.
    """
    rules, place = report_rules(current_city()), place.strip()
    if not 1 <= len(place) <= LONGEST_PLACE or not is_a_line(place):
        raise FieldErrors({"place": _("Write the place in one line of at most 120 characters.")})
    with transaction():
        row = by_id(report_id, lock=True)
        if row.category != category:
            _require_open(row)
            if category not in rules.categories:
                raise FieldErrors({"category": _("Choose what the problem is.")})
            row.category = category
            row.assign_by, row.due_at = limits(row.opened_at, rules.categories[category])
        row.place, row.updated_at = place, now
        record(actor, f"{SERVICE}.correct", row.number, {"category": category}, now)


def confirm(actor: Actor, report_id: uuid.UUID, now: datetime) -> None:
    """Whoever reported it says that it is solved; saying it again changes nothing.

    Raises:
        NotFound: There is no such report.
        Conflict: It is not solved, or closed by now.
    """
    with transaction():
        row = by_id(report_id, lock=True)
        if row.state == ReportState.CONFIRMED:
            return
        if not row.is_solved:
            raise Conflict(_("This report is not waiting for your answer any more."))
        row.move(ReportState.CONFIRMED, now)
        _step(row, StepKind.CONFIRMED, now)
        record(actor, f"{SERVICE}.confirm", row.number, {}, now)


def can_reopen(row: ProblemReport, now: datetime) -> bool:
    """Whether it can be said that it is not solved: within the city's days after it was solved."""
    return row.is_solved and now < reopen_until(row)


def reopen_until(row: ProblemReport) -> datetime:
    """By when it can be said that a solved one is not solved."""
    days = timedelta(days=report_rules(current_city()).reopen_days)
    return (row.solved_at or row.updated_at) + days


def reopen(
    actor: Actor,
    report_id: uuid.UUID,
    words: str,
    photos: Sequence[bytes],
    now: datetime,
    *,
    form_hash: str | None = None,
) -> None:
    """Open it again, with words, photographs that were made anew already, or both. Its time limits begin
    again, and it stands first with the desk. A form that is sent again (``form_hash``) changes nothing.

    Raises:
        NotFound: There is no such report.
        FieldErrors: Neither words nor a photograph, or too many words.
        Conflict: It is not solved, or the days for it are over.
    """
    missing = _("Send a photo, or write what is still wrong.")
    words = read_words(words, photos, missing)
    with transaction():
        row = by_id(report_id, lock=True)
        if not note_sent(row.id, form_hash, now):
            return
        if not can_reopen(row, now):
            raise Conflict(_("This report can no longer be opened again. You can report it anew."))
        row.reopen(now, *limits(now, report_rules(current_city()).categories.get(row.category)))
        _keep(row, words, photos, now)
        _step(row, StepKind.REOPENED, now, promised_by=row.assign_by)
        record(actor, f"{SERVICE}.reopen", row.number, {}, now)
        count(SERVICE, Measure.NOT_SOLVED, now)
        count(SERVICE, Measure.REOPENED, now)


def add_to(
    actor: Actor,
    report_id: uuid.UUID,
    words: str,
    photos: Sequence[bytes],
    now: datetime,
    *,
    form_hash: str | None = None,
) -> None:
    """Add words or photographs, made anew already, to an open report. A form that is sent again
    (``form_hash``) changes nothing.

    Raises:
        NotFound: There is no such report.
        FieldErrors: Neither, or too many words.
        Conflict: It is not open any more.
    """
    words = read_words(words, photos, _("Write something, or choose a photo."))
    with transaction():
        row = _open_report(report_id)
        if not note_sent(row.id, form_hash, now):
            return
        _keep(row, words, photos, now)
        row.updated_at = now
        record(actor, f"{SERVICE}.add", row.number, {}, now)


def require_places(report_id: uuid.UUID, words: str, photos: int) -> None:
    """Refuse more words or photographs than a report takes.

    Args:
        report_id: The report's key.
        words: What is to be added, which may be empty.
        photos: How many are to be added.

    Raises:
        FieldErrors: There are too many.
    """
    errors: dict[str, Any] = {}
    if photos and _number_of(ProblemReportPhoto, report_id) + photos > MOST_PHOTOS_OF_ONE:
        errors["photos"] = _("A report has at most %(most)s photos.", most=MOST_PHOTOS_OF_ONE)
    if words.strip() and _number_of(ProblemReportNote, report_id) >= MOST_NOTES_OF_ONE:
        errors["words"] = _("Nothing more can be added to this report. Call the hotline.")
    if errors:
        raise FieldErrors(errors)


def close_unanswered(now: datetime) -> None:
    """Close what was solved and nobody has said of within the city's days that it is not."""
    days = timedelta(days=report_rules(current_city()).reopen_days)
    query = select(ProblemReport.id).where(
        ProblemReport.state == ReportState.SOLVED, ProblemReport.solved_at <= now - days
    )
    for key in list(db.session.scalars(query)):
        with transaction(), suppress(NotFound):
            row = by_id(key, lock=True)
            if row.is_solved and not can_reopen(row, now):
                row.move(ReportState.UNANSWERED, now)
                _step(row, StepKind.UNANSWERED, now)
                record(system("problem-reports"), f"{SERVICE}.close", row.number, {}, now)


def limits(begun: datetime, category: Category | None) -> tuple[datetime, datetime]:
    """By when a report is assigned, and by when solved, that came or was opened again at a moment."""
    if category is None:
        return begun + timedelta(days=1), begun + FALLBACK_DAYS
    return category.assign_by(begun), category.due_at(begun, current_city().timezone)


def merged_count(report_id: uuid.UUID) -> int:
    """How many reports were merged into one."""
    query = select(func.count(ProblemReport.id)).where(ProblemReport.merged_into_id == report_id)
    return int(db.session.scalar(query) or 0)


def _move_followers(row: ProblemReport, target: ProblemReport, now: datetime) -> None:
    follows = select(ProblemFollow).where(ProblemFollow.report_id == row.id)
    people = [one.resident_id for one in db.session.scalars(follows)]
    if row.resident_id is not None:
        people.append(row.resident_id)
    for person in people:
        if person != target.resident_id:
            insert_once(
                ProblemFollow,
                ("report_id", "resident_id"),
                report_id=target.id,
                resident_id=person,
                created_at=now,
            )
    db.session.execute(delete(ProblemFollow).where(ProblemFollow.report_id == row.id))


def _open_report(report_id: uuid.UUID) -> ProblemReport:
    row = by_id(report_id, lock=True)
    _require_open(row)
    return row


def _require_open(row: ProblemReport) -> None:
    if row.state not in OPEN_STATES:
        raise Conflict(_("This report is not open any more."))


def _answer(words: str, errors: dict[str, Any]) -> str:
    words = words.strip()
    if not 1 <= len(words) <= LONGEST_ANSWER:
        errors["words"] = _("Write the answer, in 1 to 1,000 characters. Everyone can read it.")
    if errors:
        raise FieldErrors(errors)
    return words


def _number_of(model: type[ProblemReportNote | ProblemReportPhoto], report_id: uuid.UUID) -> int:
    query = select(func.count(model.id)).where(model.report_id == report_id)
    return int(db.session.scalar(query) or 0)


def _keep(row: ProblemReport, words: str, photos: Sequence[bytes], now: datetime) -> None:
    require_places(row.id, words, len(photos))
    if words:
        db.session.add(ProblemReportNote(report_id=row.id, words=words, created_at=now))
    db.session.add_all(photo_rows(row.id, photos, now))


def _step(row: ProblemReport, kind: StepKind, now: datetime, **said: Any) -> ProblemReportStep:
    """Write what happened, and have it told after the commit to whoever wants to hear it."""
    step = ProblemReportStep(report_id=row.id, kind=kind, at=now, department=row.department, **said)
    db.session.add(step)
    db.session.flush()
    enqueue(TELL, {"step": str(step.id)}, now)
    return step
