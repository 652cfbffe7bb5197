"""The states of a payment and the moves between them. Pure: no database, no provider."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

State = Literal["created", "open", "processing", "paid", "failed", "expired", "held", "refunded"]

CREATED: State = "created"
"""Written here; the provider may not know of it yet."""
OPEN: State = "open"
"""The provider's page is open to the payer."""
PROCESSING: State = "processing"
"""The payer is done; the money comes later, or not."""
PAID: State = "paid"
FAILED: State = "failed"
EXPIRED: State = "expired"
HELD: State = "held"
"""Money came that does not add up; finance decides."""
REFUNDED: State = "refunded"
"""All of it went back."""

MOVES: Mapping[str, frozenset[State]] = {
    CREATED: frozenset({OPEN, PROCESSING, PAID, FAILED, EXPIRED, HELD}),
    OPEN: frozenset({PROCESSING, PAID, FAILED, EXPIRED, HELD}),
    PROCESSING: frozenset({PAID, FAILED, EXPIRED, HELD}),
    FAILED: frozenset({PROCESSING, PAID, HELD}),
    EXPIRED: frozenset({PROCESSING, PAID, HELD}),
    HELD: frozenset({PAID, REFUNDED}),
    PAID: frozenset({REFUNDED, HELD}),  # held: disputed
    REFUNDED: frozenset({PAID, HELD}),  # a refund that the bank sent back
}
"""What each state may become. Money that comes after a failure or an expiry is still money."""

UNDER_WAY = frozenset({CREATED, OPEN, PROCESSING})
RECEIVED = frozenset({PAID, HELD, REFUNDED})


class IllegalMove(RuntimeError):
    """A payment cannot go from one state to another. A fault of the program."""


def moved(state: str, to: State) -> State:
    """The state after a move.

    Raises:
        IllegalMove: There is no such move.
    """
    if to not in MOVES[state]:
        raise IllegalMove(f"a payment that is {state} cannot become {to}")
    return to
