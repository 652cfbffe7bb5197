"""Telling residents what became of a report: whoever made it, and whoever follows it."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from flask_babel import lazy_gettext as _
from sqlalchemy import select

from smartcity_saas.database import db, transaction
from smartcity_saas.notifications import notify
from smartcity_saas.services.problem_reports.categories import report_rules
from smartcity_saas.services.problem_reports.models import (
    ProblemFollow,
    ProblemReport,
    ProblemReportStep,
    StepKind,
)
from smartcity_saas.services.problem_reports.names import ROOT, SERVICE
from smartcity_saas.tenancy.current import current_city
from smartcity_saas.web.languages import both, local

TOLD = {
    StepKind.RECEIVED: _("Received: %(what)s"),
    StepKind.ASSIGNED: _("Assigned to the department: %(what)s"),
    StepKind.WAITING: _("It takes longer: %(what)s"),
    StepKind.SOLVED: _("Solved, says the department. Is it? %(what)s"),
    StepKind.REFUSED: _("Not taken on, with the reason: %(what)s"),
    StepKind.MERGED: _("Somebody has reported the same: %(what)s"),
    StepKind.REOPENED: _("Opened again: %(what)s"),
    StepKind.UNANSWERED: _("Closed: %(what)s"),
}
"""What a message says of a step; of the other steps there is none."""


def tell_step(payload: Mapping[str, Any], now: datetime) -> None:
    """Tell a step of a report to its residents: a task of the outbox. Done again it tells nothing anew."""
    key = uuid.UUID(payload["step"])
    step = db.session.scalars(
        select(ProblemReportStep).where(ProblemReportStep.id == key)
    ).one_or_none()
    if step is None or step.kind not in TOLD:
        return
    row = step.report
    people = list(
        db.session.scalars(
            select(ProblemFollow.resident_id).where(ProblemFollow.report_id == row.id)
        )
    )
    # that it came in stands among the messages of the site in any case
    wanted = row.told or step.kind is StepKind.RECEIVED
    own = [row.resident_id] if row.resident_id is not None and wanted else []
    if step.kind is StepKind.REOPENED:
        own = []  # they did it themselves
    for person in [*own, *(one for one in people if one != row.resident_id)]:
        with transaction():
            _tell(person, row, step, now)


def _tell(
    resident_id: uuid.UUID, row: ProblemReport, step: ProblemReportStep, now: datetime
) -> None:
    name = report_rules(current_city()).category_name(row.category)
    notify(
        resident_id,
        f"{SERVICE}:{step.id}",
        both(lambda: str(TOLD[step.kind]) % {"what": f"{local(name)} {row.number}"}),
        both(lambda: step.words or _("The page of the report says how it goes on.")),
        f"{ROOT}/{row.number}",
        now,
        send=row.told or resident_id != row.resident_id,
    )
