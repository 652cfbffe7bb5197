"""Stripe's SDK as this product calls it: one client a city, over connections that are guarded.

Apart from the provider, because it builds on a class of the SDK, which loads when it is called.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import httpx
import stripe

from smartcity_saas.connectors.http_client import guarded_connections
from smartcity_saas.product import product

RETRIES = 2
REFUSALS = (
    stripe.InvalidRequestError,
    stripe.AuthenticationError,
    stripe.PermissionError,
    stripe.CardError,
    stripe.IdempotencyError,
)
"""What Stripe says no by: it does answer."""


@lru_cache(maxsize=1024)
def client_of(city_id: int, key: str, base: str, seconds: float) -> stripe.StripeClient:
    """One client a city and key; the SDK's global key stays unset.

    Args:
        city_id: Whose it is.
        key: The city's secret key.
        base: Where Stripe is, if not at its own address.
        seconds: How long one request may take.
    """
    addresses: Any = {"api": base} if base else None
    return stripe.StripeClient(
        key,
        base_addresses=addresses,
        max_network_retries=RETRIES,
        http_client=Connections(seconds),
    )


class Connections(stripe.HTTPClient):
    """The SDK's requests over this process's guarded connections, which stay open between calls, so
    that the deadline of a call holds for names and answers too. Nothing follows a redirect or keeps a
    cookie."""

    name = "smartcity"

    def __init__(self, seconds: float) -> None:
        super().__init__()
        self._timeouts = dict.fromkeys(("connect", "read", "write", "pool"), seconds)

    def request(
        self, method: str, url: str, headers: Any, post_data: Any = None, **_usage: Any
    ) -> tuple[Any, int, Any]:
        """Send one request over connections that are guarded by address.

        Returns:
            Body, status and headers.

        Raises:
            stripe.APIConnectionError: No answer came; the SDK may ask again.
        """
        allowed = product().settings.allowed_networks
        connections = guarded_connections(allowed, not url.startswith("https:"))
        try:
            response = connections.request(
                method.upper(),
                url,
                headers=dict(headers),
                content=post_data.encode() if isinstance(post_data, str) else post_data,
                extensions={"timeout": self._timeouts},
            )
            return response.content, response.status, httpx.Headers(response.headers)
        except Exception as error:
            said = f"no answer from Stripe ({type(error).__name__})"
            raise stripe.APIConnectionError(  # type: ignore[no-untyped-call]
                said, should_retry=True
            ) from error

    def close(self) -> None:
        """Nothing: the connections are those of the process."""
