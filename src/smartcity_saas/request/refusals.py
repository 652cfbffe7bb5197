"""Refusals that are answered before the application: made by it once, and kept."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

from smartcity_saas.errors import OverQuota
from smartcity_saas.request.error_pages import error_answer
from smartcity_saas.tenancy.flask_app import SiteFlask
from smartcity_saas.tenancy.hosts import Site
from smartcity_saas.web.languages import COOKIE
from smartcity_saas.web.security import add_security_headers, content_security_policy

KEPT = 1024


class Refusal(NamedTuple):
    """A media type and what is sent."""

    kind: str
    body: bytes


class RefusalPages:
    """The page of a city that is beyond its quota, as a stranger gets it, by what it is made of: no
    database is asked, and nobody's session is read."""

    def __init__(self, app: SiteFlask) -> None:
        self.app = app
        self.security_headers = self._security_headers()
        self._made = lru_cache(maxsize=KEPT)(self._make)

    def page(self, site: Site, host: str, language: str, *, as_problem: bool) -> Refusal:
        """The page of a site, or problem details.

        Args:
            site: A city's, or that of any other host.
            host: What it was asked for by.
            language: The reader's.
            as_problem: A program asks (RFC 9457).
        """
        city = site.city
        shown = (city.fingerprint, city.content_version) if city is not None else None
        return self._made(
            site.key, shown, host if city is not None else "unknown.invalid", language, as_problem
        )

    def _make(
        self, _site: str, _shown: tuple[str, int] | None, host: str, language: str, as_problem: bool
    ) -> Refusal:
        headers = {"Cookie": f"{COOKIE}={language}", "Host": host}
        if as_problem:
            headers["Accept"] = "application/json"
        with self.app.test_request_context("/", headers=headers):
            response = error_answer(OverQuota())
            return Refusal(str(response.content_type), response.get_data())

    def _security_headers(self) -> list[tuple[bytes, bytes]]:
        with self.app.test_request_context("/"):
            response = add_security_headers(self.app.response_class(), content_security_policy())
            own = ("Content-Type", "Content-Length", "Cache-Control")
            return [
                (name.lower().encode(), value.encode())
                for name, value in response.headers
                if name not in own
            ]
