"""Providers: amounts in any currency, one client a city, a second provider as one file."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import stripe
from hypothesis import given
from hypothesis import strategies as st

from smartcity_saas.payments import providers
from smartcity_saas.payments.providers import installed_providers
from smartcity_saas.payments.stripe_amounts import from_stripe, to_stripe
from smartcity_saas.payments.stripe_client import client_of
from smartcity_saas.web.money import decimals, format_money, parse_money, plain_money
from smartcity_saas.web.numbers import NotPlain

CURRENCIES = st.sampled_from(["CNY", "JPY", "KWD", "EUR", "ISK", "UGX", "HKD"])


@given(st.integers(0, 99_999_999), CURRENCIES)
def test_amounts_survive_the_way_to_stripe_and_back(minor: int, currency: str) -> None:
    """Also where Stripe's minor unit is not ISO 4217's."""
    assert from_stripe(to_stripe(minor, currency), currency) == minor
    assert to_stripe(minor, "CNY") == minor


@given(st.integers(0, 99_999_999), CURRENCIES)
def test_amounts_survive_being_written_and_read(minor: int, currency: str) -> None:
    """Plain decimals with as many places as the currency has; nothing finer is read."""
    text = plain_money(minor, currency)
    assert parse_money(text, currency) == minor
    with pytest.raises(NotPlain):
        parse_money(f"{text}{'.' if not decimals(currency) else ''}1", currency)
    assert "-" not in format_money(minor, currency)


def test_each_city_has_a_client_of_its_own() -> None:
    """The same key at two cities is two clients; the SDK's global key stays unset."""

    assert client_of(1, "sk_test_x", "", 1.0) is not client_of(2, "sk_test_x", "", 1.0)
    assert client_of(1, "sk_test_x", "", 1.0) is client_of(1, "sk_test_x", "", 1.0)
    assert stripe.api_key is None


SECOND = '''
"""Cash at the counter, for the tests."""
from marshmallow import Schema
from smartcity_saas.payments.providers import Provider

provider = Provider("counter", Schema, lambda values, secret: None, lambda values: (),
                    lambda values: ("cash",), lambda values, names: True)
'''


def test_a_second_provider_is_one_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file beside its siblings is found, with nothing else edited."""
    (tmp_path / "counter.py").write_text(SECOND)
    monkeypatch.setattr(providers, "__path__", [*providers.__path__, str(tmp_path)])
    assert set(installed_providers()) == {"stripe", "counter"}
    sys.modules.pop("smartcity_saas.payments.providers.counter", None)
