"""The compiled city that we are in, for work that no request brought."""

from __future__ import annotations

from flask import current_app

from smartcity_saas import scope
from smartcity_saas.configuration.city import City
from smartcity_saas.errors import NotReady


def present_city() -> City:
    """The city of the present scope, as it is served.

    Raises:
        NotReady: This process does not serve it (yet).
    """
    found: City | None = current_app.fleet.snapshot.by_id.get(scope.city_id())  # type: ignore[attr-defined]
    if found is None:
        raise NotReady("this process does not serve the city")
    return found
