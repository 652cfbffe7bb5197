"""What waits for a person in a city: declared by the rooms and services that know it, listed by the
overview.

A provider is called inside a city with the time, and gives what waits there now. ``create_app``
registers those of the rooms; a service names its own (``Service.attention``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, datetime
from enum import IntEnum

from smartcity_saas.texts import Text


class Urgency(IntEnum):
    """How soon somebody should look, the most urgent first."""

    DOWN = 0
    """Residents feel it now."""
    FAILED = 1
    """It failed for good, and is not tried again by itself."""
    WAITING = 2
    """Somebody waits for an answer or for their money."""
    ROUTINE = 3
    """A part of the day's work that is not done yet."""


@dataclass(frozen=True, kw_only=True)
class Attention:
    """One thing, or several of a kind, that needs a person. Nothing in it names a resident.

    ``kind`` is for programs (``payments.held``) and does not change. ``page`` is where it is dealt
    with, below the city's own address on the console (``payments/closings``); whoever may not open
    it (``permission``, and ``service`` for a desk) is not shown the row. ``number`` is how many,
    ``since`` the moment from which the oldest waits, ``by`` the last day for it in the city's zone.
    """

    kind: str
    title: Text
    icon: str
    page: str
    permission: str
    urgency: Urgency
    detail: Text = ""
    service: str | None = None
    number: int = 1
    since: datetime | None = None
    by: date | None = None

    @property
    def order(self) -> tuple[int, date, float]:
        """The most urgent first; of those the one that is due first, then the oldest."""
        waiting = self.since.timestamp() if self.since is not None else float("inf")
        return self.urgency, self.by or date.max, waiting


AttentionProvider = Callable[[datetime], Iterable[Attention]]
"""Gives what waits in the current city at a moment, in as few statements as it can."""
