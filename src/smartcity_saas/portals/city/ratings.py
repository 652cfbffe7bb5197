"""Ratings on the console: what waits for an answer, late ones first, and answering.

A desk sees the words and what kind of act they are about, and nothing of who wrote them. There is no
page that changes or deletes a rating.
"""

from __future__ import annotations

import uuid
from typing import Any

from flask import redirect, render_template, request
from flask.typing import ResponseReturnValue

from smartcity_saas.configuration.city import City
from smartcity_saas.errors import FieldErrors
from smartcity_saas.identity.authorization import signed_in_member
from smartcity_saas.portals.city.blueprint import ROOT, blueprint, shell
from smartcity_saas.ratings import answers
from smartcity_saas.ratings.rules import RatingRules
from smartcity_saas.ratings.submission import act_of
from smartcity_saas.ratings.tags import tag_words
from smartcity_saas.tenancy.city_services import city_services
from smartcity_saas.tenancy.context import tenant_context
from smartcity_saas.tenancy.current import city_by_slug, current_time

RATINGS = f"{ROOT}/ratings"


@blueprint.page(RATINGS, permission="city.desk")
def ratings(city: str) -> ResponseReturnValue:
    """What waits for an answer and what was answered, of all services or of one."""
    served, now = city_by_slug(city), current_time()
    rules, mine = RatingRules.of_city(served), _services(served)
    chosen = request.args.get("service", "")
    wanted = mine & {chosen} if chosen else mine
    with tenant_context(served.id):
        waiting = [
            (rating, rules.clock(owed.due_on, now), act_of(rating.service, rating.act))
            for owed, rating in answers.open_answers(wanted)
        ]
        given = [
            (owed, rating, act_of(rating.service, rating.act))
            for owed, rating in answers.given_answers(wanted)
        ]
    return render_template(
        "city/ratings.html",
        waiting=waiting,
        given=given,
        mine=[one for one in city_services(served).values() if one.name in mine and one.rateable],
        chosen=chosen,
        **shell(city),
    )


@blueprint.page(f"{RATINGS}/<uuid:rating_id>", permission="city.desk")
def rating(city: str, rating_id: uuid.UUID) -> ResponseReturnValue:
    """One rating, and the form that answers it."""
    return _rating_page(city, rating_id, "", {})


@blueprint.page(f"{RATINGS}/<uuid:rating_id>", permission="city.desk", methods=("POST",))
def answer_rating(city: str, rating_id: uuid.UUID) -> ResponseReturnValue:
    """Answer a rating."""
    served, typed, actor = (
        city_by_slug(city),
        request.form.get("answer", ""),
        signed_in_member().actor,
    )
    mine = _services(served)
    try:
        with tenant_context(served.id):
            answers.answer(actor, rating_id, mine, typed, current_time())
    except FieldErrors as error:
        return _rating_page(city, rating_id, typed, error.fields), 422
    return redirect(f"/cities/{city}/ratings/{rating_id}", 303)


def _rating_page(city: str, rating_id: uuid.UUID, typed: str, errors: dict[str, Any]) -> str:
    served = city_by_slug(city)
    mine = _services(served)
    with tenant_context(served.id):
        owed, found = answers.one_answer(rating_id, mine)
        act = act_of(found.service, found.act)
    return render_template(
        "city/rating.html",
        rating=found,
        owed=owed,
        act=act,
        tags=tag_words(found.tags, act),
        clock=RatingRules.of_city(served).clock(owed.due_on, current_time()),
        typed=typed,
        errors=errors,
        **shell(city),
    )


def _services(city: City) -> frozenset[str]:
    """The services whose ratings the member of staff may read now, or answer."""
    member, reading = signed_in_member(), request.method in ("GET", "HEAD")
    return frozenset(
        name
        for name in city_services(city)
        if member.may("city.desk", service=name, reading=reading)
    )
