"""Amounts as Stripe counts them: its own minor units, least amounts and currencies.

https://docs.stripe.com/currencies, read in published copies: "Zero-decimal currencies", "Special
cases" and "Minimum charge amount by currency". The table of presentment currencies is filled in by
a script on that page and could not be read there; ``CURRENCIES`` is the list as others publish it.
An account may take fewer: what it refuses ends the payment with a word, not with another amount.
"""

from __future__ import annotations

from smartcity_saas.payments.providers import Limits
from smartcity_saas.web.money import decimals

_TAKEN = """
AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BHD BIF BMD BND BOB BRL BSD BWP BYN BZD CAD CDF
CHF CLP CNY COP CRC CVE CZK DJF DKK DOP DZD EGP ETB EUR FJD FKP GBP GEL GIP GMD GNF GTQ GYD HKD
HNL HTG HUF IDR ILS INR ISK JMD JOD JPY KES KGS KHR KMF KRW KWD KYD KZT LAK LBP LKR LRD LSL MAD
MDL MGA MKD MMK MNT MOP MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR
PLN PYG QAR RON RSD RUB RWF SAR SBD SCR SEK SGD SHP SLE SOS SRD SZL THB TJS TND TOP TRY TTD TWD
TZS UAH UGX USD UYU UZS VND VUV WST XAF XCD XCG XOF XPF YER ZAR ZMW
"""
CURRENCIES = frozenset(_TAKEN.split())
"""What Stripe can charge in. The rest of ISO 4217 is refused where a document names Stripe."""

_WHOLE = "BIF CLP DJF GNF JPY KMF KRW MGA PYG RWF VND VUV XAF XOF XPF"
_ZERO_DECIMAL = frozenset(_WHOLE.split())
"""Whole units at Stripe. MGA has a minor unit in ISO 4217 and none here. UGX stands in Stripe's
list too, and among its special cases, which say otherwise: two decimals, always ``00``, as ISK."""
_TWO_DECIMALS = frozenset({"ISK", "UGX"})
_THREE_DECIMALS = frozenset({"BHD", "JOD", "KWD", "OMR", "TND"})
"""The last digit must be 0. HUF and TWD are plain here: only their payouts are in whole units."""

_LEAST = {
    "AED": 200, "ARS": 50, "AUD": 50, "BRL": 50, "CAD": 50, "CHF": 50, "COP": 50, "CZK": 1500,
    "DKK": 250, "EUR": 50, "GBP": 30, "HKD": 400, "HUF": 17500, "IDR": 50, "ILS": 50, "INR": 50,
    "JPY": 50, "KRW": 50, "MXN": 1000, "MYR": 200, "NOK": 300, "NZD": 50, "PHP": 50, "PLN": 200,
    "RON": 200, "RUB": 50, "SEK": 300, "SGD": 50, "THB": 1000, "USD": 50, "ZAR": 50,
}  # fmt: skip
"""Least charges in ISO 4217's minor unit, for an account that is paid out in the same currency.
Others must come to the least of the currency of the account, which only Stripe can say."""


def to_stripe(minor: int, currency: str) -> int:
    """An amount in ISO 4217's minor unit as Stripe counts it.

    Raises:
        ValueError: Stripe has no such amount: a fraction in a currency that it takes whole.
    """
    finer = _finer(currency)
    if finer >= 0:
        return minor * int(10**finer)
    whole, rest = divmod(minor, int(10**-finer))
    if rest:
        raise ValueError(f"{minor} of {currency} is no amount at Stripe")
    return whole


def from_stripe(amount: int, currency: str) -> int:
    """An amount as Stripe counts it in ISO 4217's minor unit."""
    finer = _finer(currency)
    return amount // int(10**finer) if finer >= 0 else amount * int(10**-finer)


def limits(currency: str) -> Limits:
    """The least amount that Stripe takes in a currency, and the steps in which it does."""
    step = 10 if currency in _THREE_DECIMALS else int(10 ** max(0, -_finer(currency)))
    return Limits(least=_LEAST.get(currency, step), step=step)


def _finer(currency: str) -> int:
    """How many decimals more Stripe counts than ISO 4217 does; fewer are negative."""
    currency = currency.upper()
    if currency in _TWO_DECIMALS:
        return 2 - decimals(currency)
    return -decimals(currency) if currency in _ZERO_DECIMAL else 0
