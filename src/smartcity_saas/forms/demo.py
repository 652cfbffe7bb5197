"""Sample applications for demo mode, of forms that a city has from the library."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from smartcity_saas.configuration.city import CatalogEntry, City
from smartcity_saas.database import transaction
from smartcity_saas.forms.applications import submit
from smartcity_saas.forms.drafts import begin, set_answers
from smartcity_saas.forms.models import Application
from smartcity_saas.identity.demo import sample_resident
from smartcity_saas.identity.residents.accounts import SignedInResident

_ADDRESS = {"city": "330100", "district": "西湖区", "line": "示例街 18 号 2 栋 1104"}
_ANSWERS: Mapping[str, Mapping[str, Any]] = {
    "residence_permit_renewal": {"moved": "no", "address": _ADDRESS},
    "proof_of_residence": {
        "whose": {"who": "other", "name": "示例", "number": "110101199003070732"},
        "address": _ADDRESS,
        "since": "2024-03-01",
        "purpose": "school",
    },
}
"""Answers by the names of services of the library: of the first a step is missing."""
_SENT = {"proof_of_residence": ("parents", "newcomer")}
"""Who has sent theirs, by the names of services."""
SENT_BEFORE = timedelta(days=1)


def fill(city: City, now: datetime) -> None:
    """Fill the current city: one resident has begun an application, two others have sent one."""
    for name in _ANSWERS:
        entry = city.catalog.get(name)
        if entry is None or not entry.is_open or not entry.kind:
            continue
        for subject in _SENT.get(name, ("household",)):
            _apply(sample_resident(subject, now), entry, now, sent=name in _SENT)


def _apply(resident: SignedInResident, entry: CatalogEntry, now: datetime, *, sent: bool) -> None:
    at = now - SENT_BEFORE if sent else now
    row = begin(resident, entry, at)
    set_answers(resident, row.number, _ANSWERS[entry.name], at)
    if sent:
        submit(resident, row.number, at)
    with transaction() as session:
        session.get_one(Application, (row.city_id, row.id)).sample = True
