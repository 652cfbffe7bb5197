"""Who is signed in, as JSON; tokens for residents' programs and for back offices; the description."""

from __future__ import annotations

import json
from typing import Any

import marshmallow as ma
from flask import Response, g, make_response, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import force_locale, gettext
from flask_babel import lazy_gettext as _
from flask_wtf.csrf import generate_csrf

from smartcity_saas.addresses import network_of
from smartcity_saas.errors import NotAllowed
from smartcity_saas.identity.api_clients import clients
from smartcity_saas.identity.authorization import bearer, current_resident, signed_in_resident
from smartcity_saas.identity.rate_limits import count_attempt, give_back
from smartcity_saas.identity.residents import accounts
from smartcity_saas.identity.residents.models import ResidentAttempt
from smartcity_saas.identity.user_agents import device
from smartcity_saas.portals.resident.blueprint import blueprint
from smartcity_saas.product import running_app
from smartcity_saas.tenancy.current import current_time
from smartcity_saas.web.api import ROOT, Answer, ApiBlueprint
from smartcity_saas.web.policy import Availability, Caller

MOST_TOKENS = 60

api = ApiBlueprint("session", __name__, description="Who calls.")


class PersonSchema(ma.Schema):
    """A resident."""

    id = ma.fields.UUID()
    name = ma.fields.String()
    assurance = ma.fields.String(validate=ma.validate.OneOf(["none", "contact", "real_name"]))


class SessionSchema(ma.Schema):
    """Who is signed in, and the token that writing with a session needs."""

    resident = ma.fields.Nested(PersonSchema, allow_none=True)
    csrf_token = ma.fields.String(metadata={"description": _("Send it back as `X-CSRFToken`.")})


class TokenSchema(ma.Schema):
    """A token of one's own."""

    token = ma.fields.String()
    expires_at = ma.fields.DateTime()


@api.operation(f"{ROOT}/session", who="everyone", availability=Availability.EXISTING_BUSINESS)
@api.response(200, SessionSchema)
def api_session() -> Answer:
    """The resident who is signed in, if any."""
    return {"resident": current_resident(), "csrf_token": generate_csrf()}


@api.operation(
    f"{ROOT}/session/token",
    who="resident",
    method="POST",
    availability=Availability.EXISTING_BUSINESS,
)
@api.response(201, TokenSchema)
def api_token() -> Answer:
    """A bearer token for your own account, valid for a week. It is listed with your sessions, where you can revoke it."""
    if bearer() is not None:
        raise NotAllowed(_("A token cannot create another token. Sign in on the website instead."))
    g.secret_answer = True  # shown once, also where the call is sent again
    token, expires_at = accounts.program_session(
        signed_in_resident(), f"API · {device()}", current_time()
    )
    return {"token": token, "expires_at": expires_at}


@blueprint.page(
    "/oauth/token",
    who="everyone",
    methods=("POST",),
    availability=Availability.EXISTING_BUSINESS,
    caller=Caller.SIGNED,
)
def oauth_token() -> ResponseReturnValue:
    """A token for a back office (RFC 6749, section 4.4)."""
    key = f"token:{network_of(request.remote_addr)}"
    count_attempt(ResidentAttempt, key, MOST_TOKENS, current_time())
    answer = make_response(clients.issue_token())
    if answer.status_code == 200:
        give_back(ResidentAttempt, key)
    return answer


@blueprint.page(f"{ROOT}/openapi.json", who="everyone", availability=Availability.EXISTING_BUSINESS)
def openapi() -> ResponseReturnValue:
    """The API in OpenAPI 3.1, in English for whoever generates a program from it."""
    with force_locale("en"):
        said = json.dumps(_description(), ensure_ascii=False, default=str)
    response = Response(said, mimetype="application/openapi+json")
    response.headers["Cache-Control"] = "public, max-age=300"
    return response


@blueprint.page(f"{ROOT}/docs", who="everyone", availability=Availability.EXISTING_BUSINESS)
def api_docs() -> ResponseReturnValue:
    """The same to read."""
    return render_template(
        "resident/api.html",
        spec=_description(),
        resolve=_resolved,
        say=gettext,
        scopes=clients.known_scopes(),
    )


def _description() -> dict[str, Any]:
    return running_app().openapi


def _resolved(node: dict[str, Any]) -> dict[str, Any]:
    """What a reference of the description refers to."""
    while "$ref" in node:
        found: Any = _description()
        for part in node["$ref"].removeprefix("#/").split("/"):
            found = found[part]
        node = found
    return node
