"""Where an app leads: a city's site, and the first page of each of its services."""

from __future__ import annotations

from smartcity_saas.app_packs.platforms import DeepLink
from smartcity_saas.catalog.entries import catalog_items
from smartcity_saas.configuration.city import City
from smartcity_saas.product import product, running_app
from smartcity_saas.tenancy.city_services import city_services
from smartcity_saas.tenancy.hosts import CITY_HOST


def city_hosts(city: City) -> list[str]:
    """The hosts that lead to a city now: its own ones first, then the one below the platform's."""
    registry = product().registry
    own = [host for host in city.hosts if (found := registry.city_at(host)) and found.id == city.id]
    return [*own, f"{city.slug}.{registry.platform_host}"]


def off_the_internet(host: str) -> bool:
    """Whether no app can open a host: one of RFC 6761's special names, or a bare one."""
    return "." not in host or host.rpartition(".")[2] in ("localhost", "test", "example", "invalid")


def deep_links(city: City) -> tuple[DeepLink, ...]:
    """The first page of a city's site, then that of each service that residents can see there, those
    that a document defines too."""
    address = f"https://{city_hosts(city)[0]}"
    paths = running_app().url_map.bind(CITY_HOST)
    return (
        DeepLink("", city.name, f"{address}/"),
        *(
            DeepLink(
                one.service.path,
                one.service.title,
                address + paths.build(one.service.landing, dict(one.service.landing_arguments)),
            )
            for one in catalog_items(city, city_services(city))
        ),
    )
