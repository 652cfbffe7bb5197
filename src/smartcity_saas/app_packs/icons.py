"""A city's icons for apps, from its branding: the logo on white, else its seal, the first character of
its name on its colour."""

from __future__ import annotations

from pathlib import Path

from smartcity_saas.configuration.city import City
from smartcity_saas.configuration.colors import WHITE, palette
from smartcity_saas.tenancy.assets import find_asset
from smartcity_saas.web.pdf import drawn

SIDES = (144, 512, 1024)
"""Pixels of a side."""
_TEMPLATE = Path(__file__).parent / "icon.typ"
_POINTS = 512


def icons(city: City) -> dict[str, bytes]:
    """PNGs of the current city by the name of their file, square, without clear parts."""
    document = _document(city)
    return {f"icon-{side}.png": drawn(_TEMPLATE, document, side / _POINTS) for side in SIDES}


def _document(city: City) -> dict[str, object]:
    asset = find_asset(city.logo) if city.logo else None
    if asset is None:
        roles = palette(city.color)
        return {
            "ground": roles.brand,
            "ink": roles.on,
            "letter": city.name["zh"][:1],
            "picture": [],
            "format": "png",
        }
    kind = "svg" if asset.media_type == "image/svg+xml" else "png"
    return {
        "ground": WHITE,
        "ink": WHITE,
        "letter": "",
        "picture": list(asset.content),
        "format": kind,
    }
