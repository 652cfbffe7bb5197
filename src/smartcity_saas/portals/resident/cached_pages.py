"""Whole pages for the anonymous, kept by everything that they are made of and by nothing of anyone."""

from __future__ import annotations

from collections.abc import Callable

from flask import Response, request, session
from flask.typing import ResponseReturnValue

from smartcity_saas.identity.authorization import RESIDENT
from smartcity_saas.identity.user_agents import channel_in_app
from smartcity_saas.product import product
from smartcity_saas.tenancy.current import request_city
from smartcity_saas.web.languages import language
from smartcity_saas.web.preferences import TEXT_COOKIE


def cached_page(render: Callable[[], str]) -> ResponseReturnValue:
    """The page at the request's path. For the anonymous it holds no byte of the visitor's, and is
    kept for a minute, with an ETag.

    Args:
        render: Makes it, of the city as it is served and of the reader's language and text size.
    """
    city = request_city()
    if RESIDENT in session or city.is_draft or request.query_string:
        return render()
    key = (
        request.path,
        city.id,
        city.fingerprint,
        city.content_version,
        language(),
        request.cookies.get(TEXT_COOKIE) == "large",
        channel_in_app() is not None,
    )
    cache = product().page_cache
    page = cache.get(key)
    if page is None:
        page = cache.put(key, render().encode())
    response = Response(page.body, mimetype="text/html")
    response.set_etag(page.etag)
    response.headers["Cache-Control"] = "no-cache"
    response.headers["Vary"] = "Accept-Language, Cookie, User-Agent"
    return response.make_conditional(request)
