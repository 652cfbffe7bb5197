"""A city that is not stored: compiled from values, shown as its residents would see it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from flask import Response, make_response, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import force_locale

from smartcity_saas.configuration.city import City, LiveDocument, compile_city
from smartcity_saas.configuration.colors import is_color, text_on
from smartcity_saas.errors import Invalid
from smartcity_saas.portals.console import blueprint
from smartcity_saas.portals.resident.home import render_home
from smartcity_saas.product import product
from smartcity_saas.web.brand import motif, stylesheet
from smartcity_saas.web.security import content_security_policy


def imagined(values: Mapping[str, Any], document: LiveDocument | None = None) -> City | None:
    """The city that some values would make, None if they do not make one yet."""
    registry = product().registry
    known = registry.snapshot.baselines
    above = [
        known[name] for name in ("platform", f"province:{values.get('province')}") if name in known
    ]
    own = LiveDocument(
        id=document.id if document else 0,
        name=str(values.get("city", "")),
        kind="city",
        province=str(values.get("province", "")),
        number=document.number if document else 0,
        values=values,
        files=document.files if document else {},
        since=document.since if document else {},
    )
    try:
        return compile_city([*above, own], registry.extensions)
    except (Invalid, ValueError):
        return None


def preview_page(city: City | None) -> Response:
    """A city's first page inside a frame of the console: to look at, not to press."""
    language = "en" if request.args.get("lang_shown") == "en" else "zh"
    if city is None:
        response = make_response(render_template("console/no_preview.html"))
    else:
        query = urlencode({"color": city.color, "code": city.division_code})
        with force_locale(language):
            page = render_home(
                city,
                [],
                frame=True,
                resident=None,
                lang=language,
                large_text=False,
                brand_css=f"/preview/brand.css?{query}",
                logo_url=f"/cities/{city.slug}/assets/{city.logo}" if city.logo else None,
            )
        response = make_response(page)
    response.headers["Content-Security-Policy"] = content_security_policy(framed=True)
    return response


@blueprint.page("/preview/brand.css", permission="city.see")
def brand_css() -> ResponseReturnValue:
    """The palette of a colour that is not saved."""
    color, code = _asked()
    address = f"/preview/motif.svg?{urlencode({'color': color, 'code': code})}"
    return Response(stylesheet(color, address), mimetype="text/css")


@blueprint.page("/preview/motif.svg", permission="city.see")
def brand_motif() -> ResponseReturnValue:
    """The motif of a colour that is not saved."""
    return Response(motif(*_asked()), mimetype="image/svg+xml")


def _asked() -> tuple[str, str]:
    color, code = request.args.get("color", ""), request.args.get("code", "")
    fits = is_color(color) and text_on(color) is not None
    return (color if fits else "#1f5f99"), (
        code if code.isdecimal() and len(code) == 6 else "110000"
    )
