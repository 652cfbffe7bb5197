"""Known devices: browsers in which somebody has signed in before, each a mark of its own in a signed
cookie of this host (device cookies, OWASP).

Guesses at a name or a number are counted for all unknown devices together, which anybody could use
to lock its owner out. A device on which its owner has signed in is counted by itself instead.
"""

from __future__ import annotations

from typing import TypeVar

from flask import Response, current_app, make_response, request
from itsdangerous import BadSignature, URLSafeTimedSerializer

from smartcity_saas.identity.tokens import new_token
from smartcity_saas.product import request_site
from smartcity_saas.web.security import cookie_name

COOKIE = "device"
SECONDS = 180 * 24 * 3600
MOST_NAMES = 5

T = TypeVar("T")


def known_device(name: str) -> str | None:
    """The mark of the present browser, if somebody has come in by a name with it; else None."""
    mark, names = _kept()
    return mark if name in names else None


def remember_device(answer: T, name: str) -> Response:
    """Let the present browser be known by a name; returns what is answered, with the cookie."""
    mark, names = _kept()
    response: Response = make_response(answer)
    response.set_cookie(
        cookie_name(COOKIE),
        _signer().dumps([mark, [name, *(one for one in names if one != name)][:MOST_NAMES]]),
        SECONDS,
        httponly=True,
        samesite="Lax",
        secure=request.is_secure,
    )
    return response


def _kept() -> tuple[str, list[str]]:
    try:
        mark, names = _signer().loads(request.cookies.get(cookie_name(COOKIE), ""), SECONDS)
    except (BadSignature, ValueError, TypeError):
        return new_token(), []
    return str(mark), [str(one) for one in names]


def _signer() -> URLSafeTimedSerializer:
    """Each host's own, like its session: a cookie of one city is nothing at another."""
    site = request_site().key
    return URLSafeTimedSerializer(current_app.secret_key or "", salt=f"device:{site}")
