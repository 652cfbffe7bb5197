"""The tasks of the outbox that payments register."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from smartcity_saas.outbox import Task
from smartcity_saas.payments.refunds import REFUND, carry_out
from smartcity_saas.payments.settlement import FOLLOW, SWEEP, sweep, sync_payment
from smartcity_saas.payments.webhooks import MATCH, match
from smartcity_saas.tenancy.current import current_city


def _follow(payload: Mapping[str, Any], now: datetime) -> None:
    sync_payment(current_city(), uuid.UUID(payload["payment"]), now)


def _sweep(payload: Mapping[str, Any], now: datetime) -> None:
    sweep(current_city(), uuid.UUID(payload["payment"]), now)


def _refund(payload: Mapping[str, Any], now: datetime) -> None:
    carry_out(current_city(), uuid.UUID(payload["refund"]), now)


def _match(payload: Mapping[str, Any], now: datetime) -> None:
    match(current_city(), uuid.UUID(payload["event"]), payload["charge"], now)


TASKS: Mapping[str, Task] = {FOLLOW: _follow, SWEEP: _sweep, REFUND: _refund, MATCH: _match}
