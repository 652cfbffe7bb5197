"""Benefits: what one service gives to some residents and another makes good, neither knowing the other.

A benefit can only be had or not be had. Whoever has none is served as if there were no benefits, so
a service that asks must offer more to those who hold one and never less to anybody else.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from smartcity_saas.product import product
from smartcity_saas.tenancy.current import current_city

PAY_AFTER_TREATMENT = "pay_after_treatment"
"""The kind of benefit by which a fee is paid after the visit that it is for."""


@dataclass(frozen=True)
class PayAfterTreatment:
    """Leave to pay fees after the visits that they are for.

    Attributes:
        days: Calendar days of the city, counted from the day of the visit, to pay in.
        limit: The most that may be open at a time, in the minor unit of ``currency``.
        currency: ISO 4217 code.
    """

    days: int
    limit: int
    currency: str


@dataclass(frozen=True)
class RestingBenefit:
    """That a kind of benefit rests for a resident, in words, and the page that brings it back."""

    kind: str
    reason: Any
    url: str


class BenefitSource(Protocol):
    """A service that gives benefits, in the current city."""

    def pay_after_treatment(
        self, resident_id: uuid.UUID, now: datetime
    ) -> PayAfterTreatment | None:
        """The terms on which a resident may pay after treatment; None where they may not."""


def pay_after_treatment(resident_id: uuid.UUID, now: datetime) -> PayAfterTreatment | None:
    """The terms on which a resident may pay after treatment in the current city: of several the
    longest time and the highest limit. None where nobody gives any."""
    found = [
        terms
        for source in _sources()
        if (terms := source.pay_after_treatment(resident_id, now)) is not None
    ]
    return most_generous(found)


def most_generous(found: list[PayAfterTreatment]) -> PayAfterTreatment | None:
    """Terms as good as each of some, all in one currency; None for none."""
    if not found:
        return None
    return PayAfterTreatment(
        max(one.days for one in found), max(one.limit for one in found), found[0].currency
    )


def resting_benefits(resident_id: uuid.UUID, now: datetime) -> list[RestingBenefit]:
    """What rests for a resident in the current city, and what brings it back."""
    return [
        one
        for service in product().services.values()
        for one in service.resting_benefits(resident_id, now)
    ]


def _sources() -> Iterator[BenefitSource]:
    catalog = current_city().catalog
    for name, service in product().services.items():
        if service.benefits is not None and name in catalog and not catalog[name].is_closed:
            yield service.benefits
