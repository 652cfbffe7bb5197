"""What the desk looks at: reports by what is to be done, the late ones first; told without their reporters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, Select, func, select

from smartcity_saas.database import db
from smartcity_saas.services.problem_reports.models import (
    OPEN_STATES,
    SOLVED_STATES,
    ProblemReport,
    ReportState,
)

MOST_SHOWN = 100
MOST_EXPORTED = 100_000

QUEUES: Mapping[str, tuple[ReportState, ...]] = {
    "open": OPEN_STATES,
    "late": OPEN_STATES,
    "received": (ReportState.RECEIVED,),
    "waiting": (ReportState.WAITING,),
    "solved": SOLVED_STATES,
    "refused": (ReportState.REFUSED,),
    "merged": (ReportState.MERGED,),
    "all": tuple(ReportState),
}
_COLUMNS: tuple[Any, ...] = (
    ProblemReport.id,
    ProblemReport.number,
    ProblemReport.category,
    ProblemReport.place,
    ProblemReport.department,
    ProblemReport.state,
    ProblemReport.created_at,
    ProblemReport.due_at,
    ProblemReport.solved_at,
    ProblemReport.closed_at,
    ProblemReport.reopened,
)


def queue(
    name: str, category: str, department: str, text: str, now: datetime, *, limit: int = MOST_SHOWN
) -> Sequence[Row[Any]]:
    """The reports of a queue (a key of ``QUEUES``), by category, department and number where these are not
    empty; what is due first stands first, so the late ones do."""
    query = _narrowed(select(*_COLUMNS), name, category, department, now)
    if text:
        query = query.where(ProblemReport.number == text)
    return db.session.execute(
        query.order_by(ProblemReport.due_at, ProblemReport.id).limit(limit)
    ).all()


def queue_sizes(now: datetime) -> dict[str, int]:
    """How many reports each queue holds."""
    rows = db.session.execute(
        select(ProblemReport.state, func.count(ProblemReport.id)).group_by(ProblemReport.state)
    )
    by_state = {state: int(number) for state, number in rows}
    found = {
        name: sum(by_state.get(state, 0) for state in states) for name, states in QUEUES.items()
    }
    late = _narrowed(select(func.count(ProblemReport.id)), "late", "", "", now)
    return {**found, "late": int(db.session.scalar(late) or 0)}


def _narrowed(
    query: Select[Any], name: str, category: str, department: str, now: datetime
) -> Select[Any]:
    query = query.where(ProblemReport.state.in_(QUEUES.get(name, OPEN_STATES)))
    if name == "late":
        query = query.where(ProblemReport.due_at < now)
    if category:
        query = query.where(ProblemReport.category == category)
    if department:
        query = query.where(ProblemReport.department == department)
    return query
