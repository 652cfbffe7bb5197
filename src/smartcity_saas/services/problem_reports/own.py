"""Whose report it is: a resident's, or of a browser that made it or has shown its code within the hour."""

from __future__ import annotations

import uuid
from datetime import datetime

from flask import request, session
from flask_babel import lazy_gettext as _

from smartcity_saas.audit import Actor
from smartcity_saas.errors import NotFound
from smartcity_saas.identity.authorization import current_resident
from smartcity_saas.identity.tokens import new_token, token_hash
from smartcity_saas.services.problem_reports.models import ProblemReport
from smartcity_saas.services.problem_reports.reporting import Reporter, by_number

OPENED = "problem_reports"
"""In the browser's session: which reports it may see as their reporter, and since when."""
OPENED_SECONDS = 3600
MOST_OPENED = 10
BROWSER = "problem_reports_browser"
"""In the browser's session: by what its kept photographs are known as its own."""
SHOWN_CODE = "problem_reports_code"
"""In the browser's session: a code that is shown once, on the next page."""
STRANGER = Actor("anonymous", "resident", "nothing")
"""Whoever reports without signing in, in the audit log."""


def open_for_browser(report_id: uuid.UUID, now: datetime) -> None:
    """Let this browser see a report as its reporter, for an hour."""
    opened = [one for one in session.get(OPENED, []) if one[0] != report_id.hex]
    session[OPENED] = [*opened, [report_id.hex, now.timestamp()]][-MOST_OPENED:]


def opened_here(now: datetime) -> list[uuid.UUID]:
    """The reports that this browser may see as their reporter."""
    at = now.timestamp()
    return [
        uuid.UUID(key) for key, since in session.get(OPENED, []) if 0 <= at - since < OPENED_SECONDS
    ]


def is_own(report: ProblemReport, now: datetime) -> bool:
    """Whether whoever asks made a report."""
    resident = current_resident()
    if resident is not None and report.resident_id == resident.id:
        return True
    return report.resident_id is None and report.id in opened_here(now)


def own_report(number: str, now: datetime) -> ProblemReport:
    """A report of whoever asks, by its number.

    Raises:
        NotFound: There is none, or it is another's.
    """
    report = by_number(number)
    if not is_own(report, now):
        raise NotFound(_("We cannot find that report."))
    return report


def asking_actor() -> Actor:
    """Whoever asks, in the audit log."""
    resident = current_resident()
    return resident.actor if resident is not None else STRANGER


def reporter_here(*, told: bool) -> Reporter:
    """Whoever sends the present form, as who reports."""
    return Reporter(
        asking_actor(), current_resident(), address=request.remote_addr or "", told=told
    )


def browser_hash() -> str:
    """What the photographs of this browser are kept under."""
    return token_hash(session.setdefault(BROWSER, new_token()))
