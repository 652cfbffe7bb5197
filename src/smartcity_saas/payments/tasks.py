"""The tasks of the outbox that payments register."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from smartcity_saas.outbox import Task
from smartcity_saas.payments.refunds import REFUND, carry_out
from smartcity_saas.payments.settling import FOLLOW, follow, sweep
from smartcity_saas.tenancy.here import present_city


def _follow(payload: Mapping[str, Any], now: datetime) -> None:
    payment_id = uuid.UUID(payload["payment"])
    if payload.get("sweep"):
        sweep(present_city(), payment_id, now)
    else:
        follow(present_city(), payment_id, now)


def _refund(payload: Mapping[str, Any], now: datetime) -> None:
    carry_out(present_city(), uuid.UUID(payload["refund"]), now)


TASKS: Mapping[str, Task] = {FOLLOW: _follow, REFUND: _refund}
