"""What residents did in a service, told to every service that wants to know."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol

from smartcity_saas.product import product


@dataclass(frozen=True)
class ServiceEvent:
    """Something that a resident did, or was to do.

    ``kind`` is one that the service declares in its document (``utility_bills.paid_in_time``);
    ``reference`` its own key, so that the same event told twice is one. ``fulfilled`` says whether
    it went as the kind says: a bill paid late is an event of ``paid_in_time`` that was not.
    """

    kind: str
    reference: str
    resident_id: uuid.UUID
    day: date
    fulfilled: bool
    now: datetime


class EventListener(Protocol):
    """A service that hears of events, in the transaction of their cause."""

    def happened(self, event: ServiceEvent) -> None:
        """Something was done."""

    def undone(self, kind: str, reference: str) -> None:
        """It was taken back, such as a payment that was refunded whole."""


def publish_event(event: ServiceEvent) -> None:
    """Tell every listener of the current city; call it in the transaction of the cause."""
    for listener in _listeners():
        listener.happened(event)


def withdraw_event(kind: str, reference: str) -> None:
    """Tell every listener that an event did not happen after all."""
    for listener in _listeners():
        listener.undone(kind, reference)


def _listeners() -> list[EventListener]:
    found = (service.listener for service in product().services.values())
    return [listener for listener in found if listener is not None]
