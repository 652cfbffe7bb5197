"""The desk's side: ratings that wait for an answer, late ones first, and answering them.

Nothing here writes a rating.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection
from datetime import datetime

from flask_babel import lazy_gettext as _
from sqlalchemy import Select, select

from smartcity_saas.audit import Actor, record
from smartcity_saas.catalog.objections import read_answer
from smartcity_saas.database import db, transaction
from smartcity_saas.errors import Conflict, NotFound
from smartcity_saas.notifications import notify
from smartcity_saas.ratings.models import Rating, RatingAnswer
from smartcity_saas.web.languages import both

MOST_SHOWN = 100


Owed = tuple[RatingAnswer, Rating]
"""What is owed or was answered, with the rating that it is for."""


def open_answers(services: Collection[str]) -> list[Owed]:
    """What waits for an answer in some services, what is due first before the others."""
    query = _of(services).where(RatingAnswer.answered_at.is_(None))
    return _listed(query.order_by(RatingAnswer.due_on, RatingAnswer.created_at))


def given_answers(services: Collection[str]) -> list[Owed]:
    """What was answered in some services, the newest first."""
    query = _of(services).where(RatingAnswer.answered_at.is_not(None))
    return _listed(query.order_by(RatingAnswer.answered_at.desc()))


def one_answer(rating_id: uuid.UUID, services: Collection[str]) -> Owed:
    """What is owed or was answered for one rating.

    Raises:
        NotFound: There is none, or it is of another service.
    """
    found = db.session.execute(_of(services).where(Rating.id == rating_id)).one_or_none()
    if found is None:
        raise NotFound(_("We cannot find that rating."))
    return found[0], found[1]


def answer(
    actor: Actor, rating_id: uuid.UUID, services: Collection[str], words: str, now: datetime
) -> None:
    """Answer a rating; its resident is told.

    Args:
        actor: Who.
        rating_id: Which.
        services: Those whose ratings the actor answers.
        words: The answer.
        now: The time.

    Raises:
        NotFound: There is none, or it is of another service.
        FieldErrors: No words, or too many.
        Conflict: It has been answered.
    """
    words = read_answer(words, {})
    with transaction():
        rating = one_answer(rating_id, services)[1]
        row = db.session.scalars(
            select(RatingAnswer).where(RatingAnswer.rating_id == rating_id).with_for_update()
        ).one()
        if not row.is_open:
            raise Conflict(_("This rating has been answered."))
        row.give(words, actor.label, now)
        record(actor, "rating.answer", str(rating_id), {"service": rating.service}, now)
        notify(
            rating.resident_id,
            f"rating:{rating_id}",
            both(lambda: _("Your rating was answered")),
            both(lambda: _("You can read the answer here.")),
            f"/me/ratings/{rating_id}",
            now,
        )


def _of(services: Collection[str]) -> Select[RatingAnswer, Rating]:
    return (
        select(RatingAnswer, Rating)
        .join(Rating, Rating.id == RatingAnswer.rating_id)
        .where(Rating.service.in_(sorted(services)))
    )


def _listed(query: Select[RatingAnswer, Rating]) -> list[Owed]:
    return [(owed, rating) for owed, rating in db.session.execute(query.limit(MOST_SHOWN))]
