"""Numbers and days read as CLDR has them, though none of its patterns is read when a page is made."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from babel.dates import format_date
from babel.numbers import format_decimal
from flask import Flask
from flask_babel import Babel, force_locale
from hypothesis import example, given
from hypothesis import strategies as st

from smartcity_saas.web.formats import day, month, month_of_year, number, weekday

NUMBERS = (
    st.integers(-(10**15), 10**15)
    | st.floats(-1e12, 1e12)
    | st.decimals(-(10**12), 10**12, allow_nan=False)
    | st.integers(-(10**9), 10**9).map(lambda thousandths: thousandths / 1000)
)
DAYS = st.dates(date(1900, 1, 1), date(2199, 12, 31))


@given(NUMBERS)
@example(0.0005)
@example(0.0015)
@example(-0.0001)
@example(Decimal("1234.5000"))
@example(1e15)
@example(100)
def test_numbers_read_as_babel_has_them(value: float | Decimal) -> None:
    """Promise: a figure is grouped and rounded as before, half to even."""
    assert number(value) == format_decimal(value, "#,##0.###", locale="en")


@pytest.mark.parametrize("language", ["zh", "en"])
@given(value=DAYS)
def test_days_read_as_babel_has_them(language: str, value: date) -> None:
    """Promise: days, months and weekdays read as CLDR has them, in both languages."""
    app = Flask(__name__)
    Babel(app)
    zh = language == "zh"
    with app.test_request_context(), force_locale(language):
        shown = {
            day(value, value.year): "M月d日" if zh else "d MMMM",
            day(value, value.year + 1): "y年M月d日" if zh else "d MMMM y",
            month_of_year(value): "y年M月" if zh else "MMMM y",
            month(value): "M 月" if zh else "MMMM",
            weekday(value): "EEE",
        }
    for text, pattern in shown.items():
        assert text == format_date(value, pattern, locale=language)
    assert len(shown) == 5
