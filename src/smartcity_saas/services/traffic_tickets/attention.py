"""Disputes that wait for an answer of the desk."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from flask_babel import lazy_gettext as _
from flask_babel import lazy_ngettext
from sqlalchemy import func, select

from smartcity_saas.attention import Attention, Urgency
from smartcity_saas.clock import today_in
from smartcity_saas.database import CITY, run, table_of
from smartcity_saas.services.traffic_tickets.disputes import ANSWERED_WITHIN
from smartcity_saas.services.traffic_tickets.models import Dispute, TicketDisputeState
from smartcity_saas.services.traffic_tickets.names import SERVICE
from smartcity_saas.tenancy.current import current_city

_dispute = table_of(Dispute)
_WAITING = select(
    func.count(), func.min(func.coalesce(_dispute.c.reopened_at, _dispute.c.created_at))
).where(_dispute.c.city_id == CITY, _dispute.c.state == TicketDisputeState.ASKED)


def disputes_attention(now: datetime) -> Iterator[Attention]:
    """The open disputes of the current city, in one row."""
    number, since = run(_WAITING).one()
    if number:
        yield Attention(
            kind=f"{SERVICE}.disputes",
            title=lazy_ngettext(
                "%(num)s ticket dispute waits for an answer",
                "%(num)s ticket disputes wait for an answer",
                number,
            ),
            detail=_("The ticket is not to be paid until then."),
            icon="message",
            page="traffic-tickets",
            permission="city.desk",
            service=SERVICE,
            urgency=Urgency.WAITING,
            number=number,
            since=since,
            by=today_in(current_city().timezone, since + ANSWERED_WITHIN),
        )
