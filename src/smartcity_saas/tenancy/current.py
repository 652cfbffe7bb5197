"""The current time, and the current city: of the tenant context, a site or a desk's page."""

from __future__ import annotations

from datetime import datetime

from smartcity_saas.configuration.city import City
from smartcity_saas.errors import NotFound, NotReady
from smartcity_saas.product import product, request_site
from smartcity_saas.tenant_context import current_city_id


def current_time() -> datetime:
    """The application's present moment, aware, in UTC."""
    return product().clock()


def current_city() -> City:
    """The city of the tenant context, as it is served.

    Raises:
        NotReady: This process does not serve it (yet).
    """
    found = product().registry.snapshot.by_id.get(current_city_id())
    if found is None:
        raise NotReady("this process does not serve the city")
    return found


def request_city() -> City:
    """The city on whose site the present request is.

    Raises:
        NotFound: It is on another host.
    """
    found = request_site().city
    if found is None:
        raise NotFound
    return found


def city_by_slug(slug: str) -> City:
    """A city as it is served, by its slug.

    Raises:
        NotFound: Nothing of it compiles.
    """
    found = product().registry.snapshot.cities.get(slug)
    if found is None:
        raise NotFound
    return found
