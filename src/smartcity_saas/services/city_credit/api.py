"""The service as JSON, under ``/api/v1/city-credit``: for partners and the city's own offices."""

from __future__ import annotations

from typing import Any

import marshmallow as ma
from flask_babel import lazy_gettext as _
from marshmallow import fields, validate

from smartcity_saas.catalog.bulk_push import PushedSchema, push_schema, take_push
from smartcity_saas.identity.authorization import signed_in_client
from smartcity_saas.services.city_credit.certificates import CODE_DIGITS, verify
from smartcity_saas.services.city_credit.models import MOST_AT_ONCE
from smartcity_saas.services.city_credit.names import SERVICE
from smartcity_saas.tenancy.current import current_time
from smartcity_saas.web.api import ROOT as API
from smartcity_saas.web.api import (
    Answer,
    ApiBlueprint,
    Body,
    Cell,
    Day,
    Whole,
    matches_whole,
)
from smartcity_saas.web.policy import Availability

ROOT = f"{API}/city-credit"
VERIFY, WRITE = "credit:verify", "credit:write"

blueprint = ApiBlueprint("city_credit_api", __name__, service=SERVICE, description="City credit.")


class VerificationBody(Body):
    """A code that a resident shows, and the benefit that it is shown for."""

    code = fields.String(
        required=True,
        validate=matches_whole(rf"[0-9]{{{CODE_DIGITS}}}"),
        metadata={"description": _("The 10 digits under the QR code.")},
    )
    benefit = Cell(
        41, required=True, metadata={"description": _("As the city's document names it.")}
    )


class VerificationSchema(ma.Schema):
    """The whole answer."""

    holds = fields.Boolean()


class PushedEntryBody(Body):
    """An entry as the city's own office sends it."""

    source = Cell(41, required=True)
    reference = Cell(40, required=True)
    id_number = Cell(18, required=True)
    day = Day(required=True)
    quantity = Whole(required=True, validate=validate.Range(0, MOST_AT_ONCE))


@blueprint.operation(
    f"{ROOT}/verifications",
    who="client",
    method="POST",
    scope=VERIFY,
    availability=Availability.EXISTING_BUSINESS,
)
@blueprint.arguments(VerificationBody)
@blueprint.response(200, VerificationSchema)
def api_verify(body: dict[str, Any]) -> Answer:
    """Whether a benefit holds for whoever shows a code. A code works once, for ten minutes, in
    this city; otherwise the answer is no. The resident sees who asked."""
    return {"holds": verify(signed_in_client(), body["code"], body["benefit"], current_time())}


@blueprint.operation(
    f"{ROOT}/entries",
    who="client",
    method="POST",
    scope=WRITE,
    availability=Availability.EXISTING_BUSINESS,
)
@blueprint.arguments(push_schema("CreditEntriesPush", PushedEntryBody))
@blueprint.response(200, PushedSchema)
def api_push_entries(body: dict[str, Any]) -> Answer:
    """Save up to 500 entries. Each item has its own result. Sending it again changes nothing.
    Entries of people who do not take part are not kept."""
    return take_push(SERVICE, body["items"])
