"""Making a report, and what belongs to whoever made it."""

from __future__ import annotations

import re
import secrets
import unicodedata
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from flask_babel import lazy_gettext as _
from sqlalchemy import bindparam, case, delete, select, union_all

from smartcity_saas.addresses import network_of
from smartcity_saas.audit import Actor, record
from smartcity_saas.clock import local_time
from smartcity_saas.database import CITY, db, insert_once, load, one_or_404, table_of, transaction
from smartcity_saas.errors import Conflict, FieldErrors, NotFound
from smartcity_saas.identity.rate_limits import count_attempt
from smartcity_saas.identity.residents.accounts import SignedInResident
from smartcity_saas.identity.residents.models import ResidentAttempt
from smartcity_saas.identity.tokens import token_hash
from smartcity_saas.measures import Measure, count
from smartcity_saas.outbox import enqueue
from smartcity_saas.services.problem_reports.categories import report_rules
from smartcity_saas.services.problem_reports.models import (
    OPEN_STATES,
    ProblemFollow,
    ProblemReport,
    ProblemReportForm,
    ProblemReportNote,
    ProblemReportPhoto,
    ProblemReportStep,
    ProblemReportUpload,
    ReportState,
    StepKind,
)
from smartcity_saas.services.problem_reports.names import SERVICE, TELL
from smartcity_saas.services.problem_reports.reading import (
    NewReport,
    photo_rows,
    read_photos,
    upload_rows,
)
from smartcity_saas.tenancy.current import current_city
from smartcity_saas.tenancy.storage import has_share

MOST_SENT = 30
"""Forms of a resident, or of a network that nobody has signed in from, in an hour, whatever is in them."""
MOST_BY_ONE = 20
MOST_BY_NETWORK = 5
HOUR = timedelta(hours=1)
UNFINISHED_FOR = timedelta(days=1)
"""How long photographs of a form are kept for it, and what says that it was sent already."""
MOST_UPLOADS = 12
UPLOADS_PERCENT = 2
"""Of the city's storage: what photographs of unfinished forms may take together."""
MOST_CODES = 10
"""How often one network may try numbers with codes in five minutes."""
NUMBER = re.compile(r"[0-9]{6}-[0-9]{5}")
"""What a number looks like."""
_CODE_CHARACTERS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Crockford's alphabet of 32, without I, L, O and U: a code is read out and typed on a phone."""
_CODE_LENGTH = 12
_MOST_NUMBERS = 20
_DIGITS = 11
"""Of a number: those of the day, and five drawn by lot."""


@dataclass(frozen=True)
class Reporter:
    """Whoever makes a report: a resident, or the client of an API, or nobody who signed in, from an
    address. ``told`` is whether a resident wants messages of it."""

    actor: Actor
    resident: SignedInResident | None = None
    client_id: str | None = None
    address: str = ""
    told: bool = False

    @property
    def counted_by(self) -> str:
        """Whose attempts are counted: a resident's, else those of a network."""
        return str(self.resident.id) if self.resident else network_of(self.address)


@dataclass(frozen=True)
class MadeReport:
    """A new report, and the code by which whoever did not sign in follows it."""

    report: ProblemReport
    code: str | None


def count_sent(reporter: Reporter, now: datetime) -> None:
    """Count a form before anything of it is looked at: whatever becomes of it, it takes time and room.

    Raises:
        Throttled: Too many from the same person or network.
    """
    count_attempt(ResidentAttempt, f"report-sent:{reporter.counted_by}", MOST_SENT, now, HOUR)


def report_problem(
    reporter: Reporter,
    told: NewReport,
    uploads: Sequence[bytes],
    now: datetime,
    *,
    kept: Sequence[bytes] = (),
    form_hash: str | None = None,
) -> MadeReport:
    """Take a report. Its department and its time limits are those of its category. The same form again
    is the same report; whoever did not sign in is given another code for it, the first one being lost.

    Args:
        reporter: Who makes it.
        told: What was told.
        uploads: Files, of which photographs are made once the attempt is counted.
        now: The time.
        kept: Photographs that ``kept_uploads`` gave.
        form_hash: By what the same form is known when it comes again.

    Raises:
        FieldErrors: There are too many photographs, one is none, or there is no room for them.
        Throttled: Too many from the same person or network.
    """
    if (before := _sent_already(form_hash, reporter)) is not None:
        return before
    if reporter.resident is not None:
        count_attempt(ResidentAttempt, f"report:{reporter.counted_by}", MOST_BY_ONE, now, HOUR)
    elif reporter.client_id is None:
        count_attempt(ResidentAttempt, f"report:{reporter.counted_by}", MOST_BY_NETWORK, now, HOUR)
    errors: dict[str, Any] = {}
    photos = (*kept, *read_photos(uploads, errors, len(kept)))
    if errors:
        raise FieldErrors(errors)
    try:
        return _make(reporter, told, photos, form_hash, now)
    except _SentMeanwhile:
        made = _sent_already(form_hash, reporter)
        if made is None:
            raise Conflict(_("The same report is being sent. Look at your reports.")) from None
        return made


class _SentMeanwhile(Exception):
    """The same form has become a report since it was looked for."""


def _make(
    reporter: Reporter,
    told: NewReport,
    photos: Sequence[bytes],
    form_hash: str | None,
    now: datetime,
) -> MadeReport:
    city = current_city()
    code = _code_for(reporter)
    with transaction() as session:
        key = _insert(reporter, told, code, now)
        if not note_sent(key, form_hash, now):
            raise _SentMeanwhile
        row = session.scalars(select(ProblemReport).where(ProblemReport.id == key)).one()
        if told.words:
            session.add(ProblemReportNote(report_id=key, words=told.words, created_at=now))
        session.add_all(photo_rows(key, photos, now))
        step = ProblemReportStep(
            report_id=key,
            kind=StepKind.RECEIVED,
            at=now,
            department=told.category.department,
            promised_by=told.category.assign_by(now),
        )
        session.add(step)
        session.flush()
        if reporter.resident is not None:
            enqueue(TELL, {"step": str(step.id)}, now)
        record(reporter.actor, f"{SERVICE}.report", row.number, {"city": city.slug}, now)
        count(SERVICE, Measure.BEGUN, now)
    return MadeReport(row, code)


def note_sent(report_id: uuid.UUID, form_hash: str | None, now: datetime) -> bool:
    """Note, within a transaction, that a form was sent for a report. False where it was sent before; a
    form by nothing of its own, None, never was."""
    if form_hash is None:
        return True
    values = {"form_hash": form_hash, "report_id": report_id, "created_at": now}
    return insert_once(ProblemReportForm, ("form_hash",), **values) is not None


def was_sent(form_hash: str | None) -> bool:
    """Whether a form was sent before."""
    query = select(ProblemReportForm.id).where(ProblemReportForm.form_hash == form_hash)
    return form_hash is not None and db.session.scalar(query) is not None


def _sent_already(form_hash: str | None, reporter: Reporter) -> MadeReport | None:
    """The report that a form has become, with the code that holds from now on; None where there is none."""
    if form_hash is None:
        return None
    query = (
        select(ProblemReport)
        .join(ProblemReportForm, ProblemReportForm.report_id == ProblemReport.id)
        .where(ProblemReportForm.form_hash == form_hash)
    )
    code = _code_for(reporter)
    with transaction() as session:
        row = session.scalars(query).one_or_none()
        if row is None:
            return None
        if code is not None:
            row.code_hash = token_hash(code)
    return MadeReport(row, code)


def _code_for(reporter: Reporter) -> str | None:
    return None if reporter.resident or reporter.client_id else _new_code()


def _insert(reporter: Reporter, told: NewReport, code: str | None, now: datetime) -> uuid.UUID:
    """Store a report under a number that is free: the day, and five digits drawn by lot."""
    city, category = current_city(), told.category
    day = local_time(now, city.timezone)
    for _try in range(_MOST_NUMBERS):
        key = insert_once(
            ProblemReport,
            ("number",),
            number=f"{day:%y%m%d}-{secrets.randbelow(100_000):05}",
            resident_id=reporter.resident.id if reporter.resident else None,
            code_hash=token_hash(code) if code else None,
            client_id=reporter.client_id,
            category=category.code,
            department=category.department,
            place=told.place,
            place_released=reporter.resident is not None or reporter.client_id is not None,
            latitude=told.position.latitude if told.position else None,
            longitude=told.position.longitude if told.position else None,
            public_latitude=told.position.public.latitude if told.position else None,
            public_longitude=told.position.public.longitude if told.position else None,
            state=ReportState.RECEIVED,
            created_at=now,
            opened_at=now,
            updated_at=now,
            assign_by=category.assign_by(now),
            due_at=category.due_at(now, city.timezone),
            reopened=0,
            told=reporter.told,
            public_words="",
            sample=bool(reporter.resident and reporter.resident.demo),
        )
        if key is not None:
            return key
    raise Conflict(_("Too many reports came in at this moment. Send it again."))


def _new_code() -> str:
    return "".join(secrets.choice(_CODE_CHARACTERS) for _place in range(_CODE_LENGTH))


def spaced(code: str) -> str:
    """A code as it is read out, in groups of four."""
    return " ".join(code[at : at + 4] for at in range(0, len(code), 4))


def report_of_code(number: str, code: str, address: str, now: datetime) -> ProblemReport:
    """The report of a number and its code, for whoever did not sign in. What is typed may have spaces,
    full-width and small letters, and O for 0, I or L for 1 (Crockford).

    Raises:
        NotFound: No such number, or another code: the two answer alike.
        Throttled: Too many tries from the same network.
    """
    count_attempt(ResidentAttempt, f"report-code:{network_of(address)}", MOST_CODES, now)
    plain = "".join(unicodedata.normalize("NFKC", code).upper().replace("-", " ").split())
    plain = plain.translate(str.maketrans("OIL", "011"))
    query = select(ProblemReport).where(
        ProblemReport.number == plain_number(number),
        ProblemReport.code_hash == token_hash(plain),
    )
    return one_or_404(
        query, _("No report has this number and code. Check both, or call the hotline.")
    )


def plain_number(typed: str) -> str:
    """A report's number as it is stored: full-width digits, spaces and a missing hyphen are forgiven."""
    digits = "".join(one for one in unicodedata.normalize("NFKC", typed) if one.isdecimal())
    return f"{digits[:6]}-{digits[6:]}" if len(digits) == _DIGITS else typed.strip()[:40]


def by_number(number: str) -> ProblemReport:
    """A report by its public number.

    Raises:
        NotFound: There is none.
    """
    query = select(ProblemReport).where(ProblemReport.number == number[:40])
    return one_or_404(query, _("We cannot find that report."))


def by_id(report_id: uuid.UUID, *, lock: bool = False) -> ProblemReport:
    """A report by its key.

    Raises:
        NotFound: There is none.
    """
    query = select(ProblemReport).where(ProblemReport.id == report_id)
    return one_or_404(query.with_for_update() if lock else query, _("We cannot find that report."))


def report_of(resident: SignedInResident, number: str) -> ProblemReport | None:
    """A resident's own report by its number; None where they have none of it."""
    query = select(ProblemReport).where(
        ProblemReport.number == number, ProblemReport.resident_id == resident.id
    )
    return db.session.scalars(query).one_or_none()


_report, _follow = table_of(ProblemReport), table_of(ProblemFollow)
_OWN = _report.c.resident_id == bindparam("resident")
_REPORTS_OF = (
    select(_report)
    .where(_report.c.city_id == CITY, _OWN)
    .order_by(_report.c.id.desc())
    .limit(bindparam("most"))
)


def reports_of(resident: SignedInResident, limit: int = 100) -> list[ProblemReport]:
    """A resident's own reports, the newest first."""
    return load(ProblemReport, _REPORTS_OF, {"resident": resident.id, "most": limit})


_GOING_ON = (
    select(_report)
    .where(
        _report.c.city_id == CITY,
        _report.c.state.in_((*OPEN_STATES, ReportState.SOLVED)),
        _report.c.id.in_(
            union_all(
                select(_report.c.id).where(_report.c.city_id == CITY, _OWN),
                select(_follow.c.report_id).where(
                    _follow.c.city_id == CITY, _follow.c.resident_id == bindparam("resident")
                ),
            )
        ),
    )
    .order_by(
        case((_OWN & (_report.c.state == ReportState.SOLVED), 0), (_OWN, 1), else_=2),
        _report.c.id.desc(),
    )
    .limit(bindparam("most"))
)


def going_on_for(resident: SignedInResident, limit: int) -> list[ProblemReport]:
    """The reports of which a resident waits for something, their own and those that they follow: first
    those that wait for their answer, then their other ones, of each the newest first."""
    return load(ProblemReport, _GOING_ON, {"resident": resident.id, "most": limit})


def keep_uploads(browser_hash: str, photos: Sequence[bytes], now: datetime) -> list[uuid.UUID]:
    """Keep photographs of a form that has to be put right, for the browser that sent them; the newest
    twelve of a browser, for a day. The keys, in their order; none where such photographs take their share
    of the storage already."""
    if not has_share(ProblemReportUpload, sum(map(len, photos)), UPLOADS_PERCENT):
        return []
    with transaction() as session:
        rows = upload_rows(browser_hash, photos, now)
        session.add_all(rows)
        session.flush()
        kept = session.scalars(
            select(ProblemReportUpload.id)
            .where(ProblemReportUpload.browser_hash == browser_hash)
            .order_by(ProblemReportUpload.id.desc())
        ).all()
        if too_many := kept[MOST_UPLOADS:]:
            session.execute(delete(ProblemReportUpload).where(ProblemReportUpload.id.in_(too_many)))
    return [row.id for row in rows]


def kept_uploads(browser_hash: str, keys: Sequence[str]) -> dict[uuid.UUID, bytes]:
    """Photographs that were kept for a browser, by key, in the order of the keys; what is another
    browser's is left out."""
    wanted = []
    for key in keys[:MOST_UPLOADS]:
        try:
            wanted.append(uuid.UUID(key))
        except ValueError:
            continue
    rows = db.session.execute(
        select(ProblemReportUpload.id, ProblemReportUpload.content).where(
            ProblemReportUpload.browser_hash == browser_hash, ProblemReportUpload.id.in_(wanted)
        )
    )
    found = {row.id: row.content for row in rows}
    return {key: found[key] for key in wanted if key in found}


def kept_upload(browser_hash: str, key: uuid.UUID) -> bytes:
    """One photograph that was kept for a browser.

    Raises:
        NotFound: There is none, or it is another's.
    """
    found = kept_uploads(browser_hash, [str(key)])
    if key not in found:
        raise NotFound
    return found[key]


def drop_uploads(browser_hash: str) -> None:
    """Delete what was kept for a browser whose report has come."""
    with transaction() as session:
        session.execute(
            delete(ProblemReportUpload).where(ProblemReportUpload.browser_hash == browser_hash)
        )


def forget_forms(now: datetime) -> None:
    """Delete, after a day, photographs of forms that nobody sent again, and what says that one was sent."""
    with transaction() as session:
        for model in (ProblemReportUpload, ProblemReportForm):
            session.execute(delete(model).where(model.created_at < now - UNFINISHED_FOR))


def forget_words(now: datetime) -> None:
    """Delete residents' words, and photographs that were not released, of reports that were closed
    longer ago than the city keeps them."""
    months = report_rules(current_city()).keep_months
    old = ProblemReport.closed_at < now - timedelta(days=round(months * 30.44))
    with transaction() as session:
        for model in (ProblemReportNote, ProblemReportPhoto):
            query = select(model.id).join(ProblemReport, ProblemReport.id == model.report_id)
            if model is ProblemReportPhoto:
                query = query.where(ProblemReportPhoto.released_at.is_(None))
            keys = list(session.scalars(query.where(old).limit(1_000)))
            if keys:
                session.execute(delete(model).where(model.id.in_(keys)))


def tell_about(report_id: uuid.UUID, *, told: bool) -> None:
    """Note whether a resident wants messages of a report of theirs.

    Raises:
        NotFound: There is no such report.
    """
    with transaction():
        by_id(report_id, lock=True).told = told
