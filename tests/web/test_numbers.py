"""Numbers that people and files give: plain decimals, or a fault that names its cause."""

from __future__ import annotations

from gettext import NullTranslations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smartcity_saas.texts import spoken
from smartcity_saas.web.numbers import NotPlain, parse_decimal, parse_whole, plain_decimal


def cause(text: str, places: int = 2) -> str:
    with pytest.raises(NotPlain) as caught:
        parse_decimal(text, places)
    return str(caught.value.message)


@given(st.integers(0, 999_999_999), st.integers(0, 3))
def test_what_is_written_is_read(value: int, places: int) -> None:
    """In plain or full-width digits, with blanks around it."""
    text = plain_decimal(value, places)
    full_width = text.translate({ord(c): ord(c) + 0xFEE0 for c in "0123456789."})
    if value < 1_000_000 * 10**places:
        assert parse_decimal(text, places) == value
        assert parse_decimal(f"\u3000{full_width} ", places) == value
    assert "e" not in text.lower()


@pytest.mark.parametrize(
    "text, places, said",
    [
        ("1.23E+05", 2, "spreadsheet"),
        ("1.2e3", 3, "spreadsheet"),
        ("4.10029E+11", 0, "spreadsheet"),
        ("１．２Ｅ＋３", 2, "spreadsheet"),
        ("1_234.50", 2, "underscore"),
        ("1_5", 3, "underscore"),
        ("1,234.50", 2, "thousands"),
        ("1 234.50", 2, "thousands"),
        ("1'234", 2, "thousands"),
        ("１，２３４", 2, "thousands"),
        ("43,50", 2, "comma for its decimals"),
        ("1.234,50", 2, "comma for its decimals"),
        ("43.505", 2, "more than 2 decimal places"),
        ("43.500", 2, "more than 2 decimal places"),
        ("43.99", 0, "not a whole number"),
        ("43.0", 0, "not a whole number"),
        ("-1", 2, "below zero"),
        ("1000000", 2, "too large"),
        ("", 2, "Enter a number"),
        ("NaN", 2, "is not a number"),
        ("Infinity", 2, "is not a number"),
        ("0x1F", 2, "is not a number"),
        ("+5", 2, "is not a number"),
        (".5", 2, "is not a number"),
        ("5.", 2, "is not a number"),
        ("¥43.50", 2, "is not a number"),
        ("43.50\n", 2, ""),
        ("٤٣", 2, "is not a number"),
        ("10²", 2, "is not a number"),
        ("①", 2, "is not a number"),
    ],
)
def test_other_forms_are_refused_by_their_cause(text: str, places: int, said: str) -> None:
    """Each of them had a value once, and another one to somebody else."""
    if not said:
        assert parse_decimal(text, places) == 4350, "a line's end around it is blank"
        return
    found = cause(text, places)
    assert said in found
    assert not text or text.startswith(("１", "٤")) or text in found, "it is quoted"


@given(st.text(max_size=12))
def test_whatever_is_typed_is_a_number_or_a_fault(text: str) -> None:
    """And a number has no character that is no digit."""
    try:
        value = parse_decimal(text, 2)
    except NotPlain as error:
        assert str(error.message)
    else:
        assert 0 <= value < 100_000_000


def test_whole_numbers_within_limits() -> None:
    """The same forms, and what is allowed."""
    assert parse_whole("１２", 0, 12) == 12
    for text in ("13", "1e1", "1_0", "1.0", "-1", ""):
        with pytest.raises(NotPlain):
            parse_whole(text, 0, 12)


def test_a_fault_counts_one_decimal_as_one() -> None:
    """In the application and in a command that loads none, whose texts have a catalogue alone."""
    assert cause("1.123", 1) == "“1.123” has more than 1 decimal place."
    with spoken(NullTranslations()):
        assert cause("1.123", 1) == "“1.123” has more than 1 decimal place."
        assert cause("1.123", 2) == "“1.123” has more than 2 decimal places."
