"""Stripe's sandbox as one city sees it."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from smartcity_saas.sandboxes.stripe import money
from smartcity_saas.sandboxes.stripe.sending import signature
from smartcity_saas.sandboxes.stripe.state import Account, Sandbox
from tests.support.browser import fresh

if TYPE_CHECKING:
    from tests.support.world import World


@dataclass
class Stripe:
    """The sandbox as one city sees it: what happened there, and levers to make it happen."""

    world: World
    slug: str
    account: Account
    secret: str

    @property
    def sandbox(self) -> Sandbox:
        return self.world.sandboxes.stripe

    def session(self) -> dict[str, Any]:
        """The newest Checkout session."""
        return self.objects("checkout.session")[-1]

    def pay(self, session: dict[str, Any] | None = None, method: str = "card", **how: Any) -> None:
        """The payer pays."""
        with self.sandbox.lock:
            money.pay(self.sandbox, self.account, session or self.session(), method, **how)

    def events(self) -> list[dict[str, Any]]:
        """Everything that happened, oldest first."""
        return self.objects("event")

    def objects(self, kind: str) -> list[dict[str, Any]]:
        """Everything of a kind, oldest first; the product may be asking for more meanwhile."""
        with self.sandbox.lock:
            return [one for one in self.account.objects.values() if one["object"] == kind]

    def send(self, event: dict[str, Any], secret: str | None = None, **options: Any) -> Any:
        """Send one event to the city's webhook, signed."""
        body = json.dumps(event).encode()
        signed = signature(secret or self.secret, body, int(time.time()))
        client = self.world.app.test_client()
        return fresh(
            client.post,
            "/webhooks/stripe",
            base_url=f"http://{options.get('host', self.slug)}.localhost",
            data=options.get("body", body),
            headers={"Stripe-Signature": signed, "Content-Type": "application/json"},
        )

    def send_all(self) -> None:
        """Send everything that happened, in order, and let the worker follow it."""
        for event in self.events():
            assert self.send(event).status_code == 200
        self.world.work()
