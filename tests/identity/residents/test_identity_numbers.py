"""Numbers of identity documents."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stdnum.iso7064 import mod_11_2

from smartcity_saas.identity.residents.identity_numbers import masked_number, read_number
from tests.support.residents import NUMBER


@given(st.text("0123456789", min_size=3, max_size=3))
def test_the_check_digit_finds_every_single_slip(serial: str) -> None:
    """GB 11643: a number with a changed digit, or two neighbours swapped, is nobody's."""
    today = date(2026, 11, 22)
    digits = f"11010119900307{serial}"
    whole = digits + mod_11_2.calc_check_digit(digits)
    assert read_number(whole, today) == whole
    for place in range(17):
        for other in "0123456789":
            if other != whole[place]:
                assert read_number(whole[:place] + other + whole[place + 1 :], today) is None
        swapped = [*whole]
        swapped[place], swapped[place + 1] = swapped[place + 1], swapped[place]
        assert "".join(swapped) == whole or read_number("".join(swapped), today) is None


@pytest.mark.parametrize(
    "text, expected",
    [
        (NUMBER, NUMBER),
        (" 110101 19900307 0011 ", NUMBER),
        ("１１０１０１１９９００３０７００１１", NUMBER),
        ("11010119900307001X", None),
        ("110101199013070011", None),
        ("990101199003070011", None),
        ("1101019003070011", None),
        ("11010119900307001", None),
        ("", None),
    ],
)
def test_resident_numbers(text: str, expected: str | None) -> None:
    """The standard's own shape, a real day, a province, and the check digit."""
    assert read_number(text, date(2026, 11, 22)) == expected


def test_an_x_is_kept_large() -> None:
    """The check digit ten is an X, whichever way it is typed."""
    body = next(
        f"1101011990030{n:04d}"
        for n in range(1000)
        if mod_11_2.calc_check_digit(f"1101011990030{n:04d}") == "X"
    )
    assert read_number(f"{body}x", date(2026, 1, 1)) in (f"{body}X", None)
    assert masked_number(NUMBER) == "1****************1"
