"""The service's part of a document: kinds, suppliers, how numbers look, tariffs."""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from marshmallow import Schema, ValidationError, fields

from smartcity_saas.configuration.fields import (
    Choice,
    Line,
    ListOf,
    Pattern,
    Text,
    WholeNumber,
    Word,
)
from smartcity_saas.configuration.schema import ServiceSettings
from smartcity_saas.services.utility_bills.names import KINDS
from smartcity_saas.texts import lazy_gettext as _
from smartcity_saas.web.numbers import NotPlain, parse_decimal

# Literals, classes of characters and counts, of which one may vary: matching such a pattern
# takes at most as many steps as the text is long, times that one count.
_SIMPLE = re.compile(
    r"(?:(?:[A-Za-z0-9-]|\\d|\[[A-Za-z0-9-]+\])(?:\{[0-9]{1,2}(?:,[0-9]{1,2})?\})?)+"
)


class NumberPattern(Word):
    """A pattern of an account's number: characters, ``[0-9]`` and counts, nothing nested."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        text = super()._deserialize(value, attr, data, **kwargs)
        try:
            simple = _SIMPLE.fullmatch(text) and len(re.findall(r"\{\d+,\d+\}", text)) <= 1
            fits = simple and re.compile(text)
        except re.error:
            fits = None
        if not fits:
            raise ValidationError(
                _('Write a pattern of characters and counts, such as "[0-9]{10}".')
            )
        return text


class Price(Word):
    """A price a unit, in yuan, as text: ``"2.90"``."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        text = super()._deserialize(value, attr, data, **kwargs)
        try:
            price = parse_decimal(text, 4)
        except NotPlain as error:
            raise ValidationError(error.message) from None
        if not 0 < price < 1000 * 10**4:
            raise ValidationError(_('Write a price in yuan as text: "2.90".'))
        found = Decimal(price).scaleb(-4)
        whole_fen = found.quantize(Decimal("0.01"))
        return whole_fen if whole_fen == found else found.normalize()


class TierSchema(Schema):
    """One step of a tariff."""

    up_to = fields.Integer(
        strict=True,
        metadata={
            "description": "The price holds up to this usage in a calendar year; left out in the last."
        },
    )
    price = Price(
        required=True, metadata={"description": "The price of one unit in yuan, in quotes."}
    )


class NumberSchema(Schema):
    """How an account's number looks and where residents find it."""

    pattern = NumberPattern(
        required=True, longest=64, metadata={"description": "Characters and counts: `[0-9]{10}`."}
    )
    example = Line(longest=32, metadata={"description": "A made-up number of that form."})
    where = Text(metadata={"description": "Where it is printed."})


class SupplierSchema(Schema):
    """Who supplies."""

    name = Text(longest=60, required=True, metadata={"description": "The supplier's name."})
    number = fields.Nested(NumberSchema, required=True)
    phone = Pattern(
        r"[0-9+][0-9 -]{2,19}",
        _('Write a phone number in quotes: "12345".'),
        metadata={"description": "The supplier's telephone."},
    )
    tiers = ListOf(
        fields.Nested(TierSchema),
        most=8,
        metadata={"description": "The tariff by usage in a calendar year, cheapest first."},
    )


class SuppliersSchema(Schema):
    """The supplier of each kind."""

    water = fields.Nested(SupplierSchema)
    electricity = fields.Nested(SupplierSchema)
    gas = fields.Nested(SupplierSchema)


class UtilityBillsSettings(ServiceSettings):
    """Settings of the service."""

    kinds = ListOf(
        Choice(KINDS),
        required=True,
        metadata={"description": "Which bills the city shows: `water`, `electricity`, `gas`."},
    )
    suppliers = fields.Nested(SuppliersSchema, required=True)
    remind_days = WholeNumber(
        0,
        30,
        load_default=3,
        metadata={"description": "Days before a bill is due that residents are reminded; 0 never."},
    )

    def check_whole(self, data: Mapping[str, Any]) -> None:
        """Each kind once and with its supplier; tiers in order; the example of its pattern."""
        errors: dict[str, Any] = {}
        suppliers = data.get("suppliers", {})
        kinds = data.get("kinds", [])
        if len(set(kinds)) != len(kinds) or not kinds:
            errors["kinds"] = [_("Name each utility once, and at least one.")]
        for kind in kinds:
            if kind not in suppliers:
                errors.setdefault("suppliers", {})[kind] = [
                    _("This utility is offered but has no supplier.")
                ]
        for kind, supplier in suppliers.items():
            found = _supplier_errors(supplier)
            if found:
                errors.setdefault("suppliers", {})[kind] = found
        if errors:
            raise ValidationError(errors)


def _supplier_errors(supplier: Mapping[str, Any]) -> dict[str, Any]:
    errors: dict[str, Any] = {}
    number = supplier.get("number", {})
    if "example" in number and not re.fullmatch(number["pattern"], number["example"]):
        errors["number"] = {"example": [_("The example does not match the pattern.")]}
    limits = [tier.get("up_to") for tier in supplier.get("tiers", [])]
    if limits and (
        limits[-1] is not None
        or None in limits[:-1]
        or sorted(set(limits[:-1])) != limits[:-1]
        or any(limit <= 0 for limit in limits[:-1])
    ):
        errors["tiers"] = [_("Tiers must go from low to high, and only the last has no up_to.")]
    return errors
