"""The console of one city: catalog, branding, announcements, configuration, history, audit log."""

from smartcity_saas.portals.city import (
    announcements,
    api_clients,
    assisted_service,
    audit_log,
    branding,
    catalog,
    finance,
    hosts,
    overview,
    ratings,
    scorecard,
    secrets,
    state,
    use,
)
from smartcity_saas.portals.city.blueprint import blueprint

__all__ = [
    "announcements",
    "api_clients",
    "assisted_service",
    "audit_log",
    "blueprint",
    "branding",
    "catalog",
    "finance",
    "hosts",
    "overview",
    "ratings",
    "scorecard",
    "secrets",
    "state",
    "use",
]
