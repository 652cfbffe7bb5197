"""From one brand colour to every role of a page, in OKLCH; contrast as WCAG 2.2 measures it.

The roles and their rules are in docs/architecture.md, "Colour".
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from smartcity_saas.lazy_imports import LazyLibrary

if TYPE_CHECKING:
    import coloraide
else:  # makes tables as it loads, which take longer than to check a document
    coloraide = LazyLibrary("coloraide")

WHITE = "#ffffff"
NEAR_BLACK = "#15191d"
TEXT_CONTRAST = 4.5
EDGE_CONTRAST = 3.0
INK_CONTRAST = 5.0
MUTED_CONTRAST = 6.5
GREY_CHROMA = 0.014

_LUMINANCE = (0.21263900587151027, 0.715168678767756, 0.07219231536073371)
"""What red, green and blue give to the luminance: the second row of CSS Color 4's matrix from linear
sRGB to XYZ."""
_HEX = re.compile(r"#[0-9a-fA-F]{6}")


@dataclass(frozen=True)
class Palette:
    """The colour of every role, each as ``#rrggbb``."""

    brand: str
    on: str
    ink: str
    edge: str
    mid: str
    line: str
    tint2: str
    tint: str
    deep: str
    page: str
    hairline: str
    field: str
    text: str
    muted: str


def is_color(text: str) -> bool:
    """Whether a text is a colour as documents write it: ``#rrggbb``."""
    return bool(_HEX.fullmatch(text))


def contrast(one: str, other: str) -> float:
    """The contrast ratio of two colours, 1 to 21 (WCAG 2.2, relative luminance)."""
    paler, darker = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (paler + 0.05) / (darker + 0.05)


def _luminance(color: str) -> float:
    channels = (int(color[place : place + 2], 16) / 255 for place in (1, 3, 5))
    linear = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
    return sum(share * c for share, c in zip(_LUMINANCE, linear, strict=True))


@lru_cache(maxsize=1024)
def text_on(color: str) -> str | None:
    """White or near-black, whichever reads on a colour; None if neither does."""
    for text in (WHITE, NEAR_BLACK):
        if contrast(text, color) >= TEXT_CONTRAST:
            return text
    return None


def nearest_readable(color: str) -> tuple[str, str]:
    """The nearest darker shade that takes white text and the nearest paler one for dark text."""
    darker = _shade(color, -0.004, lambda shade: contrast(WHITE, shade) >= TEXT_CONTRAST)
    paler = _shade(color, +0.004, lambda shade: contrast(NEAR_BLACK, shade) >= TEXT_CONTRAST)
    return darker, paler


@lru_cache(maxsize=1024)
def palette(color: str) -> Palette:
    """Every role's colour for one brand colour.

    Raises:
        ValueError: Neither white nor near-black text reads on it.
    """
    on = text_on(color)
    if on is None:
        raise ValueError(f"no text reads on {color}")
    tint2 = _at_lightness(color, 0.935, 0.03)
    ink = _shade(color, -0.006, lambda shade: contrast(shade, tint2) >= INK_CONTRAST)
    return Palette(
        brand=color,
        on=on,
        ink=ink,
        edge=color if contrast(color, WHITE) >= EDGE_CONTRAST else ink,
        mid=_palest_on_white(color),
        line=_at_lightness(color, 0.86, 0.05),
        tint2=tint2,
        tint=_at_lightness(color, 0.968, 0.016),
        deep=_deep(color),
        page=_grey(color, 0.977),
        hairline=_grey(color, 0.905),
        field=_shade(_grey(color, 0.66), -0.01, lambda c: contrast(c, WHITE) >= EDGE_CONTRAST),
        text=_grey(color, 0.21),
        muted=_shade(_grey(color, 0.5), -0.01, lambda c: contrast(c, WHITE) >= MUTED_CONTRAST),
    )


def _hex(color: coloraide.Color) -> str:
    return str(color.fit("srgb").convert("srgb").to_string(hex=True))


def _oklch(color: str) -> coloraide.Color:
    found = coloraide.Color(color).convert("oklch")
    if found["chroma"] < 0.004:
        found["chroma"], found["hue"] = 0, 0
    return found


def _at_lightness(color: str, lightness: float, chroma: float) -> str:
    """The same hue, pale; a brand duller than ``chroma`` stays as dull as it is."""
    found = _oklch(color)
    found["lightness"], found["chroma"] = lightness, min(found["chroma"], chroma)
    return _hex(found)


def _grey(color: str, lightness: float) -> str:
    breath = GREY_CHROMA if 0.3 < lightness < 0.9 else GREY_CHROMA / 2.5
    return _at_lightness(color, lightness, breath)


def _deep(color: str) -> str:
    found = _oklch(color)
    light = found["lightness"]
    found["lightness"] = min(light, max(0.12, min(0.34, light - 0.12)))
    found["chroma"] = min(found["chroma"], 0.09)
    return _hex(found)


def _palest_on_white(color: str) -> str:
    found = _oklch(color)
    found["lightness"], found["chroma"] = 0.9, min(found["chroma"], 0.13) * 0.85
    while contrast(_hex(found), WHITE) < EDGE_CONTRAST:
        found["lightness"] -= 0.006
    return _hex(found)


def _shade(color: str, step: float, enough: Callable[[str], bool]) -> str:
    """The first shade, going darker or paler, that is enough; keeps the hue."""
    found, shade = _oklch(color), color
    while not enough(shade) and 0 <= found["lightness"] + step <= 1:
        found["lightness"] += step
        shade = _hex(found)
    return shade
