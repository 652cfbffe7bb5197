"""The service's part of a document."""

from __future__ import annotations

import pytest

from smartcity_saas.services.utility_bills.settings import Price
from tests.support.documents import NINGBO
from tests.support.validation import said

WATER = "services: {{utility_bills: {{settings: {{suppliers: {{water: {{{}}}}}}}}}}}\n"


@pytest.mark.parametrize(
    "settings, message",
    [
        ('number: {pattern: "(a+)+$"}', "characters and counts"),
        ('number: {pattern: "0{0,99}0{0,99}x"}', "characters and counts"),
        ('number: {pattern: "[0-9]*"}', "characters and counts"),
        ('number: {pattern: "[9-0]{3}"}', "characters and counts"),
        ('number: {example: "12"}', "does not match the pattern"),
        ("tiers: [{up_to: 10, price: 2.9}]", "in quotes"),
        ('tiers: [{up_to: 10, price: "2.9"}]', "only the last"),
        ('tiers: [{up_to: 10, price: "2"}, {up_to: 5, price: "3"}, {price: "4"}]', "Tiers must go"),
        ('tiers: [{price: "NaN"}]', "is not a number"),
        ('tiers: [{price: "1E+2"}]', "spreadsheet"),
        ('tiers: [{price: "1_0.5"}]', "underscore"),
        ('tiers: [{price: "2,90"}]', "comma for its decimals"),
        ('tiers: [{price: "0"}]', "price in yuan"),
        ('tiers: [{up_to: 10}, {price: "1"}]', "missing"),
    ],
)
def test_settings_that_contradict_themselves_are_refused(settings: str, message: str) -> None:
    """A pattern that could take for ever, an example that does not fit, tiers out of order."""
    assert message in said(NINGBO + WATER.format(settings))


def test_an_offered_kind_needs_a_supplier() -> None:
    """A kind without a supplier would be a page without a number."""
    text = NINGBO + "services: {utility_bills: {settings: {kinds: [water, water]}}}\n"
    assert "Name each utility once" in said(text)


@pytest.mark.parametrize("text, shown", [("2.90", "2.90"), ("3", "3.00"), ("0.588", "0.588")])
def test_a_price_is_shown_as_people_write_it(text: str, shown: str) -> None:
    """Promise: yuan with two decimals, and with more only where more are meant."""
    assert str(Price().deserialize(text)) == shown
