"""Reports that wait for the desk: late ones, those to assign, those that were opened again."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from flask_babel import lazy_gettext as _
from flask_babel import lazy_ngettext
from sqlalchemy import bindparam, func, select

from smartcity_saas.attention import Attention, Urgency
from smartcity_saas.clock import today_in
from smartcity_saas.database import CITY, Timestamp, run, table_of
from smartcity_saas.services.problem_reports.models import (
    OPEN_STATES,
    ProblemReport,
    ReportState,
)
from smartcity_saas.services.problem_reports.names import SERVICE
from smartcity_saas.tenancy.current import current_city

_report = table_of(ProblemReport)
_LATE = select(func.count(), func.min(_report.c.opened_at), func.min(_report.c.due_at)).where(
    _report.c.city_id == CITY,
    _report.c.state.in_(OPEN_STATES),
    _report.c.due_at < bindparam("now", type_=Timestamp()),
)
_WAITING = select(func.count(), func.min(_report.c.opened_at), func.min(_report.c.assign_by)).where(
    _report.c.city_id == CITY, _report.c.state == ReportState.RECEIVED
)


def reports_attention(now: datetime) -> Iterator[Attention]:
    """The late reports of the current city in one row, and those to assign in another."""
    zone = current_city().timezone
    number, since, by = run(_LATE, {"now": now}).one()
    if number:
        yield Attention(
            kind=f"{SERVICE}.late",
            title=lazy_ngettext(
                "%(num)s problem report is late", "%(num)s problem reports are late", number
            ),
            detail=_("Everyone can see that they are."),
            icon="clock-exclamation",
            page="problem-reports?state=late",
            permission="city.desk",
            service=SERVICE,
            urgency=Urgency.WAITING,
            number=number,
            since=since,
            by=today_in(zone, by),
        )
    number, since, by = run(_WAITING).one()
    if number:
        yield Attention(
            kind=f"{SERVICE}.received",
            title=lazy_ngettext(
                "%(num)s problem report waits to be assigned",
                "%(num)s problem reports wait to be assigned",
                number,
            ),
            detail=_("Those that were opened again are among them."),
            icon="map-pin",
            page="problem-reports?state=received",
            permission="city.desk",
            service=SERVICE,
            urgency=Urgency.WAITING,
            number=number,
            since=since,
            by=today_in(zone, by),
        )
