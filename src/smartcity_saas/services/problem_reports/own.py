"""Whose report it is: a resident's, or of a browser that made it or has shown its code within the hour."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime
from hashlib import sha256

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
FORM = "form"
"""The field by which a page with the form is told from another one."""
FORM_CHARACTERS = 43
"""Of ``new_token``."""
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


def new_form() -> str:
    """What tells a page with the form from another one; its browser is known from here on."""
    browser_hash()
    return new_token()


def form_hash(typed: Mapping[str, str], photos: Sequence[bytes]) -> str | None:
    """By what the present form is known when it is sent again: who sends it, the page that it stood on,
    and all that is filled in, for whoever goes back and writes something else reports something else. What
    the form does, and to which report, is known from its page, which is another each time that it is made.
    None of a form that was not made by its page.
    """
    page = request.form.get(FORM, "")
    if len(page) != FORM_CHARACTERS:
        return None
    resident = current_resident()
    who = str(resident.id) if resident is not None else browser_hash()
    files = [sha256(one).hexdigest() for one in photos]
    told = [who, page, sorted(typed.items()), sorted(request.form.getlist("kept")), files]
    return token_hash(json.dumps(told))
