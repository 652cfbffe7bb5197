"""What of a service can be rated once it is finished, and how a matter is opened again."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from smartcity_saas.configuration.city import Localized
from smartcity_saas.errors import NotFound
from smartcity_saas.identity.residents.accounts import SignedInResident
from smartcity_saas.payments.repository import own_payment


@dataclass(frozen=True)
class FinishedAct:
    """One act of a resident's that is over: since when, the path of its page on the city's site,
    and whether it can be opened again now."""

    finished_at: datetime
    path: str
    can_reopen: bool = False


@dataclass(frozen=True)
class Reopening:
    """How a matter is opened again that is not solved: what that does, in a sentence, and doing it
    with the resident's words, in the transaction that keeps them.

    ``reopen`` raises ``FieldErrors`` (``reason``) for words that are too short or long, and
    ``Conflict`` where it cannot be (any more).
    """

    does: Localized
    reopen: Callable[[SignedInResident, uuid.UUID, str, datetime], None]


@dataclass(frozen=True)
class RateableAct:
    """One kind of act that a service lets residents rate.

    ``title`` is all that the desk learns of it. ``finished`` finds a resident's own act that is
    over; None for one that is not over, is another's, or does not exist. ``faults`` are what can
    be wrong with it beyond what can be with every service: tags by their codes.
    """

    title: Localized
    finished: Callable[[SignedInResident, uuid.UUID, datetime], FinishedAct | None]
    faults: Mapping[str, Localized] = field(default_factory=dict)
    reopening: Reopening | None = None


PAYMENT = "payment"
"""The name of the act of paying, in every service that takes payments."""


def rateable_payment(service: str) -> RateableAct:
    """Paying in a service, as an act to rate. Money that arrived is not opened again; what is
    wrong with it the desk answers.

    Args:
        service: The service's name.
    """

    def finished(resident: SignedInResident, key: uuid.UUID, now: datetime) -> FinishedAct | None:
        try:
            found = own_payment(resident, key)
        except NotFound:
            return None
        if found.service != service or not found.is_paid or found.paid_at is None:
            return None
        return FinishedAct(found.paid_at, f"/me/payments/{key}")

    return RateableAct(
        {"zh": "缴费", "en": "Payment"},
        finished,
        {"amount_unclear": {"zh": "金额看不明白", "en": "The amount is hard to follow"}},
    )
