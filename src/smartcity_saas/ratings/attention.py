"""Ratings that wait for an answer of the desk."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from flask_babel import lazy_gettext as _
from flask_babel import lazy_ngettext
from sqlalchemy import func, select

from smartcity_saas.attention import Attention, Urgency
from smartcity_saas.database import db
from smartcity_saas.product import product
from smartcity_saas.ratings.models import Rating, RatingAnswer
from smartcity_saas.web.languages import local


def ratings_attention(now: datetime) -> Iterator[Attention]:
    """The ratings of the current city to which an answer is owed, in one row for each service."""
    query = (
        select(
            Rating.service,
            func.count(),
            func.min(RatingAnswer.created_at),
            func.min(RatingAnswer.due_on),
        )
        .join(Rating, Rating.id == RatingAnswer.rating_id)
        .where(RatingAnswer.answered_at.is_(None), Rating.service.in_(sorted(product().services)))
        .group_by(Rating.service)
        .order_by(Rating.service)
    )
    for service, number, since, by in db.session.execute(query):
        yield Attention(
            kind=f"ratings.{service}",
            title=lazy_ngettext(
                "%(num)s rating waits for an answer: %(service)s",
                "%(num)s ratings wait for an answer: %(service)s",
                number,
                service=local(product().services[service].title),
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
