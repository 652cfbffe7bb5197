"""Headers, cookies and proxies: what every response carries and what a request may claim."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

from flask import Flask, Request, Response, request
from flask.sessions import SecureCookieSessionInterface
from flask_babel import lazy_gettext as _
from itsdangerous import URLSafeTimedSerializer
from werkzeug.middleware.proxy_fix import ProxyFix

from smartcity_saas.addresses import Network, read_address
from smartcity_saas.errors import SmartCityError
from smartcity_saas.product import request_site

SESSION_COOKIE = "session"


def content_security_policy(form_origins: Iterable[str] = (), *, framed: bool = False) -> str:
    """The policy of a page: everything from its own origin, nothing inline.

    Args:
        form_origins: Where its forms may lead besides (a city's payment and channels).
        framed: The page may be framed by its own origin (previews on the console).
    """
    return "; ".join(
        (
            "default-src 'none'",
            "script-src 'self'",
            "style-src 'self'",
            "img-src 'self'",
            "connect-src 'self'",
            "frame-src 'self'",
            "base-uri 'none'",
            f"frame-ancestors {chr(39)}{'self' if framed else 'none'}{chr(39)}",
            " ".join(("form-action 'self'", *form_origins)),
        )
    )


def add_security_headers(response: Response, policy: str) -> Response:
    """Set what every response carries, unless the view has said otherwise."""
    headers = response.headers
    headers.setdefault("Content-Security-Policy", policy)
    headers.setdefault("X-Content-Type-Options", "nosniff")
    headers.setdefault("Referrer-Policy", "same-origin")
    headers.setdefault("Cross-Origin-Opener-Policy", "same-origin")
    headers.setdefault("Permissions-Policy", "camera=(), geolocation=(), microphone=()")
    headers.setdefault("Cache-Control", "no-store")
    if request.is_secure:
        headers.setdefault("Strict-Transport-Security", "max-age=31536000")
    return response


class ForeignForm(SmartCityError):
    """A form that stood on a page of another site, or of none that the browser names."""

    title = _("This form was not sent from a page of this site")

    def __init__(self) -> None:
        super().__init__(
            _(
                "Nothing was done. Open the page on this site, fill in the form there and send it. "
                "If that does not help, try another browser."
            )
        )


def stood_on_this_site(sent: Request) -> bool:
    """Whether a form stood on a page of the site that it was sent to, as the browser says.

    ``Sec-Fetch-Site`` says so where the browser sends it; else ``Origin``, else ``Referer`` names the
    page's origin (OWASP, Cross-Site Request Forgery Prevention: Fetch Metadata, with that fallback). A
    request that says none of it is refused. A page that came by TLS may send to what looks plain here:
    the proxy may not be one whose word counts.
    """
    site = sent.headers.get("Sec-Fetch-Site")
    if site is not None:
        return site == "same-origin"
    page = urlsplit(sent.headers.get("Origin") or sent.headers.get("Referer") or "")
    return page.netloc == sent.host and page.scheme in ("https", sent.scheme)


class SiteSessions(SecureCookieSessionInterface):
    """Session cookies of one site: host-only, and signed with the site inside.

    A cookie of one city is nothing at another: its signature is made with another key.
    """

    def get_signing_serializer(self, app: Flask) -> URLSafeTimedSerializer | None:
        """The serializer of the site that the request is for."""
        if not app.secret_key:
            return None
        return URLSafeTimedSerializer(
            app.secret_key,
            salt=f"session:{request_site().key}",
            serializer=self.serializer,
            signer_kwargs={
                "key_derivation": self.key_derivation,
                "digest_method": self.digest_method,
            },
        )

    def get_cookie_name(self, app: Flask) -> str:
        """With TLS the name carries ``__Host-`` (RFC 6265bis)."""
        return cookie_name(SESSION_COOKIE)

    def get_cookie_domain(self, app: Flask) -> None:
        """None: the cookie is for this host alone."""
        return

    def get_cookie_secure(self, app: Flask) -> bool:
        """Whether this request came by TLS."""
        return request.is_secure


def cookie_name(name: str, asked: Request | None = None) -> str:
    """A cookie's name on this request, or on another: with ``__Host-`` where TLS is on."""
    return f"__Host-{name}" if (asked or request).is_secure else name


@lru_cache(maxsize=4096)
def is_trusted(address: str | None, networks: tuple[Network, ...]) -> bool:
    """Whether a peer is a proxy that the operator named."""
    peer = read_address(address)
    return peer is not None and any(peer in network for network in networks)


class TrustedProxies:
    """``X-Forwarded-For`` and ``-Proto`` count only where they come from a proxy that the operator
    named. Which site is meant is said by ``Host`` alone, so ``X-Forwarded-Host`` is never read."""

    def __init__(self, app: Any, networks: tuple[Network, ...]) -> None:
        self.direct = app
        self.proxied = ProxyFix(self._read, x_for=1, x_proto=1, x_host=0)
        self.networks = networks

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Any:
        """Serve a request as it came, or as a trusted proxy describes it."""
        trusted = is_trusted(environ.get("REMOTE_ADDR"), self.networks)
        return (self.proxied if trusted else self._read)(environ, start_response)

    def _read(self, environ: dict[str, Any], start_response: Any) -> Any:
        """From here on the peer is a plain address, or nothing."""
        environ["REMOTE_ADDR"] = str(read_address(environ.get("REMOTE_ADDR")) or "")
        return self.direct(environ, start_response)
