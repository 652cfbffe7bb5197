"""The tasks of the outbox that payments register."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import datetime
from functools import partial

from smartcity_saas.configuration.city import City
from smartcity_saas.outbox import Ask, AskingTask, Payload, Tasks
from smartcity_saas.payments.accounts import account_of
from smartcity_saas.payments.providers import PaymentStatus
from smartcity_saas.payments.refunds import REFUND, carry_out
from smartcity_saas.payments.repository import locked
from smartcity_saas.payments.settlement import (
    FOLLOW,
    SWEEP,
    apply_status,
    sweep,
    sync_payment,
)
from smartcity_saas.payments.webhooks import MATCH, match
from smartcity_saas.tenancy.current import current_city


def _ask(payloads: Sequence[Payload], now: datetime) -> list[Ask]:
    city = current_city()
    account = account_of(city).opened()
    return [
        partial(account.look, payload["page"])
        if "page" in payload
        else partial(_sync, city, payload, now)
        for payload in payloads
    ]


def _sync(city: City, payload: Payload, now: datetime) -> None:
    """Follow a payment whose page the event did not tell, whole."""
    sync_payment(city, uuid.UUID(payload["payment"]), now)


def _apply(payload: Payload, standing: PaymentStatus | None, now: datetime) -> None:
    if standing is not None:
        apply_status(locked(uuid.UUID(payload["payment"])), standing, now)


def _sweep(payload: Payload, now: datetime) -> None:
    sweep(current_city(), uuid.UUID(payload["payment"]), now)


def _refund(payload: Payload, now: datetime) -> None:
    carry_out(current_city(), uuid.UUID(payload["refund"]), now)


def _match(payload: Payload, now: datetime) -> None:
    match(current_city(), uuid.UUID(payload["event"]), payload["charge"], now)


TASKS: Tasks = {
    FOLLOW: AskingTask(_ask, _apply),
    SWEEP: _sweep,
    REFUND: _refund,
    MATCH: _match,
}
