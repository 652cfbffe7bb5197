"""A resident's ratings: the press, words once, and the city's answers."""

from __future__ import annotations

import uuid
from typing import Any

from flask import redirect, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import lazy_gettext as _

from smartcity_saas.errors import FieldErrors, NotFound
from smartcity_saas.identity.authorization import signed_in_resident
from smartcity_saas.portals.resident.blueprint import blueprint
from smartcity_saas.ratings import submission
from smartcity_saas.ratings.models import Rating
from smartcity_saas.ratings.rules import RatingRules
from smartcity_saas.ratings.submission import ActReference, RatingDetails
from smartcity_saas.ratings.tags import GOOD, tag_words, tags_for
from smartcity_saas.tenancy.current import current_time, request_city
from smartcity_saas.web.languages import local
from smartcity_saas.web.policy import Availability


@blueprint.page("/me/ratings", who="resident", availability=Availability.EXISTING_BUSINESS)
def ratings() -> ResponseReturnValue:
    """Everything that the resident rated, with what was answered."""
    found = [
        (rating, owed, submission.act_of(rating.service, rating.act))
        for rating, owed in submission.ratings_of(signed_in_resident())
    ]
    return render_template("resident/ratings.html", ratings=found, tab="me")


@blueprint.page(
    "/me/ratings",
    who="resident",
    methods=("POST",),
    availability=Availability.EXISTING_BUSINESS,
)
def rate() -> ResponseReturnValue:
    """One press of the five. What else there is to say has a page of its own, and may be left."""
    form = request.form
    try:
        of = ActReference(form.get("service", ""), form.get("act", ""), uuid.UUID(form.get("key")))
    except (TypeError, ValueError):
        raise NotFound(_("There is nothing here that you can rate.")) from None
    made = submission.rate(signed_in_resident(), of, form.get("level", ""), current_time())
    return redirect(f"/me/ratings/{made.id}", 303)


@blueprint.page(
    "/me/ratings/<uuid:rating_id>", who="resident", availability=Availability.EXISTING_BUSINESS
)
def rating(rating_id: uuid.UUID) -> ResponseReturnValue:
    """One rating: its answer, and the form that adds to it, once."""
    return _rating_page(submission.own_rating(signed_in_resident(), rating_id), RatingDetails(), {})


@blueprint.page(
    "/me/ratings/<uuid:rating_id>",
    who="resident",
    methods=("POST",),
    availability=Availability.EXISTING_BUSINESS,
)
def complete_rating(rating_id: uuid.UUID) -> ResponseReturnValue:
    """Add tags and words to a rating, and say that it is not solved."""
    typed = RatingDetails(
        request.form.getlist("tags"),
        request.form.get("words", ""),
        "not_solved" in request.form,
    )
    try:
        submission.complete(signed_in_resident(), rating_id, typed, current_time())
    except FieldErrors as error:
        found = submission.own_rating(signed_in_resident(), rating_id)
        return _rating_page(found, typed, error.fields), 422
    return redirect(f"/me/ratings/{rating_id}", 303)


def _rating_page(found: Rating, typed: RatingDetails, errors: dict[str, Any]) -> str:
    resident, now = signed_in_resident(), current_time()
    rules = RatingRules.of_city(request_city())
    act, owed = submission.act_of(found.service, found.act), submission.answer_of(found)
    tags = tags_for(found.level, act)
    return render_template(
        "resident/rating.html",
        rating=found,
        act=act,
        act_path=submission.path_of(resident, found, now),
        owed=owed,
        clock=rules.clock(owed.due_on, now) if owed else None,
        reopens=submission.can_reopen(resident, found, now),
        answer_days=rules.answer_days,
        tags=tags,
        is_good=tags.keys() == GOOD.keys(),
        said_tags=[local(one) for one in tag_words(found.tags, act)],
        longest=submission.LONGEST_WORDS,
        typed=typed,
        errors=errors,
        tab="me",
    )
