"""What a payment may pay for. A service registers its own; payments know none by name."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from smartcity_saas.configuration.city import Localized


@dataclass(frozen=True)
class Item:
    """One thing to pay: the service's key of it, what it is called, minor units."""

    reference: str
    title: Localized
    amount: int


@dataclass(frozen=True)
class Quote:
    """What is to be paid now. ``back`` is the path to return to without having paid; ``until`` is
    when it can be paid no more, None where it has no such time."""

    title: Localized
    items: tuple[Item, ...]
    currency: str
    back: str
    until: datetime | None = None

    @property
    def amount(self) -> int:
        """All items together, in the minor unit."""
        return sum(item.amount for item in self.items)


@dataclass(frozen=True)
class Outcome:
    """What came of paying, in words for whoever paid, and the path of the page that shows it."""

    words: Any
    url: str


class NotPayable(Exception):
    """An item cannot count as paid (any more); ``reason`` is a word that finance reads."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True)
class Payable:
    """How a service's things are paid. All run in the city's tenant context.

    ``quote`` gives what a resident would pay for some references now, and raises ``NotFound`` or
    ``Conflict``. ``fulfil`` marks items as paid in the caller's transaction, all of them or none: it
    looks at all, raises ``NotPayable`` or not, and only then changes anything; and only for the amounts
    that they cost now. ``reverse`` takes that back
    after the whole amount was refunded. Without ``is_act`` paying is no act of the service by itself:
    it only belongs to another one, which the service counts. ``outcome`` says what came of that one, above
    the receipt.
    """

    quote: Callable[[Any, Sequence[str], datetime], Quote]
    fulfil: Callable[[Sequence[Item], str, uuid.UUID, datetime], None]
    reverse: Callable[[Sequence[str], uuid.UUID, datetime], None]
    is_act: bool = True
    outcome: Callable[[Sequence[str]], Outcome | None] = lambda references: None
