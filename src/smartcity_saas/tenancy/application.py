"""The Flask application of many sites: host first, then the city's scope, then routing."""

from __future__ import annotations

import structlog
from flask import Flask, Request, Response, request
from werkzeug.exceptions import BadRequest
from werkzeug.routing import MapAdapter

from smartcity_saas.errors import SmartCityError
from smartcity_saas.tenancy.entering import city_scope
from smartcity_saas.tenancy.fleet import Fleet
from smartcity_saas.tenancy.sites import UNKNOWN_HOST, Site, site_of

log = structlog.get_logger(__name__)


class SiteRequest(Request):
    """A request that knows its site. A malformed ``Host`` has none."""

    site: Site = Site(UNKNOWN_HOST)


class SiteFlask(Flask):
    """Flask whose routes are matched on symbolic hosts, inside the scope of the host's city."""

    request_class = SiteRequest
    fleet: Fleet

    def create_url_adapter(self, request: Request | None) -> MapAdapter | None:
        """Find the request's site and match its path among that site's routes.

        Raises:
            BadRequest: The ``Host`` header is missing, doubled or malformed.
        """
        if not isinstance(request, SiteRequest):
            return None
        self._look_for_changes()
        try:
            request.site = site_of(request.environ.get("HTTP_HOST"), self.fleet)
        except ValueError:
            raise BadRequest("The Host header is missing or malformed.") from None
        return self.url_map.bind(
            server_name=request.site.kind,
            script_name=request.root_path,
            url_scheme=request.scheme,
            default_method=request.method,
            path_info=request.path,
            query_args=request.query_string.decode("latin-1"),
        )

    def full_dispatch_request(self) -> Response:
        """Serve the request inside its city's scope, if it is for a city."""
        site: Site = request.site  # type: ignore[attr-defined]
        if site.city is None:
            return super().full_dispatch_request()
        with city_scope(site.city.id):
            return super().full_dispatch_request()

    def _look_for_changes(self) -> None:
        if self.fleet.due:
            with self.app_context():
                try:
                    self.fleet.refresh_if_due()
                except SmartCityError as error:  # what is loaded is served on
                    log.warning("fleet.look_failed", error=str(error))
