"""A token for a back office, fetched with the client's own credentials."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any
from urllib.parse import quote_plus, urlencode

from smartcity_saas.connectors.http_client import BackOfficeDown, call_once
from smartcity_saas.connectors.outbound_calls import CallRefused, outbound
from smartcity_saas.lazy_imports import LazyLibrary
from smartcity_saas.web.json_input import strict_json

if TYPE_CHECKING:
    import httpx
else:
    httpx = LazyLibrary("httpx", without="rich")


class TokenRefused(BackOfficeDown):
    """The token address will not have the client; ``code`` is its HTTP status."""

    def __init__(self, code: int) -> None:
        super().__init__(f"token: HTTP {code}")
        self.code = code


def fetch_token(token_url: str, client_id: str, secret: str, scope: str = "") -> str:
    """A bearer token by the grant ``client_credentials`` (RFC 6749, section 4.4); the client shows its
    secret by HTTP Basic, both parts form-encoded first (section 2.3.1).

    Raises:
        TokenRefused: The client is not known there, or its secret is another.
        BackOfficeDown: There is no answer, or none that holds a token.
    """
    pair = f"{quote_plus(client_id)}:{quote_plus(secret)}"
    form = {"grant_type": "client_credentials"} | ({"scope": scope} if scope else {})
    headers = {
        "Authorization": f"Basic {base64.b64encode(pair.encode()).decode()}",
        "Content-Type": "application/x-www-form-urlencoded",
    }
    try:
        with outbound(token_url):
            status, body = call_once("POST", token_url, urlencode(form).encode(), headers)
            if status >= 500:
                raise ValueError(f"status {status}")
            found = strict_json(body) if status == 200 else None
    except CallRefused as error:
        raise BackOfficeDown(error.reason, error.seconds) from None
    except (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError, RecursionError) as error:
        raise BackOfficeDown(f"token: {type(error).__name__}") from None
    if status in (400, 401, 403):
        raise TokenRefused(status)
    return _token_of(found)


def _token_of(found: Any) -> str:
    """The token of an answer (RFC 6749, section 5.1)."""
    token = found.get("access_token") if isinstance(found, dict) else None
    kind = found.get("token_type") if isinstance(found, dict) else None
    if not isinstance(token, str) or not token or not token.isascii() or not token.isprintable():
        raise BackOfficeDown("token: none")
    if not isinstance(kind, str) or kind.lower() != "bearer":
        raise BackOfficeDown("token: not a bearer token")
    return token
