"""Appeals that wait for an answer of the desk."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from flask_babel import lazy_gettext as _
from flask_babel import lazy_ngettext
from sqlalchemy import func, select

from smartcity_saas.attention import Attention, Urgency
from smartcity_saas.database import db
from smartcity_saas.services.city_credit.models import AppealState, CreditAppeal
from smartcity_saas.services.city_credit.names import SERVICE


def appeals_attention(now: datetime) -> Iterator[Attention]:
    """The open appeals of the current city, in one row."""
    query = select(
        func.count(), func.min(CreditAppeal.created_at), func.min(CreditAppeal.due_on)
    ).where(CreditAppeal.state == AppealState.OPEN)
    number, since, by = db.session.execute(query).one()
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
