"""A city's own site, for its residents."""

from smartcity_saas.portals.resident import (
    account,
    assets,
    home,
    information,
    open_data,
    payments,
    personal_data,
    ratings,
    scorecard,
    search,
    session_api,
    sign_in,
    transparency,
)
from smartcity_saas.portals.resident.blueprint import blueprint

__all__ = [
    "account",
    "assets",
    "blueprint",
    "home",
    "information",
    "open_data",
    "payments",
    "personal_data",
    "ratings",
    "scorecard",
    "search",
    "session_api",
    "sign_in",
    "transparency",
]
