"""A roll-out that a page drives: rows are done a few at a time, and any process can go on.

Processes keep no state: the file and how far it has come stand in one row, so that a roll-out
goes on after a restart, and each step is safe to repeat because each row is.
"""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

import uuid_utils.compat
from flask_babel import lazy_gettext as _
from sqlalchemy import Text, Uuid, select
from sqlalchemy.orm import Mapped, mapped_column

from smartcity_saas.configuration.documents import Documents
from smartcity_saas.configuration.rollout import RolloutFailed, read_rows, roll_out
from smartcity_saas.database import PlatformModel, command, db
from smartcity_saas.errors import NotFound

ROWS_A_STEP = 12


class Rollout(PlatformModel):
    """One uploaded file and how far it has come."""

    __tablename__ = "rollout"

    id: Mapped[uuid.UUID] = mapped_column(Uuid, primary_key=True, default=uuid_utils.compat.uuid7)
    file_name: Mapped[str]
    csv: Mapped[str] = mapped_column(Text)
    all_or_nothing: Mapped[bool]
    total: Mapped[int]
    done: Mapped[int] = mapped_column(default=0)
    results: Mapped[list[Any]]
    created_by: Mapped[str]
    created_at: Mapped[datetime]


def begin_rollout(
    documents: Documents, data: bytes, file_name: str, *, all_or_nothing: bool
) -> Rollout:
    """Take a file in.

    Raises:
        Invalid: It is no CSV with the columns that are needed.
    """
    rows = read_rows(data, file_name)
    with command() as session:
        job = Rollout(
            file_name=file_name[:100],
            csv=data.decode("utf-8-sig"),
            all_or_nothing=all_or_nothing,
            total=len(rows),
            results=[],
            created_by=documents.actor.name,
            created_at=documents.clock(),
        )
        session.add(job)
    return job


def rollout(documents: Documents, job_id: uuid.UUID) -> Rollout:
    """A roll-out of this actor's.

    Raises:
        NotFound: There is none, or it is someone else's.
    """
    found = db.session.scalars(
        select(Rollout).where(Rollout.id == job_id, Rollout.created_by == documents.actor.name)
    ).one_or_none()
    if found is None:
        raise NotFound(_("There is no such roll-out."))
    return found


def step(documents: Documents, job_id: uuid.UUID) -> Rollout:
    """Do the next few rows. Two pages open on one roll-out do no row twice.

    Raises:
        NotFound: There is no such roll-out.
    """
    job = rollout(documents, job_id)
    if job.done >= job.total:
        return job
    rows = read_rows(job.csv.encode(), job.file_name)
    upcoming = rows if job.all_or_nothing else rows[job.done : job.done + ROWS_A_STEP]
    try:
        results = [
            result.as_dict()
            for result in roll_out(
                documents, upcoming, job.file_name, all_or_nothing=job.all_or_nothing
            )
        ]
    except RolloutFailed as error:
        results = [
            {
                "line": found.line,
                "city": "",
                "outcome": "failed",
                "problems": [found.as_dict()],
            }
            for found in error.problems
        ]
    before, after = job.done, job.done + len(upcoming)
    with command() as session:
        row = session.get_one(Rollout, job.id, populate_existing=True)
        if row.done == before:
            row.done, row.results = after, [*row.results, *results]
    return row
