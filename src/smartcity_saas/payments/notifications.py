"""What whoever paid is told of a payment."""

from __future__ import annotations

from datetime import datetime

from smartcity_saas.notifications import notify
from smartcity_saas.payments.models import Payment


def notify_payer(
    payment: Payment, key: str, title: dict[str, str], body: dict[str, str], now: datetime
) -> None:
    """Write to whoever paid, once a ``key``, with a link to the payment; texts are by language."""
    notify(payment.resident_id, key, title, body, payment.path, now)
