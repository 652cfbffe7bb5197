"""The timeline of an application: what happened, in order, and telling the resident of it."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from flask_babel import lazy_gettext as _
from sqlalchemy import select

from smartcity_saas.credentials.personal_encryption import open_personal, seal_personal
from smartcity_saas.database import db, transaction
from smartcity_saas.forms.models import WORDS, Application, ApplicationEvent, EventKind
from smartcity_saas.forms.names import MINE
from smartcity_saas.forms.stored_forms import form_of
from smartcity_saas.notifications import notify
from smartcity_saas.web.formats import full_day
from smartcity_saas.web.languages import both, local

SAID_AGAIN = timedelta(minutes=10)
"""Within it the same words once more are the same message."""


@dataclass(frozen=True)
class ToldEvent:
    """One event with its words opened. ``fields`` are the names of what was asked for anew, ``account``
    that of whoever of the staff did it, for the desk alone."""

    kind: EventKind
    at: datetime
    words: str
    by_staff: bool
    fields: tuple[str, ...]
    account: str | None = None


def add_event(
    application: Application,
    kind: EventKind,
    now: datetime,
    *,
    words: str = "",
    by_staff: str | None = None,
    fields: Sequence[str] = (),
    message: Callable[[], Any] = lambda: None,
) -> None:
    """Add to the timeline in the caller's transaction, and tell the resident.

    Args:
        application: Which; its state is already what it is by the event.
        kind: What happened.
        now: The time.
        words: What was said; sealed, and no part of a message.
        by_staff: The account of whoever of the staff did it.
        fields: The names of what is asked for anew.
        message: Says what the resident is told below the title, in each language; None for the usual.
    """
    with transaction() as session:
        event = ApplicationEvent(
            application_id=application.id,
            at=now,
            kind=kind,
            by_staff=by_staff,
            sealed=seal_personal(WORDS, words, now) if words else None,
            fields=list(fields),
        )
        session.add(event)
        session.flush()
        title = _TITLES.get(kind)
        if title is None or (kind is EventKind.MESSAGE and by_staff is None):
            return
        name = form_of(application).title
        notify(
            application.resident_id,
            f"application:{event.id}",
            both(lambda: title(local(name))),
            both(lambda: message() or _body(application, kind)),
            f"{MINE}/{application.number}",
            now,
        )


def said_last(
    application: Application, words: str, now: datetime, *, by_staff: str | None = None
) -> bool:
    """Whether the newest event is a message of the same side with the same words, of a moment
    ago: pressed twice, or sent again by a program that had no answer."""
    newest = (
        select(ApplicationEvent)
        .where(ApplicationEvent.application_id == application.id)
        .order_by(ApplicationEvent.at.desc(), ApplicationEvent.id.desc())
        .limit(1)
    )
    last = db.session.scalars(newest).one()
    if (last.kind, last.by_staff) != (EventKind.MESSAGE, by_staff) or now - last.at > SAID_AGAIN:
        return False
    return last.sealed is not None and open_personal(WORDS, last.sealed, now) == words


def timeline_of(application: Application, now: datetime) -> list[ToldEvent]:
    """What happened to an application, the earliest first."""
    return timelines_of([application], now)[application.id]


def timelines_of(
    applications: Sequence[Application], now: datetime
) -> dict[uuid.UUID, list[ToldEvent]]:
    """What happened to each of some applications, by its key, in one statement."""
    found: dict[uuid.UUID, list[ToldEvent]] = {one.id: [] for one in applications}
    if not found:
        return found
    rows = db.session.scalars(
        select(ApplicationEvent)
        .where(ApplicationEvent.application_id.in_(list(found)))
        .order_by(ApplicationEvent.at, ApplicationEvent.id)
    )
    for row in rows:
        found[row.application_id].append(
            ToldEvent(
                row.kind,
                row.at,
                open_personal(WORDS, row.sealed, now) if row.sealed is not None else "",
                row.by_staff is not None,
                tuple(row.fields),
                row.by_staff,
            )
        )
    return found


def happened(application: Application) -> set[EventKind]:
    """The kinds of what happened to an application."""
    query = select(ApplicationEvent.kind).where(ApplicationEvent.application_id == application.id)
    return set(db.session.scalars(query))


def last_request(events: Sequence[ToldEvent]) -> ToldEvent | None:
    """What the city asked for last; None where it never did."""
    return next((one for one in reversed(events) if one.kind is EventKind.MORE_NEEDED), None)


def began_to_wait(application: Application) -> datetime:
    """Since when the resident waits for a decision: it was sent, or opened again."""
    query = (
        select(ApplicationEvent)
        .where(
            ApplicationEvent.application_id == application.id,
            ApplicationEvent.kind.in_([EventKind.RECEIVED, EventKind.REOPENED]),
        )
        .order_by(ApplicationEvent.at.desc(), ApplicationEvent.id.desc())
        .limit(1)
    )
    return db.session.scalars(query).one().at


_TITLES: dict[EventKind, Callable[[str], Any]] = {
    EventKind.RECEIVED: lambda name: _("Received: %(name)s", name=name),
    EventKind.TAKEN_OVER: lambda name: _("Being looked at: %(name)s", name=name),
    EventKind.MORE_NEEDED: lambda name: _("More is needed from you: %(name)s", name=name),
    EventKind.SUPPLIED: lambda name: _("We have what was missing: %(name)s", name=name),
    EventKind.NOT_SUPPLIED: lambda name: _("Closed, as nothing was sent: %(name)s", name=name),
    EventKind.MESSAGE: lambda name: _("A message about: %(name)s", name=name),
    EventKind.APPROVED: lambda name: _("Approved: %(name)s", name=name),
    EventKind.REFUSED: lambda name: _("Not approved: %(name)s", name=name),
    EventKind.WITHDRAWN: lambda name: _("Withdrawn: %(name)s", name=name),
    EventKind.REOPENED: lambda name: _("To be looked at once more: %(name)s", name=name),
    EventKind.REVOKED: lambda name: _("Your paper is not valid any more: %(name)s", name=name),
}
"""What the resident is told, by what happened; of the rest nobody is told."""


def _body(application: Application, kind: EventKind) -> Any:
    """What to know and do: the number, and by when the city decides."""
    number = application.number
    if kind is EventKind.MORE_NEEDED and application.supply_by is not None:
        day = full_day(application.supply_by)
        return _(
            "Number %(number)s. See what is missing and send it by %(day)s; then it is closed.",
            number=number,
            day=day,
        )
    if kind is EventKind.MORE_NEEDED:
        return _("Number %(number)s. See what is missing and send it.", number=number)
    if application.is_at_desk and application.due_on is not None:
        day = full_day(application.due_on)
        return _("Number %(number)s. The city decides by %(day)s.", number=number, day=day)
    return _("Number %(number)s. Read what was said.", number=number)
