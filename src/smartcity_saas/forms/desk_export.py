"""The queue of a form as CSV, with or without what was answered."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from flask import Response
from sqlalchemy import select
from sqlalchemy.orm import joinedload

from smartcity_saas.audit import Actor, record
from smartcity_saas.database import db, transaction
from smartcity_saas.forms.answers import asked
from smartcity_saas.forms.desk_queue import QueueFilter, QueueRow, read_queue
from smartcity_saas.forms.fields import words
from smartcity_saas.forms.models import Application
from smartcity_saas.forms.names import APPLICATIONS
from smartcity_saas.forms.stored_forms import answers_of, form_of
from smartcity_saas.tenancy.current import current_city
from smartcity_saas.web.csv_output import csv_response
from smartcity_saas.web.languages import page_language

COLUMNS = (
    "number",
    "service",
    "state",
    "received_at",
    "due_on",
    "working_days_left",
    "late",
    "taken_by",
    "decided_at",
)
MOST_EXPORTED = 20_000
MOST_ANSWERS = 2_000
"""Applications in one table with their answers: each is opened, and each look is noted."""
_PART = 200


def export_queue(service: str, show: str, actor: Actor, now: datetime) -> Response:
    """A form's queue, as far as it is shown."""
    rows = read_queue(QueueFilter([service], show), actor.name, now, MOST_EXPORTED)
    return csv_response(f"{_file_name(service)}.csv", COLUMNS, map(_cells, rows))


def export_answers(service: str, show: str, actor: Actor, now: datetime) -> Response:
    """The same with a column for each field that any of the forms has asked, in the reader's words.
    The audit log says that they were taken out."""
    rows = read_queue(QueueFilter([service], show), actor.name, now, MOST_ANSWERS)
    answers = dict(_answers([row.number for row in rows], now))
    names = list(dict.fromkeys(name for said in answers.values() for name in said))
    with transaction():
        detail = {"service": service, "count": len(rows)}
        record(actor, f"{APPLICATIONS}.export", service, detail, now)
    return csv_response(
        f"{_file_name(service)}-answers.csv",
        (*COLUMNS, *(f"answer_{name}" for name in names)),
        (
            (*_cells(row), *(answers.get(row.number, {}).get(name, "") for name in names))
            for row in rows
        ),
    )


def _answers(numbers: list[str], now: datetime) -> Iterator[tuple[str, dict[str, str]]]:
    """The answers of some applications in words, by the names of their fields."""
    language = page_language()
    for start in range(0, len(numbers), _PART):
        part = numbers[start : start + _PART]
        query = (
            select(Application)
            .where(Application.number.in_(part))
            .options(joinedload(Application.definition, innerjoin=True))
        )
        for row in db.session.scalars(query):
            given = answers_of(row, now)
            yield (
                row.number,
                {
                    one.name: words(one, given.get(one.name), language)
                    for one in asked(form_of(row), given)
                },
            )


def _cells(row: QueueRow) -> tuple[Any, ...]:
    zone = ZoneInfo(current_city().timezone)
    return (
        row.number,
        row.service,
        row.state.value,
        _moment(row.received_at, zone),
        row.due_on or "",
        "" if row.left is None else row.left,
        "yes" if row.late else "no",
        (row.taken_by or "").partition(":")[2],
        _moment(row.decided_at, zone),
    )


def _moment(value: datetime | None, zone: ZoneInfo) -> str:
    return value.astimezone(zone).isoformat(timespec="minutes") if value else ""


def _file_name(service: str) -> str:
    return f"{current_city().slug}-{service.replace('_', '-')}"
