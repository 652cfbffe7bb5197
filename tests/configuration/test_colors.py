"""Every role's colour meets its contrast, from any brand colour that is accepted."""

from __future__ import annotations

from dataclasses import asdict

import pytest
from coloraide import Color
from hypothesis import example, given
from hypothesis import strategies as st

from smartcity_saas.configuration.colors import (
    NEAR_BLACK,
    contrast,
    nearest_readable,
    palette,
    text_on,
)

COLORS = st.integers(0, 0xFFFFFF).map(lambda value: f"#{value:06x}")


@given(COLORS)
@example("#808080")
@example("#0b6e4f")
def test_a_color_is_accepted_or_two_shades_are_offered(color: str) -> None:
    """Whatever is refused is no palette, and its nearest darker and paler shade are accepted."""
    darker, paler = nearest_readable(color)
    assert text_on(darker)
    assert text_on(paler)
    if text_on(color) is None:
        assert contrast("#000000", darker) < contrast("#000000", color)
        assert contrast("#000000", paler) > contrast("#000000", color)
        with pytest.raises(ValueError, match=color):
            palette(color)
    else:
        assert palette(color).brand == color
        assert color in (darker, paler)


@given(COLORS, COLORS)
@example("#ffffff", "#000000")
@example("#0a0a0a", "#0b0b0b")  # on either side of where sRGB stops being linear
def test_contrast_is_the_librarys(one: str, other: str) -> None:
    """The ratio that is computed here is the one that coloraide measures."""
    assert contrast(one, other) == pytest.approx(Color(one).contrast(other, method="wcag21"))


@given(COLORS.filter(text_on))
def test_roles_keep_their_contrast(color: str) -> None:
    """Text 4.5, ink on the tint 5, edges and bars 3 (WCAG 2.2)."""
    roles = palette(color)
    assert contrast(roles.on, roles.brand) >= 4.5
    assert contrast(roles.ink, roles.tint2) >= 5
    assert contrast(roles.ink, "#ffffff") >= 5
    assert contrast(roles.edge, "#ffffff") >= 3
    assert contrast(roles.mid, "#ffffff") >= 3
    assert contrast(roles.muted, roles.page) >= 4.5
    assert contrast(roles.muted, roles.tint) >= 4.5
    assert contrast(roles.field, "#ffffff") >= 3
    assert (
        contrast("#ffffff", roles.deep) >= contrast("#ffffff", roles.brand) or roles.on != "#ffffff"
    )


@pytest.mark.parametrize("color", ["#000000", "#101010", "#757575", "#a0a0a0", "#ffffff"])
def test_a_colour_without_hue_gets_none(color: str) -> None:
    """Every role of a grey brand is a grey, but for the near-black of text."""
    roles = asdict(palette(color))
    tinted = {
        role: value
        for role, value in roles.items()
        if not value[1:3] == value[3:5] == value[5:7] and value != NEAR_BLACK
    }
    assert tinted == {}
    assert len(roles) > 10


@pytest.mark.parametrize("color", ["#0b6e4f", "#f2b705", "#4b3a9b"])
def test_a_brand_is_used_as_given(color: str) -> None:
    """And its hue is in what is made of it."""
    roles = palette(color)
    assert roles.brand == color
    assert not roles.ink[1:3] == roles.ink[3:5] == roles.ink[5:7]
