"""The queue of the desks of a city's forms: what is late first, then by the day on which it is due.

Nothing in it is a person's, so looking at it is no look at anybody.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, case, func, select

from smartcity_saas.clock import today_in
from smartcity_saas.configuration.city import City, Localized
from smartcity_saas.database import db
from smartcity_saas.forms.definition import read_definition
from smartcity_saas.forms.models import (
    AT_DESK,
    FINISHED,
    UNDER_WAY,
    Application,
    ApplicationState,
    FormDefinition,
)
from smartcity_saas.forms.names import KIND
from smartcity_saas.identity.staff.roles import StaffMember
from smartcity_saas.tenancy.city_services import city_services
from smartcity_saas.tenancy.current import current_city
from smartcity_saas.working_days import working_days_until

MOST_LISTED = 200
MINE, OPEN, UNANSWERED = "mine", "open", "unanswered"
"""Filters beside the states: what the reader has, all that is under way, and what of that has a
resident's message that waits for the desk."""


@dataclass(frozen=True)
class QueueFilter:
    """What of a queue is wanted: of which forms, and ``open``, ``mine``, ``unanswered`` or a state."""

    services: Collection[str]
    show: str = OPEN


@dataclass(frozen=True)
class QueueRow:
    """One application in the queue. ``left`` are the working days to its decision, today not counted;
    while it waits for its resident those that are left then; None once it is finished."""

    number: str
    service: str
    state: ApplicationState
    received_at: datetime | None
    decided_at: datetime | None
    due_on: date | None
    left: int | None
    late: bool
    taken_by: str | None
    unanswered_since: datetime | None

    @property
    def waits_for_resident(self) -> bool:
        """Whether the city asked for more."""
        return self.state is ApplicationState.MORE_NEEDED


def forms_at_desk(city: City, member: StaffMember) -> dict[str, Localized]:
    """The forms at whose desk a member of staff may read, by name with their titles: those of the
    catalog, then those that it has no more and applications were made under."""
    services = city_services(city)
    found: dict[str, Localized] = {
        name: services[name].title for name, entry in city.catalog.items() if entry.kind == KIND
    }
    newest = (
        select(FormDefinition)
        .where(FormDefinition.service.not_in(list(found)))
        .order_by(FormDefinition.service, FormDefinition.id)
    )
    for row in db.session.scalars(newest):
        found[row.service] = read_definition(row.values).title
    return {
        name: title
        for name, title in found.items()
        if member.may("city.desk", service=name, reading=True)
    }


def read_queue(
    wanted: QueueFilter, account: str, now: datetime, limit: int = MOST_LISTED
) -> list[QueueRow]:
    """What waits, late first; what is finished stands the newest first.

    Args:
        wanted: Of which forms, and what of them.
        account: Whose ``mine`` is: ``staff:wu.min``.
        now: The time.
        limit: How many at the most.
    """
    columns = (
        Application.number,
        Application.service,
        Application.state,
        Application.received_at,
        Application.decided_at,
        Application.due_on,
        Application.days_left,
        Application.taken_by,
        Application.unanswered_since,
    )
    rows = db.session.execute(
        select(*columns).where(*_conditions(wanted, account)).order_by(*_order(wanted)).limit(limit)
    )
    today = today_in(current_city().timezone, now)
    return [_row(found._mapping, today) for found in rows]


def time_left(
    state: ApplicationState, due_on: date | None, days_left: int | None, today: date
) -> tuple[int | None, bool]:
    """The working days that an application has left, as ``QueueRow`` has them; and whether it is late."""
    if due_on is None or state not in AT_DESK:
        return days_left, False
    return working_days_until(today, due_on), today > due_on


def states_in_queue(services: Collection[str]) -> Mapping[ApplicationState, int]:
    """How many applications of some forms stand where; drafts are not the desk's."""
    rows = db.session.execute(
        select(Application.state, func.count(Application.id))
        .where(Application.service.in_(list(services)), Application.state != ApplicationState.DRAFT)
        .group_by(Application.state)
    )
    return {state: int(number) for state, number in rows}


def _conditions(wanted: QueueFilter, account: str) -> list[ColumnElement[bool]]:
    of_forms = Application.service.in_(list(wanted.services))
    if wanted.show == MINE:
        mine = Application.taken_by == account
        return [of_forms, mine, Application.state.in_(list(UNDER_WAY))]
    if wanted.show == UNANSWERED:
        return [of_forms, Application.unanswered_since.is_not(None)]
    if wanted.show in set(ApplicationState) - {ApplicationState.DRAFT}:
        return [of_forms, Application.state == ApplicationState(wanted.show)]
    return [of_forms, Application.state.in_(list(UNDER_WAY))]


def _order(wanted: QueueFilter) -> list[Any]:
    if wanted.show in FINISHED:
        return [func.coalesce(Application.decided_at, Application.saved_at).desc(), Application.id]
    waits = case((Application.state == ApplicationState.MORE_NEEDED, 1), else_=0)
    return [waits, Application.due_on, Application.received_at, Application.id]


def _row(found: Mapping[Any, Any], today: date) -> QueueRow:
    state, due_on = found["state"], found["due_on"]
    left, late = time_left(state, due_on, found["days_left"], today)
    return QueueRow(
        number=found["number"],
        service=found["service"],
        state=state,
        received_at=found["received_at"],
        decided_at=found["decided_at"],
        due_on=due_on if state in AT_DESK else None,
        left=left,
        late=late,
        taken_by=found["taken_by"],
        unanswered_since=found["unanswered_since"],
    )
