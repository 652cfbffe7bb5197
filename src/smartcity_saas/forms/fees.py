"""The fee of an application that is withdrawn: whether it comes back by itself, and sending it back.

It comes back whole where no member of staff has taken the application over by then; else the city
decides about it. A payment pays for one application, so it is sent back once.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from typing import Any

from flask_babel import lazy_gettext as _

from smartcity_saas.audit import system
from smartcity_saas.database import transaction
from smartcity_saas.errors import Conflict
from smartcity_saas.forms.models import Application, EventKind
from smartcity_saas.forms.names import APPLICATIONS
from smartcity_saas.outbox import enqueue
from smartcity_saas.payments.refunds import refund_rest
from smartcity_saas.payments.repository import locked, refunds_of
from smartcity_saas.web.languages import both

RETURN_FEE = f"{APPLICATIONS}.return_fee"
"""The task that sends the fee of a withdrawn application back."""
AFTER_DISPUTE = timedelta(days=1)


class FeeChanged(Conflict):
    """What becomes of the fee is no longer what whoever withdraws was told."""

    title = _("The fee has just changed")

    def __init__(self) -> None:
        super().__init__(
            _("Whether the fee comes back has just changed. Read it again before you withdraw.")
        )


def fee_comes_back(row: Application, happened: Collection[EventKind]) -> bool:
    """Whether the fee of an application comes back by itself: if it is withdrawn now, or because it was.

    Args:
        row: The application, held where it is about to be withdrawn.
        happened: What its timeline has.
    """
    if row.is_finished:
        return EventKind.FEE_RETURNING in happened
    return row.payment_id is not None and EventKind.TAKEN_OVER not in happened


def send_fee_back(row: Application, now: datetime) -> None:
    """Have the fee of an application that the transaction holds sent back after the commit; nothing
    where none was paid."""
    if row.payment_id is not None:
        payment = str(row.payment_id)
        enqueue(RETURN_FEE, {"payment": payment}, now, key=payment)


def return_fee(payload: Mapping[str, Any], now: datetime) -> None:
    """The task: what is left of a payment goes back, once; while the payer's bank disputes it, after
    that."""
    actor = system(APPLICATIONS)
    with transaction():
        payment = locked(uuid.UUID(payload["payment"]))
        if any(one.requested_by == actor.name for one in refunds_of(payment.id)):
            return
        if payment.is_disputed:
            enqueue(RETURN_FEE, payload, now, due_at=now + AFTER_DISPUTE)
            return
        reason = " / ".join(both(lambda: _("Withdrawn before anybody looked at it")).values())
        refund_rest(actor, payment, payment.received, reason, now)
