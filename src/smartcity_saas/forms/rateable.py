"""What of a form residents rate: an application that is decided."""

from __future__ import annotations

import uuid
from datetime import datetime

from sqlalchemy import select

from smartcity_saas.catalog.rateable import FinishedAct, RateableAct, Reopening
from smartcity_saas.database import db
from smartcity_saas.errors import NotFound
from smartcity_saas.forms.applications import can_reopen, reopen
from smartcity_saas.forms.models import Application
from smartcity_saas.forms.names import MINE
from smartcity_saas.identity.residents.accounts import SignedInResident

APPLICATION = "application"


def _own(resident: SignedInResident, key: uuid.UUID) -> Application | None:
    query = select(Application).where(Application.id == key, Application.resident_id == resident.id)
    found: Application | None = db.session.scalars(query).one_or_none()
    return found


def _decided(resident: SignedInResident, key: uuid.UUID, now: datetime) -> FinishedAct | None:
    row = _own(resident, key)
    if row is None or not row.is_decided or row.decided_at is None:
        return None
    return FinishedAct(row.decided_at, f"{MINE}/{row.number}", can_reopen(row))


def _reopen(resident: SignedInResident, key: uuid.UUID, words: str, now: datetime) -> None:
    row = _own(resident, key)
    if row is None:
        raise NotFound
    reopen(resident, row.number, words, now)


acts = {
    APPLICATION: RateableAct(
        {"zh": "办事申请", "en": "Application"},
        _decided,
        {
            "asked_twice": {"zh": "让我重复交材料", "en": "I was asked for the same thing twice"},
            "reason_unclear": {"zh": "理由没说清", "en": "The reason was not clear"},
        },
        Reopening(
            {
                "zh": "没通过的申请会带着你的话再看一次，重新计时。只能重新办理一次。",
                "en": "An application that was not approved is looked at once more, with your words, and "
                "its time begins again. This can be done once.",
            },
            _reopen,
        ),
    ),
}
