"""The Flask application of many sites: polling for changes, host, tenant context, routing."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from flask import Flask, Request, Response, request
from werkzeug.exceptions import BadRequest
from werkzeug.routing import MapAdapter

from smartcity_saas.configuration.city import City
from smartcity_saas.logs import get_logger
from smartcity_saas.product import Product, request_site
from smartcity_saas.tenancy.context import tenant_context
from smartcity_saas.tenancy.faults import bare_fault_page, note_fault
from smartcity_saas.tenancy.hosts import UNKNOWN_HOST, Site, site_of
from smartcity_saas.tenancy.registry import CityRegistry
from smartcity_saas.tracing import CITY, span

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

    from smartcity_saas.catalog.service import Service
    from smartcity_saas.web.policy import Policy

CountRequest = Callable[[str, int, float | None], None]
"""Takes the symbolic host, the status, and how many seconds the request took if that is known."""

log = get_logger(__name__)


SPAN = "smartcity.span"
"""Where a request's environment has its span."""
_METHODS = frozenset(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"])


def known_method(environ: WSGIEnvironment) -> str:
    """The method of a request, ``_OTHER`` for one that HTTP does not define."""
    method = environ["REQUEST_METHOD"]
    return method if method in _METHODS else "_OTHER"


def _tell_trace(status: int, site: Site) -> None:
    """Tell the request's span what it was: the rule of its address, never the address."""
    traced = request.environ.get(SPAN)
    if traced is None:
        return
    traced.update_name(f"{known_method(request.environ)} {address_rule()}")
    traced.set_attribute("http.route", address_rule())
    traced.set_attribute("http.response.status_code", status)
    traced.set_attribute("smartcity.site", site.kind)
    if site.city is not None:
        traced.set_attribute(CITY, site.city.id)


class SiteRequest(Request):
    """A request that knows its site: one for as long as it lasts. A malformed ``Host`` has none."""

    site: Site = Site(UNKNOWN_HOST)
    site_found: bool = False


def address_rule() -> str:
    """The rule of the present request's address, for logs: a path may hold a token
    (``/preview/<token>``), so no log line has one."""
    return request.url_rule.rule if request and request.url_rule else "(none)"


class SiteFlask(Flask):
    """Flask whose routes are matched on symbolic hosts, in the tenant context of the host's city."""

    request_class = SiteRequest
    product: Product
    openapi: dict[str, Any]
    """The description of the API (OpenAPI 3.1)."""
    shows_draft: Callable[[Request, City], bool] = staticmethod(lambda request, city: False)
    """Whether a request reads a draft by a preview. To any other, a draft's host is unknown."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.policies: dict[str, Policy] = {}
        """Who may use an endpoint, and when, by its name."""
        self.content_policies: dict[int, tuple[Product, City, str]] = {}
        """The ``Content-Security-Policy`` of a city's pages by its key, with what it was made of."""
        self.city_services: dict[int, tuple[Product, City, Mapping[str, Service]]] = {}
        """All services of a city by its key, with what they were made of."""
        self.count_request: CountRequest = lambda kind, status, seconds: None
        """Counts a request in the metrics."""

    @property
    def registry(self) -> CityRegistry:
        """The live map of hosts and cities."""
        return self.product.registry

    def wsgi_app(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Poll for changes before any tenant context, then serve the request from one state.

        Whatever is raised, where no error page can be made either, is a page and a line of the log.
        """
        with span("request", "SERVER", http__request__method=known_method(environ)) as traced:
            environ[SPAN] = traced
            try:
                self.look_for_changes()
                return super().wsgi_app(environ, start_response)
            except Exception as error:
                reference = note_fault()
                log.error("fault", reference=reference, rule=address_rule(), exc_info=error)
                return bare_fault_page(reference)(environ, start_response)

    def create_url_adapter(self, request: Request | None) -> MapAdapter | None:
        """Match the request's path among the routes of its site. Views and error pages may call it
        at any moment: nothing is looked up in the database, and the site stays the same.

        Raises:
            BadRequest: The ``Host`` header is missing, doubled or malformed.
        """
        if not isinstance(request, SiteRequest):
            return None
        if not request.site_found:
            request.site, request.site_found = self._site_shown_to(request), True
        return self.url_map.bind(
            server_name=request.site.kind,
            script_name=request.root_path,
            url_scheme=request.scheme,
            default_method=request.method,
            path_info=request.path,
            query_args=request.query_string.decode("latin-1"),
        )

    def handle_exception(self, e: Exception) -> Response:
        """Answer what was raised beyond the views, by an error page or by what runs after a view:
        with the page of a fault if it can be made, else with the bare one."""
        try:
            return super().handle_exception(e)
        except Exception as error:
            reference = note_fault()
            log.error("fault", reference=reference, rule=address_rule(), exc_info=error)
            return bare_fault_page(reference)

    def log_exception(self, *_exception: Any) -> None:
        """Nothing: the error page logs what it tells."""

    def full_dispatch_request(self) -> Response:
        """Serve the request in its city's tenant context, if it is for a city."""
        site = request_site()
        if site.city is None:
            response = super().full_dispatch_request()
        else:
            with tenant_context(site.city.id):
                response = super().full_dispatch_request()
        _tell_trace(response.status_code, site)
        return response

    def _site_shown_to(self, request: Request) -> Site:
        """A draft is not there for anybody without a preview: whatever is asked, by any method, is
        answered by the routes, cookies and pages of a host that leads nowhere."""
        try:
            found = site_of(request.environ.get("HTTP_HOST"), self.registry)
        except ValueError:
            raise BadRequest("The Host header is missing or malformed.") from None
        if found.city is not None and found.is_draft and not self.shows_draft(request, found.city):
            return Site(UNKNOWN_HOST)
        return found

    def look_for_changes(self) -> None:
        """Poll for changes if it is time to, outside any tenant context. A poll that fails is told in
        the log, and what is loaded is served on."""
        if self.registry.due:
            with self.app_context():
                try:
                    self.registry.refresh_if_due()
                except Exception as error:  # what is loaded is served on
                    log.warning("city_registry.poll_failed", error=type(error).__name__)
