"""Following reports of others."""

from __future__ import annotations

import uuid
from collections.abc import Collection
from datetime import datetime

from flask_babel import lazy_gettext as _
from sqlalchemy import delete, func, select

from smartcity_saas.database import db, insert_once, transaction
from smartcity_saas.errors import Conflict
from smartcity_saas.identity.rate_limits import DAY, count_attempt
from smartcity_saas.identity.residents.accounts import SignedInResident
from smartcity_saas.identity.residents.models import ResidentAttempt
from smartcity_saas.services.problem_reports.models import ProblemFollow, ProblemReport
from smartcity_saas.services.problem_reports.reporting import by_id

MOST_A_DAY = 100


def follow(resident: SignedInResident, report_id: uuid.UUID, now: datetime) -> None:
    """Follow a report; following it again changes nothing.

    Raises:
        NotFound: There is no such report.
        Conflict: It is closed.
        Throttled: Too many on one day.
    """
    count_attempt(ResidentAttempt, f"follow:{resident.id}", MOST_A_DAY, now, DAY)
    with transaction():
        row = by_id(report_id, lock=True)
        if row.is_closed:
            raise Conflict(_("This report is closed, so nothing will follow."))
        if row.resident_id == resident.id:
            return  # their own
        insert_once(
            ProblemFollow,
            ("report_id", "resident_id"),
            report_id=report_id,
            resident_id=resident.id,
            created_at=now,
        )


def unfollow(resident: SignedInResident, report_id: uuid.UUID) -> None:
    """Follow a report no longer."""
    with transaction() as session:
        session.execute(
            delete(ProblemFollow).where(
                ProblemFollow.report_id == report_id, ProblemFollow.resident_id == resident.id
            )
        )


def follows(resident: SignedInResident, report_id: uuid.UUID) -> bool:
    """Whether a resident follows a report."""
    query = select(ProblemFollow.id).where(
        ProblemFollow.report_id == report_id, ProblemFollow.resident_id == resident.id
    )
    return db.session.scalar(query) is not None


def followed_by(resident: SignedInResident, limit: int = 100) -> list[ProblemReport]:
    """The reports that a resident follows, the newest first."""
    query = (
        select(ProblemReport)
        .join(ProblemFollow, ProblemFollow.report_id == ProblemReport.id)
        .where(ProblemFollow.resident_id == resident.id)
    )
    return list(db.session.scalars(query.order_by(ProblemReport.id.desc()).limit(limit)))


def follower_counts(report_ids: Collection[uuid.UUID]) -> dict[uuid.UUID, int]:
    """How many residents follow each of some reports; those that nobody follows are left out."""
    query = (
        select(ProblemFollow.report_id, func.count(ProblemFollow.id))
        .where(ProblemFollow.report_id.in_(list(report_ids)))
        .group_by(ProblemFollow.report_id)
    )
    return {key: int(number) for key, number in db.session.execute(query)}
