"""Rating as JSON, for residents' own programs and apps."""

from __future__ import annotations

from typing import Any

import marshmallow as ma
from flask_babel import lazy_gettext as _

from smartcity_saas.database import transaction
from smartcity_saas.identity.authorization import signed_in_resident
from smartcity_saas.ratings import submission
from smartcity_saas.ratings.models import RatingLevel
from smartcity_saas.ratings.submission import LONGEST_WORDS, ActReference, RatingDetails
from smartcity_saas.tenancy.current import current_time
from smartcity_saas.web.api import ROOT, Answer, ApiBlueprint, Body, Cell
from smartcity_saas.web.policy import Availability

MOST_TAGS = 10

api = ApiBlueprint("ratings_api", __name__, description="Ratings.")


class RatingBody(Body):
    """How satisfied a resident is with one act that is over."""

    service = Cell(40, required=True, metadata={"description": "`utility_bills`"})
    act = Cell(
        40,
        required=True,
        metadata={
            "description": _(
                "`payment`, `visit` (an appointment), `dispute` (a ticket) or `appeal` (an appeal)."
            )
        },
    )
    key = ma.fields.UUID(required=True, metadata={"description": _("Of that act.")})
    level = ma.fields.String(
        required=True, validate=ma.validate.OneOf([one.value for one in RatingLevel])
    )
    tags = ma.fields.List(Cell(40, required=True), validate=ma.validate.Length(max=MOST_TAGS))
    words = ma.fields.String(validate=ma.validate.Length(max=LONGEST_WORDS))
    not_solved = ma.fields.Boolean(
        truthy={True},
        falsy={False},
        metadata={"description": _("Opens the matter again where the service allows it.")},
    )


class RatingSchema(ma.Schema):
    """A rating as it is kept."""

    id = ma.fields.UUID()
    level = ma.fields.String()
    not_solved = ma.fields.Boolean()
    reopened = ma.fields.Boolean()
    answer_by = ma.fields.Date(allow_none=True)


@api.operation(
    f"{ROOT}/ratings",
    who="resident",
    method="POST",
    availability=Availability.EXISTING_BUSINESS,
)
@api.arguments(RatingBody)
@api.response(201, RatingSchema)
def api_rate(body: dict[str, Any]) -> Answer:
    """Rate something that is finished, once. Sent again, the first level stands; tags, words and `not_solved` are added once."""
    resident, now = signed_in_resident(), current_time()
    of = ActReference(body["service"], body["act"], body["key"])
    added = {name: body[name] for name in ("tags", "words", "not_solved") if body.get(name)}
    with transaction():
        rating = submission.rate(resident, of, body["level"], now)
        if added:
            rating = submission.complete(resident, rating.id, RatingDetails(**added), now)
    owed = submission.answer_of(rating)
    return {
        "id": rating.id,
        "level": rating.level.value,
        "not_solved": rating.not_solved,
        "reopened": rating.reopened,
        "answer_by": owed.due_on if owed else None,
    }
