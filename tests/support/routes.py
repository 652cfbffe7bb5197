"""The pages of a site."""

from __future__ import annotations

from smartcity_saas.tenancy.flask_app import SiteFlask
from tests.support.world import World


def paths(app: SiteFlask, host: str) -> list[str]:
    """Every page of a site that can be asked for by its path alone."""
    return sorted(
        {
            rule.rule
            for rule in app.url_map.iter_rules()
            if rule.host == host and not rule.arguments and "GET" in (rule.methods or ())
        }
    )


def home(world: World, city: str = "hangzhou") -> str:
    world.app.registry.refresh()
    return world.client(f"{city}.localhost").get("/").text
