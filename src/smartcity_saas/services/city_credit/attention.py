"""Appeals that wait for an answer of the desk."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from flask_babel import lazy_gettext as _
from flask_babel import lazy_ngettext
from sqlalchemy import bindparam, func, select

from smartcity_saas.attention import Attention, Urgency
from smartcity_saas.database import CITY, run, table_of
from smartcity_saas.services.city_credit.models import AppealState, CreditAppeal
from smartcity_saas.services.city_credit.names import SERVICE

OVERDUE_FOR = timedelta(days=7)
"""How long the overview says that appeals were decided for want of an answer."""

_appeal = table_of(CreditAppeal)
_WAITING = select(func.count(), func.min(_appeal.c.created_at), func.min(_appeal.c.due_on)).where(
    _appeal.c.city_id == CITY, _appeal.c.state == AppealState.OPEN
)
_UNANSWERED = select(func.count(), func.min(_appeal.c.answered_at)).where(
    _appeal.c.city_id == CITY,
    _appeal.c.state == AppealState.OVERDUE,
    _appeal.c.answered_at >= bindparam("from"),
)


def appeals_attention(now: datetime) -> Iterator[Attention]:
    """What waits for the desk, and what was decided because it waited too long."""
    yield from _open()
    yield from _overdue(now)


def _open() -> Iterator[Attention]:
    """The open appeals of the current city, in one row."""
    number, since, by = run(_WAITING).one()
    if number:
        yield Attention(
            kind=f"{SERVICE}.appeals",
            title=lazy_ngettext(
                "%(num)s credit appeal waits for an answer",
                "%(num)s credit appeals wait for an answer",
                number,
            ),
            detail=_("Unanswered, it is decided for the resident."),
            icon="message",
            page="city-credit",
            permission="city.desk",
            service=SERVICE,
            urgency=Urgency.WAITING,
            number=number,
            since=since,
            by=by,
        )


def _overdue(now: datetime) -> Iterator[Attention]:
    number, since = run(_UNANSWERED, {"from": now - OVERDUE_FOR}).one()
    if number:
        yield Attention(
            kind=f"{SERVICE}.overdue",
            title=lazy_ngettext(
                "%(num)s credit appeal was decided for the resident, unanswered",
                "%(num)s credit appeals were decided for the resident, unanswered",
                number,
            ),
            detail=_("Nobody answered within the working days."),
            icon="message",
            page="city-credit",
            permission="city.desk",
            service=SERVICE,
            urgency=Urgency.ROUTINE,
            number=number,
            since=since,
        )
