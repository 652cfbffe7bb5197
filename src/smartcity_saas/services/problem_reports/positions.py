"""Positions on the earth: read, compared, and told no more exactly than they need be.

Latitude and longitude are degrees of WGS 84 (EPSG:4326), as the W3C Geolocation specification and
GeoReport v2 give them.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

EARTH_METRES = 6_371_008.8
"""The mean radius of the earth (IUGG)."""
PUBLIC_DECIMALS = 3
"""Of a published position: about 100 m. Where somebody stood with a phone is not told to the metre."""
PUBLIC_METRES = 160
"""How much nearer two positions may be than they are when both are rounded: the diagonal of the field of at
most 111 m by 111 m that is told as one position."""
_DEGREES = re.compile(r"[+-]?[0-9]{1,3}(?:\.[0-9]{1,20})?")


@dataclass(frozen=True)
class Position:
    """Degrees of WGS 84."""

    latitude: float
    longitude: float

    @property
    def public(self) -> Position:
        """The same, as others are told it."""
        return Position(
            round(self.latitude, PUBLIC_DECIMALS), round(self.longitude, PUBLIC_DECIMALS)
        )


@dataclass(frozen=True)
class Box:
    """The least and the greatest latitude and longitude of an area that does not cross the date line."""

    south: float
    north: float
    west: float
    east: float


def read_position(latitude: str, longitude: str) -> Position | None:
    """A position as it was sent; None where both are empty.

    Raises:
        ValueError: One is missing, or is no number of degrees on the earth.
    """
    texts = latitude.strip(), longitude.strip()
    if not any(texts):
        return None
    if not all(_DEGREES.fullmatch(one) for one in texts):
        raise ValueError("no plain number of degrees")
    found = Position(float(texts[0]), float(texts[1]))
    if abs(found.latitude) > 90 or abs(found.longitude) > 180:
        raise ValueError("beyond the poles or the date line")
    return found


def metres_between(one: Position, other: Position) -> float:
    """The great-circle distance (haversine) on a sphere of the earth's mean radius."""
    first, second = math.radians(one.latitude), math.radians(other.latitude)
    across = math.radians(other.longitude - one.longitude)
    half = (
        math.sin((second - first) / 2) ** 2
        + math.cos(first) * math.cos(second) * math.sin(across / 2) ** 2
    )
    return 2 * EARTH_METRES * math.asin(math.sqrt(min(1.0, half)))


def box_around(middle: Position, metres: float) -> Box:
    """A box that holds every position within some metres, and more in its corners."""
    up = math.degrees(metres / EARTH_METRES)
    narrow = max(math.cos(math.radians(min(abs(middle.latitude) + up, 90.0))), 1e-6)
    side = min(up / narrow, 180.0)
    return Box(
        middle.latitude - up, middle.latitude + up, middle.longitude - side, middle.longitude + side
    )
