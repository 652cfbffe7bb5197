"""Number plates, as people type them and as they are read."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smartcity_saas.web.plates import plate_of, shown


@pytest.mark.parametrize(
    "typed, plate",
    [
        ("浙A12345", "浙A12345"),
        ("浙a·12 345", "浙A12345"),
        ("浙Ａ１２３４５", "浙A12345"),
        ("京AD12345", "京AD12345"),
        ("沪A12345D", "沪A12345D"),
        ("粤B1234学", "粤B1234学"),
        ("浙A1234警", "浙A1234警"),
        ("浙O·1234警", "浙O1234警"),
        ("浙A1234挂", "浙A1234挂"),
        ("浙AB123挂", "浙AB123挂"),
        ("粤Z·A123港", "粤ZA123港"),
        ("粤ZB123澳", "粤ZB123澳"),
        ("沪A1234领", "沪A1234领"),
        ("使014578", "使014578"),
        ("使 014·578", "使014578"),
        ("224578使", "224578使"),
        ("224·578 使", "224578使"),
        ("领224578", "领224578"),
        ("浙X1234应急", "浙X1234应急"),
        ("浙S·1234应急", "浙S1234应急"),
        ("WJ浙1234X", "WJ浙1234X"),
        ("wj12345", "WJ12345"),
        ("VA12345", "VA12345"),
        ("浙ＡＢ１２３４５", "浙AB12345"),
        ("浙A•12345", "浙A12345"),
        ("浙A‧12345", "浙A12345"),
        ("浙A-123 45", "浙A12345"),
        ("浙A12345\u200b", "浙A12345"),
        ("使01457", None),
        ("使0145789", None),
        ("使A14578", None),
        ("224578警", None),
        ("浙A1234使", None),
        ("浙Y1234应急", None),
        ("XA12345", None),
        ("浙A1B2C3", "浙A1B2C3"),
        ("浙AB1C2D", None),
        ("浙AI2345", None),
        ("浙AO2345", None),
        ("浙A1234", None),
        ("浙A123456", None),
        ("浙AX12345", None),
        ("美A12345", None),
        ("", None),
        ("A12345", None),
        ("浙A12345' OR 1=1", None),
    ],
)
def test_plates(typed: str, plate: str | None) -> None:
    """Ordinary and new-energy plates as people type them; nothing else."""
    assert plate_of(typed) == plate


def test_a_plate_is_shown_with_its_dot() -> None:
    """As on the car; and read again it is the same plate."""
    for plate, read in {
        "浙A12345": "浙A·12345",
        "使014578": "使014·578",
        "224578使": "224·578使",
        "浙X1234应急": "浙X·1234应急",
        "WJ浙1234X": "WJ浙·1234X",
    }.items():
        assert shown(plate) == read
        assert plate_of(read) == plate


@given(st.text(max_size=20))
def test_whatever_is_typed_is_a_plate_or_none(typed: str) -> None:
    """And a plate stays the same when it is read again."""
    plate = plate_of(typed)
    assert plate is None or plate_of(plate) == plate
