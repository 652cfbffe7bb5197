"""The states of payments, refunds and disputes, and the transitions between a payment's. Pure: no
database, no provider."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum


class PaymentState(StrEnum):
    """How far a payment is."""

    CREATED = "created"
    """Written here; the provider may not know of it yet."""
    OPEN = "open"
    """The provider's page is open to the payer."""
    PROCESSING = "processing"
    """The payer is done; the money comes later, or not."""
    PAID = "paid"
    FAILED = "failed"
    EXPIRED = "expired"
    HELD = "held"
    """Money came that does not add up; finance decides."""
    REFUNDED = "refunded"
    """All of it went back."""


TRANSITIONS: Mapping[str, frozenset[PaymentState]] = {
    PaymentState.CREATED: frozenset(PaymentState) - {PaymentState.CREATED, PaymentState.REFUNDED},
    PaymentState.OPEN: frozenset(
        {
            PaymentState.PROCESSING,
            PaymentState.PAID,
            PaymentState.FAILED,
            PaymentState.EXPIRED,
            PaymentState.HELD,
        }
    ),
    PaymentState.PROCESSING: frozenset(
        {PaymentState.PAID, PaymentState.FAILED, PaymentState.EXPIRED, PaymentState.HELD}
    ),
    PaymentState.FAILED: frozenset({PaymentState.PROCESSING, PaymentState.PAID, PaymentState.HELD}),
    PaymentState.EXPIRED: frozenset(
        {PaymentState.PROCESSING, PaymentState.PAID, PaymentState.HELD}
    ),
    PaymentState.HELD: frozenset({PaymentState.PAID, PaymentState.REFUNDED}),
    PaymentState.PAID: frozenset({PaymentState.REFUNDED, PaymentState.HELD}),  # held: disputed
    # A refund that the bank sent back.
    PaymentState.REFUNDED: frozenset({PaymentState.PAID, PaymentState.HELD}),
}
"""What each state may become. Money that comes after a failure or an expiry is still money."""

UNDER_WAY = frozenset({PaymentState.CREATED, PaymentState.OPEN, PaymentState.PROCESSING})
RECEIVED = frozenset({PaymentState.PAID, PaymentState.HELD, PaymentState.REFUNDED})


class HeldReason(StrEnum):
    """Why a payment is held, beside the reasons of the service whose things it pays for."""

    DISPUTED = "disputed"
    """A dispute is open."""
    DISPUTE_LOST = "dispute_lost"
    """A dispute is lost, and finance has not decided on it."""
    DISPUTE_WON = "dispute_won"
    """Money of what does not count as paid is here after all: a dispute was won late."""
    REFUND_RETURNED = "refund_returned"
    """Likewise: a bank sent a refund back."""
    AMOUNT = "amount"
    "The amount received is not the amount due."
    CURRENCY = "currency"
    """It came in another currency."""
    REFUNDED = "refunded"
    """It had gone back by the time that we heard of it."""
    TWICE = "twice"
    """What it is for belongs to another payment."""


class RefundState(StrEnum):
    """How far a refund is."""

    REQUESTED = "requested"
    """Asked for here; the provider may not know of it yet."""
    PENDING = "pending"
    """The provider has it; the money is to go."""
    DONE = "done"
    FAILED = "failed"


class RefundFailure(StrEnum):
    """Why a refund failed."""

    BOUNCED = "bounced"
    """The bank sent it back."""
    REFUSED = "refused"
    """The provider would not."""
    OTHER_ACCOUNT = "other_account"
    """The provider does not know the payment."""


class DisputeState(StrEnum):
    """How a dispute (chargeback) stands at the provider."""

    NEW = ""
    """Just written here; what the provider says of it is applied next."""
    INQUIRY = "inquiry"
    """The bank asks only."""
    OPEN = "open"
    """It is to be answered or decided."""
    WON = "won"
    LOST = "lost"
    CLOSED = "closed"
    """An inquiry that came to nothing."""


SETTLED = frozenset({DisputeState.WON, DisputeState.LOST, DisputeState.CLOSED})
"""What a bank decides."""


class DisputeDecision(StrEnum):
    """Finance's decision on what a payment was for after its dispute was lost."""

    DUE_AGAIN = "due_again"
    """It is to be paid again."""
    WRITTEN_OFF = "written_off"
    """It stays paid, and the city bears the loss."""
    PUT_DOWN = "put_down"
    """It did not count as paid, and nothing changes for whoever paid."""
