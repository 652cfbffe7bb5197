"""Which answers hold nothing of anyone, decided once they are finished: only those are ever kept."""

from __future__ import annotations

from datetime import timedelta
from hashlib import sha256

from flask import Response, request, session

from smartcity_saas.product import product, request_site
from smartcity_saas.tenancy.answer_life import answer_life
from smartcity_saas.web.policy import Policy

VARY = "Accept-Language, Cookie, User-Agent"
"""What a page is made of beside its address: the reader's language and text size, the app."""


def offer_to_strangers(response: Response, policy: Policy | None) -> Response:
    """Let a browser ask for a stranger's answer again by its ETag, and whoever asked for one that
    may be kept (``asgi/``) keep it; any other answer stays as it is.

    Args:
        response: What is about to be sent.
        policy: That of its endpoint, None where no route matched.
    """
    if policy is None or policy.kept is None or not _is_of_nobody(response):
        return response
    if response.mimetype == "text/html":
        response.headers["Vary"] = VARY
    _grant(policy.kept)
    if response.status_code == 200:  # a browser asks for no other again by its ETag
        if "ETag" not in response.headers:
            response.set_etag(sha256(response.get_data()).hexdigest())
        response.headers.setdefault("Cache-Control", "no-cache")
        response.make_conditional(request)
    return response


def _is_of_nobody(response: Response) -> bool:
    life = answer_life()
    return (
        request.method in ("GET", "HEAD")
        and response.status_code == (200 if life is None else life.status)
        and not session
        and "Authorization" not in request.headers
        and "Set-Cookie" not in response.headers
        and not request_site().is_draft
        and (not request.query_string or (life is not None and life.names_a_file))
    )


def _grant(longest: timedelta) -> None:
    if (life := answer_life()) is not None:
        life.grant(product().clock() + longest)
