"""The demo's payments: each sample city has an account at the sandbox, and its secrets stored."""

from __future__ import annotations

from datetime import datetime

from smartcity_saas.audit import system
from smartcity_saas.configuration.city import City
from smartcity_saas.configuration.secret_uses import SecretUse
from smartcity_saas.credentials import CredentialError, read_credential, store_credential
from smartcity_saas.product import product


def connect_sandbox(city: City, site: str, now: datetime) -> None:
    """Give the current city an account at the sandbox, and its webhooks a way here.

    Args:
        city: A sample city whose document names Stripe.
        site: The address of its site.
        now: The time.
    """
    import stripe  # the SDK, for the demo alone

    values = city.payments or {}
    key = f"sk_test_sandbox_{city.slug}"
    base = {"api": product().settings.stripe_api_base}
    client = stripe.StripeClient(key, base_addresses=base)  # type: ignore[arg-type]
    url = f"{site}/webhooks/stripe"
    for endpoint in client.v1.webhook_endpoints.list().data:
        if endpoint.url != url:
            client.v1.webhook_endpoints.delete(endpoint.id)
    made = client.v1.webhook_endpoints.create({"url": url, "enabled_events": ["*"]})
    _keep(values["secret_key"], key, now)
    _keep(values["webhook_secret"], str(made.secret), now)


def _keep(use: SecretUse, value: str, now: datetime) -> None:
    keyring = product().keyring
    try:
        if read_credential(keyring, use) == value:
            return
    except CredentialError:
        pass
    store_credential(keyring, system("demo"), use.name, value, now)
