"""Requests of a city beyond its quota are refused on the loop, before they cost a thread.

What is kept of anonymous pages is answered before this and costs a city nothing but once, when it is
made. Webhooks take from a bucket of their own, as large: a flood of pages never turns away news of money,
nor a flood of webhooks the residents. The console and the probes belong to no city and are not counted.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from math import ceil
from typing import Any

from werkzeug.datastructures import MIMEAccept
from werkzeug.http import parse_accept_header, parse_cookie

from smartcity_saas.asgi.bodies import has_body
from smartcity_saas.asgi.strangers import LONGEST, language_wanted
from smartcity_saas.request.refusals import RefusalPages
from smartcity_saas.tenancy.city_quotas import REQUESTS
from smartcity_saas.tenancy.flask_app import SiteFlask
from smartcity_saas.tenancy.hosts import UNKNOWN_HOST, Site, site_of
from smartcity_saas.web.languages import COOKIE, LANGUAGES

Answer = tuple[int, list[tuple[bytes, bytes]], bytes]
WEBHOOKS = "/webhooks/"
CROWDED_SECONDS = 5.0
"""When whoever finds the line full may come again."""
TOO_MANY = 429


class RequestQuotas:
    """The requests of every city in one process."""

    def __init__(self, app: SiteFlask) -> None:
        self.app = app
        self.quotas = app.product.quotas
        self.pages = RefusalPages(app)

    def site(self, scope: Mapping[str, Any]) -> Site:
        """The site that a request is for; that of an unknown host where nobody may see it, or its
        ``Host`` is malformed."""
        header = b",".join(value for name, value in scope["headers"] if name == b"host")
        try:
            found = site_of(header.decode("latin-1"), self.app.registry)
        except ValueError:
            return Site(UNKNOWN_HOST)
        return Site(UNKNOWN_HOST) if found.is_draft else found

    def refusal(self, scope: Mapping[str, Any], site: Site) -> Answer | None:
        """The answer to a request beyond its city's quota; None where it is within."""
        wait = self.take(site, scope["path"])
        return self.answer(scope, site, wait) if wait else None

    def take(self, site: Site, path: str) -> float:
        """Count a request; in how many seconds it would be within its city's quota, 0 if it is."""
        if site.city is None:
            return 0.0
        return self.quotas.take(site.city, REQUESTS, reserved=path.startswith(WEBHOOKS))

    def answer(self, scope: Mapping[str, Any], site: Site, seconds: float) -> Answer:
        """A refusal with when to come again, for a person as the city's page in their language, for a
        program as problem details."""
        headers = dict(scope["headers"])
        host = headers.get(b"host", b"").decode("latin-1")
        kind, body = self.pages.page(
            site, host, _language(headers), as_problem=_wants_problem(scope["path"], headers)
        )
        answer = [
            (b"content-type", kind.encode()),
            (b"cache-control", b"no-store"),
            (b"retry-after", str(ceil(seconds)).encode()),
            *self.pages.security_headers,
        ]
        if has_body(headers):
            answer.append((b"connection", b"close"))
        return TOO_MANY, answer, body


def _language(headers: Mapping[bytes, bytes]) -> str:
    chosen = parse_cookie(headers.get(b"cookie", b"").decode("latin-1")).get(COOKIE)
    if chosen in LANGUAGES:
        return str(chosen)
    return language_wanted(headers.get(b"accept-language", b"")[:LONGEST])


def _wants_problem(path: str, headers: Mapping[bytes, bytes]) -> bool:
    """By the rule of every other error: under ``/api/``, or where JSON is wanted more than HTML."""
    return path.startswith("/api/") or _prefers_json(headers.get(b"accept", b"")[:LONGEST])


@lru_cache(maxsize=1024)
def _prefers_json(header: bytes) -> bool:
    accepted = parse_accept_header(header.decode("latin-1"), MIMEAccept)
    return accepted.best_match(["text/html", "application/json"], "text/html") != "text/html"
