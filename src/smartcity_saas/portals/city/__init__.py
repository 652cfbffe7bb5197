"""The console of one city: catalog, branding, announcements, document, history, trail."""

from smartcity_saas.portals.city import (
    announcements,
    branding,
    catalog,
    clients,
    counter,
    finance,
    secrets,
    state,
    trail,
)
from smartcity_saas.portals.city.blueprint import blueprint

__all__ = [
    "announcements",
    "blueprint",
    "branding",
    "catalog",
    "clients",
    "counter",
    "finance",
    "secrets",
    "state",
    "trail",
]
