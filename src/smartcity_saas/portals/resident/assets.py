"""A city's colours and pictures, addressed by content."""

from __future__ import annotations

import re

from flask import Response, abort, request
from flask.typing import ResponseReturnValue

from smartcity_saas.portals.resident.blueprint import blueprint
from smartcity_saas.product import request_site
from smartcity_saas.tenancy.answer_life import answer_life
from smartcity_saas.tenancy.assets import find_asset
from smartcity_saas.tenancy.current import request_city
from smartcity_saas.web.brand import motif, stylesheet
from smartcity_saas.web.policy import UNTIL_CHANGED, Availability
from smartcity_saas.web.static_files import FILE_POLICY, FOREVER


@blueprint.page(
    "/brand/<mark>.css", who="everyone", availability=Availability.ANY_STATE, kept=UNTIL_CHANGED
)
def brand_css(mark: str) -> ResponseReturnValue:
    """The city's palette."""
    city = request_city()
    return _marked(stylesheet(city.color, f"/brand/{mark}.svg"), "text/css", mark)


@blueprint.page(
    "/brand/<mark>.svg", who="everyone", availability=Availability.ANY_STATE, kept=UNTIL_CHANGED
)
def brand_motif(mark: str) -> ResponseReturnValue:
    """The city's motif."""
    city = request_city()
    return _marked(motif(city.color, city.division_code), "image/svg+xml", mark)


@blueprint.page(
    "/assets/<address>", who="everyone", availability=Availability.ANY_STATE, kept=UNTIL_CHANGED
)
def asset(address: str) -> ResponseReturnValue:
    """A picture of this city's, by its SHA-256."""
    return serve_asset(address)


def serve_asset(address: str) -> Response:
    """A picture of the current city; 404 for any other city's."""
    found = find_asset(address) if re.fullmatch(r"[0-9a-f]{64}", address) else None
    if found is None:
        abort(404)
    response = Response(found.content, mimetype=found.media_type)
    response.headers["Cache-Control"] = FOREVER
    response.headers["Content-Security-Policy"] = FILE_POLICY
    response.set_etag(address)
    response.make_conditional(request)
    return response


def _marked(text: str, media_type: str, mark: str) -> Response:
    """A file under the mark of a revision: for ever, unless the mark is another revision's."""
    city = request_site().city
    response = Response(text, mimetype=media_type)
    if city is not None and mark == city.fingerprint:
        response.headers["Cache-Control"] = FOREVER
    elif (life := answer_life()) is not None:
        life.end()  # anybody can think of marks without end
    return response
