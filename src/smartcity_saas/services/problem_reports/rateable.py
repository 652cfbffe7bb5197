"""What of problem reports residents rate: how one was dealt with, once it is closed."""

from __future__ import annotations

import uuid
from datetime import datetime

from sqlalchemy import select

from smartcity_saas.catalog.rateable import FinishedAct, RateableAct
from smartcity_saas.database import db
from smartcity_saas.identity.residents.accounts import SignedInResident
from smartcity_saas.services.problem_reports.models import ProblemReport
from smartcity_saas.services.problem_reports.names import ROOT

REPORT = "report"


def _closed(resident: SignedInResident, key: uuid.UUID, now: datetime) -> FinishedAct | None:
    """A report that is closed, other than by another's going on in its place. One that is not solved is
    opened again on its own page, before that."""
    found = db.session.scalars(
        select(ProblemReport).where(
            ProblemReport.id == key, ProblemReport.resident_id == resident.id
        )
    ).one_or_none()
    if found is None or found.closed_at is None or found.is_merged:
        return None
    return FinishedAct(found.closed_at, f"{ROOT}/{found.number}")


acts = {
    REPORT: RateableAct(
        {"zh": "上报的问题", "en": "Reported problem"},
        _closed,
        {
            "only_patched": {"zh": "只是临时处理", "en": "Only patched up"},
            "reason_missing": {"zh": "没说清理由", "en": "No clear reason"},
        },
    )
}
