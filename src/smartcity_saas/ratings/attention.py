"""Ratings that wait for an answer of the desk."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from flask_babel import lazy_gettext as _
from flask_babel import lazy_ngettext
from sqlalchemy import bindparam, func, select

from smartcity_saas.attention import Attention, Urgency
from smartcity_saas.database import CITY, run, table_of
from smartcity_saas.ratings.models import Rating, RatingAnswer
from smartcity_saas.tenancy.city_services import city_services
from smartcity_saas.tenancy.current import current_city
from smartcity_saas.web.languages import local

_rating, _answer = table_of(Rating), table_of(RatingAnswer)
_WAITING = (
    select(
        _rating.c.service,
        func.count(),
        func.min(_answer.c.created_at),
        func.min(_answer.c.due_on),
    )
    .join_from(_answer, _rating, _rating.c.id == _answer.c.rating_id)
    .where(
        _rating.c.city_id == CITY,
        _answer.c.city_id == CITY,
        _answer.c.answered_at.is_(None),
        _rating.c.service.in_(bindparam("services", expanding=True)),
    )
    .group_by(_rating.c.service)
    .order_by(_rating.c.service)
)


def ratings_attention(now: datetime) -> Iterator[Attention]:
    """The ratings of the current city to which an answer is owed, in one row for each service."""
    services = city_services(current_city())
    for service, number, since, by in run(_WAITING, {"services": sorted(services)}):
        yield Attention(
            kind=f"ratings.{service}",
            title=lazy_ngettext(
                "%(num)s rating waits for an answer: %(service)s",
                "%(num)s ratings wait for an answer: %(service)s",
                number,
                service=local(services[service].title),
            ),
            detail=_("Bad, or said not to be solved. The resident was promised an answer."),
            icon="mood-sad",
            page=f"ratings?service={service}",
            permission="city.desk",
            service=service,
            urgency=Urgency.WAITING,
            number=number,
            since=since,
            by=by,
        )
