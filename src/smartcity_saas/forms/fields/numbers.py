"""Whole and decimal numbers, and amounts of money."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from smartcity_saas.forms.definition import Field
from smartcity_saas.forms.fields.kinds import (
    Context,
    Kind,
    Unfit,
    plain_words,
    quoted,
    read_parts,
    read_text,
)
from smartcity_saas.forms.names import LARGEST_NUMBER
from smartcity_saas.texts import lazy_gettext as _
from smartcity_saas.web.money import (
    LARGEST_AMOUNT,
    decimals,
    format_money,
    parse_money,
    plain_money,
)
from smartcity_saas.web.numbers import NotPlain, parse_decimal, plain_decimal

PLACES = 6
"""Decimal places that a decimal may have: a millionth, such as of a degree."""
_MINUS = "-−－"  # the hyphen of keyboards, the minus sign, and the full-width one


def _read_whole(field: Field, given: Any, context: Context) -> str | None:
    if isinstance(given, int) and not isinstance(given, bool):
        given = str(given)
    return _read_number(field, read_text(given), 0)


def _read_decimal(field: Field, given: Any, context: Context) -> str | None:
    if isinstance(given, int) and not isinstance(given, bool):
        given = str(given)
    if isinstance(given, float):
        raise Unfit(
            _(
                "Put %(value)s in quotes, so that it stays exact.",
                value=quoted(given),
            )
        )
    return _read_number(field, read_text(given), PLACES)


def _read_number(field: Field, text: str, places: int) -> str | None:
    if not text:
        return None
    below_zero = text[0] in _MINUS and field.least is not None and Decimal(field.least) < 0
    try:
        size = parse_decimal(text[1:] if below_zero else text, places, LARGEST_NUMBER * 10**places)
    except NotPlain as fault:
        raise Unfit(fault.message) from None
    value = plain_decimal(-size if below_zero else size, places)
    _check_limits(field, Decimal(value), value, "%s")
    return value


def _read_money(field: Field, given: Any, context: Context) -> dict[str, Any] | None:
    currency = context.currency
    if isinstance(given, Mapping):
        minor = _minor(given, currency)
    else:
        text = read_text(given)
        if not text:
            return None
        try:
            minor = parse_money(text, currency)
        except NotPlain as fault:
            raise Unfit(fault.message) from None
    value = Decimal(minor).scaleb(-decimals(currency))
    _check_limits(field, value, plain_money(minor, currency), f"%s {currency}")
    return {"amount": minor, "currency": currency}


def _minor(given: Mapping[str, Any], currency: str) -> int:
    """The amount of an object of JSON, in the minor unit."""
    parts = read_parts(given, "amount", "currency")
    amount = parts.get("amount")
    if isinstance(amount, bool) or not isinstance(amount, int):
        raise Unfit(
            _(
                "“%(value)s” is no amount. Give a whole number of the smallest unit of %(currency)s.",
                value=quoted(amount),
                currency=currency,
            )
        )
    if not 0 <= amount <= LARGEST_AMOUNT:
        raise Unfit(
            _(
                "%(value)s is not possible. Give an amount from 0 to %(most)s.",
                value=quoted(amount),
                most=LARGEST_AMOUNT,
            )
        )
    if parts.get("currency") != currency:
        raise Unfit(
            _(
                "“%(value)s” is not the currency here. Give the amount in %(currency)s.",
                value=quoted(parts.get("currency")),
                currency=currency,
            )
        )
    return amount


def _check_limits(field: Field, value: Decimal, written: str, shape: str) -> None:
    """Raise ``Unfit`` for what lies beyond the definition's limits; ``shape`` writes one of them."""
    if field.least is not None and value < Decimal(field.least):
        raise Unfit(
            _(
                "%(value)s is too little: at least %(least)s.",
                value=shape % written,
                least=shape % field.least,
            )
        )
    if field.most is not None and value > Decimal(field.most):
        raise Unfit(
            _(
                "%(value)s is too much: at most %(most)s.",
                value=shape % written,
                most=shape % field.most,
            )
        )


def _typed_money(value: Any) -> Any:
    if not isinstance(value, Mapping):
        return value
    amount, currency = value.get("amount"), value.get("currency")
    if isinstance(amount, int) and isinstance(currency, str):
        return plain_money(amount, currency)
    return quoted(amount)


def _money_words(field: Field, value: Any, language: str) -> str:
    return format_money(value["amount"], value["currency"])


WHOLE_NUMBER = Kind(_read_whole, plain_words, _("Enter a whole number, such as 12."))
DECIMAL = Kind(_read_decimal, plain_words, _("Enter a number, such as 43.50."))
MONEY = Kind(_read_money, _money_words, _("Enter an amount, such as 43.50."), typed=_typed_money)
