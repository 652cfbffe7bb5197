"""Applications that wait for a desk, for the overview."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from flask_babel import lazy_gettext as _
from flask_babel import lazy_ngettext
from sqlalchemy import bindparam, func, select

from smartcity_saas.attention import Attention, Urgency
from smartcity_saas.clock import today_in
from smartcity_saas.database import CITY, run, table_of
from smartcity_saas.forms.desk_queue import UNANSWERED
from smartcity_saas.forms.models import AT_DESK, UNDER_WAY, Application
from smartcity_saas.forms.names import APPLICATIONS
from smartcity_saas.tenancy.city_services import city_service
from smartcity_saas.tenancy.current import current_city
from smartcity_saas.web.languages import local

_application = table_of(Application)
_late = _application.c.due_on < bindparam("today")
_WAITING = (
    select(
        _application.c.service,
        _late.label("late"),
        func.count(),
        func.min(_application.c.received_at),
        func.min(_application.c.due_on),
    )
    .where(_application.c.city_id == CITY, _application.c.state.in_(sorted(AT_DESK)))
    .group_by(_application.c.service, _late)
    .order_by(_application.c.service, _late)
)
_UNANSWERED = (
    select(_application.c.service, func.count(), func.min(_application.c.unanswered_since))
    .where(
        _application.c.city_id == CITY,
        _application.c.state.in_(sorted(UNDER_WAY)),
        _application.c.unanswered_since.is_not(None),
    )
    .group_by(_application.c.service)
    .order_by(_application.c.service)
)


def applications_attention(now: datetime) -> Iterator[Attention]:
    """What waits at the desk of each form of the current city: what is late, the rest, and what
    residents wrote."""
    yield from _to_decide(now)
    yield from _to_answer()


def _to_decide(now: datetime) -> Iterator[Attention]:
    city = current_city()
    rows = run(_WAITING, {"today": today_in(city.timezone, now)}).all()
    for name, late, number, since, by in rows:
        service = city_service(city, name)
        yield Attention(
            kind=f"{APPLICATIONS}.late" if late else f"{APPLICATIONS}.waiting",
            title=lazy_ngettext(
                "%(num)s application is late: %(service)s",
                "%(num)s applications are late: %(service)s",
                number,
                service=local(service.title) if service else name,
            )
            if late
            else lazy_ngettext(
                "%(num)s application waits for a decision: %(service)s",
                "%(num)s applications wait for a decision: %(service)s",
                number,
                service=local(service.title) if service else name,
            ),
            detail=_("Residents were promised a decision by its day."),
            icon="list-check",
            page=f"applications/{name.replace('_', '-')}",
            permission="city.desk",
            service=name,
            urgency=Urgency.WAITING,
            number=number,
            since=since,
            by=by,
        )


def _to_answer() -> Iterator[Attention]:
    city = current_city()
    for name, number, since in run(_UNANSWERED, {}).all():
        service = city_service(city, name)
        yield Attention(
            kind=f"{APPLICATIONS}.unanswered",
            title=lazy_ngettext(
                "%(num)s application has a message to answer: %(service)s",
                "%(num)s applications have a message to answer: %(service)s",
                number,
                service=local(service.title) if service else name,
            ),
            detail=_("Residents wrote about their applications."),
            icon="message",
            page=f"applications/{name.replace('_', '-')}?show={UNANSWERED}",
            permission="city.desk",
            service=name,
            urgency=Urgency.WAITING,
            number=number,
            since=since,
        )
