"""What of hospital appointments residents rate: a visit, once it is over."""

from __future__ import annotations

import uuid
from datetime import datetime

from smartcity_saas.catalog.rateable import FinishedAct, RateableAct
from smartcity_saas.errors import NotFound
from smartcity_saas.identity.residents.accounts import SignedInResident
from smartcity_saas.services.hospital_appointments.booking import own_appointment
from smartcity_saas.services.hospital_appointments.models import AppointmentState
from smartcity_saas.services.hospital_appointments.names import ROOT

VISIT = "visit"


def _over(resident: SignedInResident, key: uuid.UUID, now: datetime) -> FinishedAct | None:
    """A visit whose clinic is over, or that the hospital has marked; never one that was missed."""
    try:
        found = own_appointment(resident, key)
    except NotFound:
        return None
    attended = found.state == AppointmentState.ATTENDED
    if not attended and not found.is_booked:
        return None
    ended_at = (found.ended_at if attended else None) or found.session.ends_at
    return FinishedAct(ended_at, f"{ROOT}/appointments/{key}") if ended_at <= now else None


acts = {
    VISIT: RateableAct(
        {"zh": "就诊", "en": "Visit"},
        _over,
        {
            "long_wait": {"zh": "到了还等很久", "en": "Long wait on the spot"},
            "hard_to_find": {"zh": "地方难找", "en": "Hard to find"},
        },
    )
}
