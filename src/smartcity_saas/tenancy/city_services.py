"""All services that one city could offer: those that are installed, and those that its documents define."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from flask import g, has_request_context

from smartcity_saas.configuration.city import City
from smartcity_saas.product import product, request_site, running_app

if TYPE_CHECKING:
    from smartcity_saas.catalog.service import Service


def city_services(city: City) -> Mapping[str, Service]:
    """Every service by its name that a city could offer: the installed ones, then those that its
    documents define. Made once for each configuration that the city has."""
    made = running_app().city_services
    kept = made.get(city.id)
    if kept is None or kept[0] is not product() or kept[1] is not city:
        kinds = product().kinds
        defined = {
            name: kinds[entry.kind].of_entry(entry)
            for name, entry in city.catalog.items()
            if entry.kind in kinds
        }
        installed = product().services
        kept = product(), city, {**installed, **defined} if defined else installed
        made[city.id] = kept
    return kept[2]


def city_service(city: City | None, name: str) -> Service | None:
    """A service of a city by its name, or what all services of a kind share by its own; None for one
    that nobody knows (any more). Without a city, an installed one."""
    services = city_services(city) if city is not None else product().services
    return services.get(name) or next(
        (kind.shared for kind in product().kinds.values() if kind.shared.name == name), None
    )


def city_shown() -> City | None:
    """The city that the present page is about: its own site's, or the console's page of one."""
    if not has_request_context():
        return None
    found: City | None = request_site().city or g.get("zone_city")
    if found is None and (document := g.get("console_city")) is not None:
        found = product().registry.snapshot.cities.get(document.name)
    return found
