"""Which site a request is for, from its ``Host`` alone.

Routes are matched on five symbolic hosts; the real one is looked up once, in a dict.
"""

from __future__ import annotations

from dataclasses import dataclass

from smartcity_saas.configuration.city import City
from smartcity_saas.configuration.hosts import requested_host
from smartcity_saas.tenancy.registry import CityRegistry

CITY_HOST, CONSOLE_HOST, INDEX_HOST = "city", "console", "index"
UNKNOWN_HOST, UNREADY_HOST = "unknown", "unready"
ALL_HOSTS = (CITY_HOST, CONSOLE_HOST, INDEX_HOST, UNKNOWN_HOST, UNREADY_HOST)


@dataclass(frozen=True)
class Site:
    """A site: its symbolic host, and the city if it is a city's."""

    kind: str
    city: City | None = None

    @property
    def key(self) -> str:
        """What cookies and caches of this site are bound to."""
        return f"city:{self.city.id}" if self.city else self.kind

    @property
    def is_draft(self) -> bool:
        """Whether it is that of a city which nobody may see but by a preview."""
        return self.city is not None and self.city.is_draft


def site_of(header: str | None, registry: CityRegistry) -> Site:
    """The site that a ``Host`` header asks for. There is no default city.

    Raises:
        ValueError: The header is missing, doubled or malformed.
    """
    host = requested_host(header)
    if host == registry.platform_host:
        return Site(INDEX_HOST)
    if host == f"console.{registry.platform_host}":
        return Site(CONSOLE_HOST)
    if not registry.loaded:
        return Site(UNREADY_HOST)
    city = registry.city_at(host)
    return Site(CITY_HOST, city) if city else Site(UNKNOWN_HOST)
