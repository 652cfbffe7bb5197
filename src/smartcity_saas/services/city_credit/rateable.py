"""What of city credit residents rate: the answer to an appeal."""

from __future__ import annotations

import uuid
from datetime import datetime

from sqlalchemy import select

from smartcity_saas.catalog.rateable import FinishedAct, RateableAct
from smartcity_saas.database import db
from smartcity_saas.identity.residents.accounts import SignedInResident
from smartcity_saas.services.city_credit.models import CreditAppeal
from smartcity_saas.services.city_credit.names import ROOT

APPEAL = "appeal"


def _answered(resident: SignedInResident, key: uuid.UUID, now: datetime) -> FinishedAct | None:
    """An appeal that was answered. An entry is appealed against once, so it is not opened again."""
    found = db.session.scalars(
        select(CreditAppeal).where(CreditAppeal.id == key, CreditAppeal.resident_id == resident.id)
    ).one_or_none()
    if found is None or found.answered_at is None or not found.answer:
        return None
    return FinishedAct(found.answered_at, f"{ROOT}/mine#appeals")


acts = {
    APPEAL: RateableAct(
        {"zh": "申诉", "en": "Appeal"},
        _answered,
        {"reason_missing": {"zh": "没说清理由", "en": "No clear reason"}},
    )
}
