"""The pages of a site."""

from __future__ import annotations

from smartcity_saas.tenancy.flask_app import SiteFlask


def paths(app: SiteFlask, host: str) -> list[str]:
    """Every page of a site that can be asked for by its path alone."""
    return sorted(
        {
            rule.rule
            for rule in app.url_map.iter_rules()
            if rule.host == host and not rule.arguments and "GET" in (rule.methods or ())
        }
    )
