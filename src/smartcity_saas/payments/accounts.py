"""The payment account of the current city."""

from __future__ import annotations

from flask_babel import lazy_gettext as _

from smartcity_saas.configuration.city import City
from smartcity_saas.credentials import read_credential, usable_secrets
from smartcity_saas.errors import SmartCityError
from smartcity_saas.payments.payable import Payable
from smartcity_saas.payments.providers import Account, Limits, Provider
from smartcity_saas.product import product


class PaymentsClosed(SmartCityError):
    """The city takes no payments here (yet)."""

    status = 503
    title = _("You cannot pay here yet")

    def __init__(self) -> None:
        super().__init__(_("For now, pay at the counter or in the supplier's app."))


def provider_of(city: City) -> Provider | None:
    """Who takes a city's payments, None for nobody."""
    if city.payments is None:
        return None
    return product().providers.get(city.payments["provider"])


def payments_open(city: City) -> bool:
    """Whether the current city takes new payments: it has named a provider, set its secrets,
    and not closed it."""
    found = provider_of(city)
    return (
        found is not None
        and not city.closes_payments
        and found.ready(city.payments or {}, usable_secrets())
    )


def refuse_closed(city: City) -> None:
    """Let nothing new begin where no new payments are taken.

    Raises:
        PaymentsClosed: The city names no provider, or has closed it.
    """
    if provider_of(city) is None or city.closes_payments:
        raise PaymentsClosed


def payment_methods(city: City) -> tuple[str, ...]:
    """How people pay there: ``card``, ``alipay`` …"""
    found = provider_of(city)
    return found.methods(city.payments or {}) if found else ()


def limits_of(provider: str, currency: str) -> Limits:
    """What one payment or refund at a provider may be; anything where it is not installed."""
    found = product().providers.get(provider)
    return found.limits(currency) if found is not None else Limits()


def account_of(city: City) -> Account:
    """The city's account at its provider.

    Raises:
        PaymentsClosed: The city names no provider.
    """
    found = provider_of(city)
    if found is None:
        raise PaymentsClosed
    keyring = product().keyring
    return found.account(city.payments or {}, lambda use: read_credential(keyring, use))


def payable_of(service: str) -> Payable:
    """How a service's things are paid.

    A service that a document defines is paid as all of its kind are, whether it is still defined or not.

    Raises:
        KeyError: The service is not installed, or sells nothing.
    """
    installed = product().services.get(service)
    if installed is None:
        shared = [kind.shared.payable for kind in product().kinds.values() if kind.shared.payable]
        if shared:
            return shared[0]
    return product().payables[service]
