"""Every role's colour meets its contrast, from any brand colour that is accepted."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smartcity_saas.configuration.colors import contrast, nearest_readable, palette, text_on

COLORS = st.integers(0, 0xFFFFFF).map(lambda value: f"#{value:06x}")


@given(COLORS)
def test_roles_keep_their_contrast(color: str) -> None:
    """Text 4.5, ink on the tint 5, edges and bars 3 (WCAG 2.2); refused colours are offered two
    shades that are accepted."""
    if text_on(color) is None:
        assert all(text_on(shade) for shade in nearest_readable(color))
        return
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


@pytest.mark.parametrize("color", ["#0b6e4f", "#f2b705", "#101010", "#ffffff", "#808080"])
def test_greys_stay_grey_and_brands_stay_brands(color: str) -> None:
    """The brand is used as given; a colour without hue gets no hue."""
    if text_on(color) is None:
        return
    roles = palette(color)
    assert roles.brand == color
    if color in ("#101010", "#ffffff"):
        assert roles.ink[1:3] == roles.ink[3:5] == roles.ink[5:7]
