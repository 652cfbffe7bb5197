"""A roll-out that a page drives: rows are done a few at a time, and any process can go on.

Processes keep no state: the file and how far it has come stand in one row, so that a roll-out
goes on after a restart, and each step is safe to repeat because each row is.
"""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

import uuid_utils.compat
from sqlalchemy import Text, Uuid, select
from sqlalchemy.orm import Mapped, mapped_column

from smartcity_saas.configuration.csv_encoding import text_of
from smartcity_saas.configuration.csv_input import Line
from smartcity_saas.configuration.documents import Documents
from smartcity_saas.configuration.onboarding_csv import (
    RollOut,
    RolloutFailed,
    RowResult,
    read_rows,
    read_table,
    refuse_too_many,
)
from smartcity_saas.configuration.onboarding_rows import FAILED
from smartcity_saas.configuration.states import CityState
from smartcity_saas.database import PlatformModel, one_or_404, transaction
from smartcity_saas.database.models import Json
from smartcity_saas.texts import lazy_gettext as _

ROWS_A_STEP = 12
MOST_LOOKED_AT = 500
"""Rows whose outcome is told before the press."""


class Rollout(PlatformModel):
    """One uploaded file and how far it has come."""

    __tablename__ = "rollout"

    id: Mapped[uuid.UUID] = mapped_column(Uuid, primary_key=True, default=uuid_utils.compat.uuid7)
    file_name: Mapped[str]
    csv: Mapped[str] = mapped_column(Text)
    encoding: Mapped[str] = mapped_column(server_default="")
    unread: Mapped[list[str]] = mapped_column(Json, server_default="[]")
    all_or_nothing: Mapped[bool]
    total: Mapped[int]
    done: Mapped[int] = mapped_column(default=0)
    results: Mapped[list[Any]]
    created_by: Mapped[str]
    created_at: Mapped[datetime]

    @property
    def stored_nothing(self) -> bool:
        """Whether it was all or nothing, and it was nothing."""
        faults = any(one["outcome"] == FAILED for one in self.results)
        return self.all_or_nothing and faults


def begin_rollout(
    documents: Documents, data: bytes, file_name: str, *, all_or_nothing: bool
) -> Rollout:
    """Take a file in.

    Raises:
        Invalid: It is no CSV with the columns that are needed.
    """
    table = read_table(data, file_name)
    rows = table.lines
    if all_or_nothing:
        refuse_too_many(rows, file_name)
    with transaction() as session:
        job = Rollout(
            file_name=file_name[:100],
            csv=text_of(data, file_name)[0],
            encoding=table.encoding,
            unread=list(table.unread),
            all_or_nothing=all_or_nothing,
            total=len(rows),
            results=[],
            created_by=documents.actor.name,
            created_at=documents.now,
        )
        session.add(job)
    return job


def rollout(documents: Documents, job_id: uuid.UUID) -> Rollout:
    """A roll-out of this actor's.

    Raises:
        NotFound: There is none, or it is someone else's.
    """
    return one_or_404(
        select(Rollout).where(Rollout.id == job_id, Rollout.created_by == documents.actor.name),
        _("We cannot find that import."),
    )


def step(documents: Documents, job_id: uuid.UUID) -> Rollout:
    """Do the next few rows. Two pages open on one roll-out do no row twice.

    Raises:
        NotFound: There is no such roll-out.
    """
    job = rollout(documents, job_id)
    if job.done >= job.total:
        return job
    results = [result.as_dict() for result in _next_results(documents, job)]
    before, after = job.done, job.done + len(results)
    with transaction() as session:
        row = session.get_one(Rollout, job.id, populate_existing=True)
        if row.done == before:
            row.done, row.results = after, [*row.results, *results]
    return row


def looked(documents: Documents, job: Rollout) -> list[RowResult]:
    """What the first rows of a roll-out would do; nothing is stored."""
    return list(_of(documents, job).look(MOST_LOOKED_AT))


def failed_rows(documents: Documents, job: Rollout) -> list[tuple[Line, str]]:
    """The rows that failed, with what is wrong with each."""
    faults = {
        one["line"]: " ".join(f"{p['message']} {p['hint']}".strip() for p in one["problems"])
        for one in job.results
        if one["outcome"] == FAILED
    }
    rows = _of(documents, job).rows
    return [(row, faults[row.number]) for row in rows if row.number in faults]


def _of(documents: Documents, job: Rollout) -> RollOut:
    """On the console a state that is left blank makes a draft: nobody goes live unasked."""
    rows = read_rows(job.csv, job.file_name)
    return RollOut(documents, rows, job.file_name, state=CityState.DRAFT)


def _next_results(documents: Documents, job: Rollout) -> list[RowResult]:
    rollout = _of(documents, job)
    if not job.all_or_nothing:
        return list(rollout.one_by_one(job.done, ROWS_A_STEP))
    try:
        return rollout.together()
    except RolloutFailed as error:
        return error.results
