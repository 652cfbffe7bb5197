"""Money: whole numbers of a currency's minor unit, with its ISO 4217 code. Never floats."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from smartcity_saas.configuration.currencies import USUAL_DECIMALS, currency_decimals
from smartcity_saas.web.numbers import parse_decimal

LARGEST_AMOUNT = 2_000_000_000
"""The most that one bill, fine or fee may be, in the minor unit: what a column of 32 bits holds,
in every currency: 20,000,000.00 yuan or rupiah, 2,000,000,000 dong."""
_SIGNS = {"CNY": "¥"}


def decimals(currency: str) -> int:
    """How many decimals a currency's minor unit has by ISO 4217: 2 for CNY, 0 for JPY, 3 for KWD.

    2 for a code that is not (or no longer) listed: no document may name one, but money that came
    in it is still shown.
    """
    return currency_decimals().get(currency, USUAL_DECIMALS)


def format_money(minor: int, currency: str) -> str:
    """An amount as people read it: ``¥43.50``, ``JPY 500``, ``KWD 1.250``."""
    minus = "-" if minor < 0 else ""
    sign = _SIGNS.get(currency, f"{currency} ")
    return f"{minus}{sign}{plain_money(abs(minor), currency, grouped=True)}"


def whole_money(minor: float, currency: str) -> str:
    """An amount rounded to its main unit, for a glance: ``¥171,234``."""
    sign = _SIGNS.get(currency, f"{currency} ")
    value = round(abs(minor) / 10 ** decimals(currency))
    return f"{'-' if minor < 0 and value else ''}{sign}{value:,}"


def format_sums(amounts: Iterable[tuple[int, str]]) -> str:
    """Amounts added up, each currency by itself: ``¥43.50``, ``¥43.50 + JPY 500``; empty for
    none. What is owed may be in two currencies after a city has changed its own."""
    sums: dict[str, int] = {}
    for minor, currency in amounts:
        sums[currency] = sums.get(currency, 0) + minor
    return " + ".join(format_money(total, currency) for currency, total in sums.items())


def plain_money(minor: int, currency: str, *, grouped: bool = False) -> str:
    """An amount as a plain decimal, for CSV: ``43.50``."""
    value = Decimal(minor).scaleb(-decimals(currency))
    return f"{value:,f}" if grouped else f"{value:f}"


def parse_money(text: str, currency: str) -> int:
    """An amount from a plain decimal, in the currency's minor unit.

    Raises:
        NotPlain: It is no plain decimal, finer than the currency, or beyond ``LARGEST_AMOUNT``.
    """
    return parse_decimal(text, decimals(currency), LARGEST_AMOUNT)
