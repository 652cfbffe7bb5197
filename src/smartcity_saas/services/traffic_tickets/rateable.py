"""What of traffic tickets residents rate: paying one, and the answer to a dispute."""

from __future__ import annotations

import uuid
from datetime import datetime

from smartcity_saas.catalog.rateable import (
    PAYMENT,
    FinishedAct,
    RateableAct,
    Reopening,
    rateable_payment,
)
from smartcity_saas.errors import NotFound
from smartcity_saas.identity.residents.accounts import SignedInResident
from smartcity_saas.services.traffic_tickets import disputes
from smartcity_saas.services.traffic_tickets.names import ROOT, SERVICE
from smartcity_saas.services.traffic_tickets.tickets import own_violation

DISPUTE = "dispute"


def _answered(resident: SignedInResident, key: uuid.UUID, now: datetime) -> FinishedAct | None:
    """The dispute of a ticket, by the ticket's key, once it is answered."""
    try:
        violation = own_violation(resident, key)
    except NotFound:
        return None
    found = disputes.dispute_of(key)
    if found is None or found.resident_id != resident.id or found.answered_at is None:
        return None
    can_reopen = disputes.can_reopen(found, violation, now)
    return FinishedAct(found.answered_at, f"{ROOT}/{key}", can_reopen)


def _reopen(resident: SignedInResident, key: uuid.UUID, words: str, now: datetime) -> None:
    disputes.reopen(resident, key, words, now)


acts = {
    PAYMENT: rateable_payment(SERVICE),
    DISPUTE: RateableAct(
        {"zh": "申诉", "en": "Dispute"},
        _answered,
        {
            "reason_missing": {"zh": "没说清理由", "en": "No clear reason"},
            "photos_ignored": {"zh": "没看我的照片", "en": "My photos were ignored"},
        },
        Reopening(
            {
                "zh": "申诉会带着你的话再交给交管部门看一次，有答复前不用缴费。只能重新办理一次。",
                "en": "The authority looks at your dispute once more, with your words. You do not need "
                "to pay until it answers. This can be done once.",
            },
            _reopen,
        ),
    ),
}
