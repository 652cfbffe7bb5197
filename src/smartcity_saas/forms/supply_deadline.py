"""By when what is missing is to be sent: the resident is reminded, and it is closed once the day is over."""

from __future__ import annotations

import uuid
from datetime import date, datetime
from typing import Any

from flask_babel import lazy_gettext as _
from sqlalchemy import select

from smartcity_saas.audit import record, system
from smartcity_saas.clock import today_in
from smartcity_saas.database import db, transaction
from smartcity_saas.forms.models import Application, ApplicationState, EventKind
from smartcity_saas.forms.names import APPLICATIONS, MINE
from smartcity_saas.forms.stored_forms import form_of
from smartcity_saas.forms.timeline import add_event, last_request, timeline_of
from smartcity_saas.measures import Measure, count
from smartcity_saas.notifications import notify
from smartcity_saas.tenancy.current import current_city
from smartcity_saas.web.formats import full_day
from smartcity_saas.web.languages import both, local
from smartcity_saas.working_days import working_days_after

REMIND_BEFORE = 2
"""Working days before the last one from which on the resident is reminded."""


def supply_by(row: Application, now: datetime) -> date | None:
    """The last day for what an application is asked for now; None where its form sets no end."""
    days = form_of(row).supply_days
    return working_days_after(today_in(current_city().timezone, now), days) if days else None


def keep_deadlines(now: datetime) -> None:
    """Remind whoever has little time left to send what is missing, once a request and not on its own day,
    and close what did not come by its day: a task of the day."""
    today = today_in(current_city().timezone, now)
    soon = working_days_after(today, REMIND_BEFORE)
    waiting = select(Application.id).where(
        Application.state == ApplicationState.MORE_NEEDED, Application.supply_by <= soon
    )
    for key in list(db.session.scalars(waiting.order_by(Application.id))):
        with transaction():
            row = _locked(key)
            if row.supply_by is None:  # it came meanwhile
                continue
            if row.supply_by < today:
                _close(row, row.supply_by, now)
            else:
                _remind(row, row.supply_by, now)


def _locked(key: uuid.UUID) -> Application:
    query = select(Application).where(Application.id == key).with_for_update()
    return db.session.scalars(query.execution_options(populate_existing=True)).one()


def _remind(row: Application, by: date, now: datetime) -> None:
    zone = current_city().timezone
    asked = last_request(timeline_of(row, now))
    if asked is None or today_in(zone, asked.at) == today_in(zone, now):
        return
    name, number = form_of(row).title, row.number
    notify(
        row.resident_id,
        f"application:{row.id}:supply_by:{asked.at.isoformat()}",
        both(lambda: _("Send what is missing by %(day)s: %(name)s",
                       day=full_day(by), name=local(name))),
        both(lambda: _("Number %(number)s. After that day it is closed as not supplied.",
                       number=number)),
        f"{MINE}/{number}/supply",
        now,
    )  # fmt: skip


def _close(row: Application, by: date, now: datetime) -> None:
    """Close an application that the transaction holds, of which nothing came by a day."""
    row.move(ApplicationState.NOT_SUPPLIED)
    row.days_left, row.unanswered_since, row.saved_at = None, None, now
    row.erase_on = form_of(row).keep.after(today_in(current_city().timezone, now))
    number = row.number

    def message() -> Any:
        day = full_day(by)
        return _(
            "Number %(number)s. What was missing did not come by %(day)s. You can apply again.",
            number=number,
            day=day,
        )

    add_event(row, EventKind.NOT_SUPPLIED, now, message=message)
    record(
        system(APPLICATIONS),
        f"{APPLICATIONS}.not_supplied",
        row.number,
        {"service": row.service},
        now,
    )
    count(row.service, Measure.CALLED_OFF, now)
