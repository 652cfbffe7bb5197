"""The tables of money, all a city's own. Amounts are in the currency's minor unit."""

from __future__ import annotations

import uuid
from datetime import date, datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from smartcity_saas.database import CityModel, StoredEnum, city_foreign_key, city_relationship
from smartcity_saas.errors import IllegalTransition
from smartcity_saas.identity.personal_data.declaration import (
    ACCOUNTING,
    AMOUNT,
    DISPUTE_STATES,
    MONEY_STATES,
    STATE,
    WHEN,
    PersonalData,
)
from smartcity_saas.payments.states import (
    RECEIVED,
    SETTLED,
    TRANSITIONS,
    UNDER_WAY,
    DisputeDecision,
    DisputeState,
    HeldReason,
    PaymentState,
    RefundFailure,
    RefundState,
)


class Payment(CityModel):
    """One payment of a resident for some items of one service.

    ``number`` is what people read out. ``received`` is what the provider took, ``refunded``
    what went back. ``fulfilled_at`` is set while the items count as paid by it. ``refusal`` says
    why the provider opened no page for it.
    """

    __tablename__ = "payment"
    personal_data = PersonalData(
        {"zh": "缴费", "en": "Payments"},
        {
            "number": {"zh": "编号", "en": "Number"},
            "title": {"zh": "内容", "en": "What"},
            "amount": AMOUNT,
            "state": STATE,
            "created_at": WHEN,
        },
        "keep",
        why=ACCOUNTING,
        words={"state": MONEY_STATES},
        alone=frozenset({"number", "received_currency", "created_at"}),
    )
    __table_args__ = (
        city_foreign_key("resident_id", "resident"),
        UniqueConstraint("city_id", "number"),
        UniqueConstraint("city_id", "checkout_id"),
        Index("ix_payment_city_id_resident_id", "city_id", "resident_id"),
        Index("ix_payment_city_id_created_at", "city_id", "created_at"),
        Index("ix_payment_city_id_provider_reference", "city_id", "provider_reference"),
        CheckConstraint("amount > 0", name="amount"),
        CheckConstraint("refunded >= 0 AND refunded <= received", name="refunded"),
    )

    number: Mapped[str]
    resident_id: Mapped[uuid.UUID]
    service: Mapped[str]
    title: Mapped[dict[str, str]]
    amount: Mapped[int] = mapped_column(BigInteger)
    currency: Mapped[str]
    state: Mapped[PaymentState] = mapped_column(StoredEnum(PaymentState))
    provider: Mapped[str]
    checkout_id: Mapped[str | None]
    checkout_url: Mapped[str | None]
    provider_reference: Mapped[str | None]
    method: Mapped[str | None]
    received: Mapped[int] = mapped_column(BigInteger, default=0)
    received_currency: Mapped[str | None]
    refunded: Mapped[int] = mapped_column(BigInteger, default=0)
    held_reason: Mapped[str | None]
    refusal: Mapped[str | None]
    site: Mapped[str]
    language: Mapped[str]
    back: Mapped[str]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    paid_at: Mapped[datetime | None]
    fulfilled_at: Mapped[datetime | None]

    @property
    def paid_currency(self) -> str:
        """The currency of ``received`` and ``refunded``: the order's until money came."""
        return self.received_currency or self.currency

    @property
    def path(self) -> str:
        """Its page on the city's site."""
        return f"/me/payments/{self.id}"

    @property
    def page(self) -> str:
        """Where the payer goes with it: the provider's page while that is open, else its own."""
        if self.is_open and self.checkout_url:
            return self.checkout_url
        return self.path

    @property
    def is_exact(self) -> bool:
        """Whether what came is what was asked for, amount and currency."""
        return (self.received, self.received_currency) == (self.amount, self.currency)

    @property
    def is_unopened(self) -> bool:
        """Whether no page of the provider's is known, so that nobody can have paid."""
        return self.state == PaymentState.CREATED and self.checkout_id is None

    @property
    def is_open(self) -> bool:
        """Whether the provider's page is open to the payer."""
        return self.state == PaymentState.OPEN

    @property
    def is_processing(self) -> bool:
        """Whether the payer is done and the money yet to come."""
        return self.state == PaymentState.PROCESSING

    @property
    def is_paid(self) -> bool:
        """Whether its money counts as what was asked for."""
        return self.state == PaymentState.PAID

    @property
    def is_refunded(self) -> bool:
        """Whether all of its money went back."""
        return self.state == PaymentState.REFUNDED

    @property
    def is_expired(self) -> bool:
        """Whether it was not paid in time."""
        return self.state == PaymentState.EXPIRED

    @property
    def is_failed(self) -> bool:
        """Whether paying did not work."""
        return self.state == PaymentState.FAILED

    @property
    def has_receipt(self) -> bool:
        """Whether a receipt is made out: it counts as paid, or all of it went back."""
        return self.is_paid or self.is_refunded

    @property
    def is_under_way(self) -> bool:
        """Whether it can still be paid, or the money is yet to come."""
        return self.state in UNDER_WAY

    @property
    def is_received(self) -> bool:
        """Whether money came, wherever it is by now."""
        return self.state in RECEIVED

    @property
    def has_money(self) -> bool:
        """Whether money of it is here, counted or held."""
        return self.state in (PaymentState.PAID, PaymentState.HELD)

    @property
    def is_held(self) -> bool:
        """Whether finance has to decide."""
        return self.state == PaymentState.HELD

    @property
    def is_disputed(self) -> bool:
        """Whether a dispute holds it: one that is open, or lost and not decided on."""
        return self.held_reason in (HeldReason.DISPUTED, HeldReason.DISPUTE_LOST)

    @property
    def is_fulfilled(self) -> bool:
        """Whether its items count as paid by it."""
        return self.fulfilled_at is not None

    @property
    def dispute_decisions(self) -> tuple[DisputeDecision, ...]:
        """What finance can decide once a dispute was lost: what does not count as paid, held or
        gone back already, can neither be due again nor stay paid."""
        if self.is_fulfilled:
            return DisputeDecision.DUE_AGAIN, DisputeDecision.WRITTEN_OFF
        return (DisputeDecision.PUT_DOWN,)

    def may_become(self, state: PaymentState) -> bool:
        """Whether there is such a transition."""
        return state in TRANSITIONS[self.state]

    def become(self, state: PaymentState) -> None:
        """Go to another state.

        Raises:
            IllegalTransition: There is no such transition.
        """
        if not self.may_become(state):
            raise IllegalTransition(f"a payment that is {self.state} cannot become {state}")
        self.state = state

    def mark_open(self, checkout_id: str, url: str) -> None:
        """Note the page that the provider opened; whoever has ended meanwhile stays so."""
        self.checkout_id, self.checkout_url = checkout_id, url
        if self.state == PaymentState.CREATED:
            self.become(PaymentState.OPEN)

    def mark_paid(self) -> None:
        """Count it as paid.

        Raises:
            IllegalTransition: It ended in another way, or is paid.
        """
        self.become(PaymentState.PAID)
        self.held_reason = None

    def hold(self, reason: str) -> None:
        """Let finance decide about its money.

        Raises:
            IllegalTransition: It is held already.
        """
        self.become(PaymentState.HELD)
        self.held_reason = reason


class PaymentItem(CityModel):
    """One thing that a payment pays for; ``reference`` is the service's own key of it."""

    __tablename__ = "payment_item"
    personal_data = PersonalData(
        {"zh": "缴费明细", "en": "Payment items"},
        {"title": {"zh": "内容", "en": "What"}, "amount": AMOUNT},
        "keep",
        why=ACCOUNTING,
    )
    __table_args__ = (
        city_foreign_key("payment_id", "payment"),
        UniqueConstraint("city_id", "payment_id", "reference"),
        CheckConstraint("amount > 0", name="amount"),
    )

    payment_id: Mapped[uuid.UUID]
    reference: Mapped[str]
    title: Mapped[dict[str, str]]
    amount: Mapped[int] = mapped_column(BigInteger)

    payment: Mapped[Payment] = city_relationship("Payment", "payment_id", owner="PaymentItem")

    @property
    def currency(self) -> str:
        """The currency of the order."""
        return self.payment.currency


class PaymentClaim(CityModel):
    """What is being paid, or has been, belongs to one payment: two tabs cannot pay it twice."""

    __tablename__ = "payment_claim"
    personal_data = PersonalData(
        {"zh": "缴费对应的事项", "en": "What payments are for"},
        {"service": {"zh": "服务", "en": "Service"}},
        "keep",
        why=ACCOUNTING,
    )
    __table_args__ = (
        city_foreign_key("payment_id", "payment"),
        UniqueConstraint("city_id", "service", "reference"),
        Index("ix_payment_claim_city_id_payment_id", "city_id", "payment_id"),
    )

    service: Mapped[str]
    reference: Mapped[str]
    payment_id: Mapped[uuid.UUID]


class LedgerEntry(CityModel):
    """One transfer between two accounts: a row balances by its shape. Written once.

    ``key`` says what it is of, once and for ever (``payment:<id>``, ``refund:<id>``);
    ``provider_reference`` is the provider's own name of the money's move.
    """

    __tablename__ = "ledger_entry"
    personal_data = PersonalData(
        {"zh": "账目", "en": "Ledger"},
        {"at": WHEN, "amount": AMOUNT},
        "keep",
        why=ACCOUNTING,
        alone=frozenset({"debit", "credit", "currency"}),
    )
    __table_args__ = (
        city_foreign_key("payment_id", "payment"),
        UniqueConstraint("city_id", "key"),
        Index("ix_ledger_entry_city_id_at", "city_id", "at"),
        Index("ix_ledger_entry_city_id_payment_id", "city_id", "payment_id"),
        CheckConstraint("amount > 0", name="amount"),
        CheckConstraint("debit <> credit", name="accounts"),
    )

    at: Mapped[datetime]
    key: Mapped[str]
    payment_id: Mapped[uuid.UUID]
    debit: Mapped[str]
    credit: Mapped[str]
    amount: Mapped[int] = mapped_column(BigInteger)
    currency: Mapped[str]
    provider_reference: Mapped[str | None]


class Refund(CityModel):
    """Money on its way back; ``failure`` says why one failed."""

    __tablename__ = "refund"
    personal_data = PersonalData(
        {"zh": "退款", "en": "Refunds"},
        {"amount": AMOUNT, "state": STATE, "created_at": WHEN},
        "keep",
        why=ACCOUNTING,
        words={"state": MONEY_STATES},
    )
    __table_args__ = (
        city_foreign_key("payment_id", "payment"),
        UniqueConstraint("city_id", "provider_reference"),
        Index("ix_refund_city_id_payment_id", "city_id", "payment_id"),
        CheckConstraint("amount > 0", name="amount"),
    )

    payment_id: Mapped[uuid.UUID]
    amount: Mapped[int] = mapped_column(BigInteger)
    state: Mapped[RefundState] = mapped_column(StoredEnum(RefundState))
    reason: Mapped[str]
    requested_by: Mapped[str]
    provider_reference: Mapped[str | None]
    created_at: Mapped[datetime]
    settled_at: Mapped[datetime | None]
    failure: Mapped[RefundFailure | None] = mapped_column(StoredEnum(RefundFailure))

    payment: Mapped[Payment] = city_relationship("Payment", "payment_id", owner="Refund")

    @property
    def currency(self) -> str:
        """The currency that came, in which it goes back."""
        return self.payment.paid_currency

    @property
    def is_requested(self) -> bool:
        """Whether the provider has yet to say something of it."""
        return self.state == RefundState.REQUESTED

    @property
    def is_done(self) -> bool:
        """Whether its money went."""
        return self.state == RefundState.DONE

    @property
    def is_failed(self) -> bool:
        """Whether its money did not go, or came back."""
        return self.state == RefundState.FAILED

    def settle(self, state: RefundState, now: datetime) -> None:
        """Bring it to what the provider says.

        Raises:
            IllegalTransition: It is done, which only a failure undoes; or the state is no
                provider's.
        """
        done = self.is_done and state != RefundState.FAILED
        if done or state == RefundState.REQUESTED:
            raise IllegalTransition(f"a refund that is {self.state} cannot become {state}")
        self.state, self.failure = state, None
        self.settled_at = now if state != RefundState.PENDING else None

    def fail(self, failure: RefundFailure, now: datetime) -> None:
        """Note that its money does not go, or came back."""
        self.settle(RefundState.FAILED, now)
        self.failure = failure


class PaymentDispute(CityModel):
    """A dispute (chargeback): a payer's bank asks about a payment or takes its money back.

    ``state`` is the provider's; ``withdrawn`` is what is taken back at present; ``decision`` is
    finance's on one that was lost.
    """

    __tablename__ = "payment_dispute"
    personal_data = PersonalData(
        {"zh": "银行争议", "en": "Bank disputes"},
        {"amount": AMOUNT, "state": STATE, "created_at": WHEN},
        "keep",
        why=ACCOUNTING,
        words={"state": DISPUTE_STATES},
        alone=frozenset({"created_at", "answer_by"}),
    )
    __table_args__ = (
        city_foreign_key("payment_id", "payment"),
        UniqueConstraint("city_id", "provider_reference"),
        Index("ix_payment_dispute_city_id_payment_id", "city_id", "payment_id"),
    )

    payment_id: Mapped[uuid.UUID]
    provider_reference: Mapped[str]
    amount: Mapped[int] = mapped_column(BigInteger)
    state: Mapped[DisputeState] = mapped_column(StoredEnum(DisputeState))
    reason: Mapped[str]
    answer_by: Mapped[datetime | None]
    withdrawn: Mapped[int] = mapped_column(BigInteger, default=0)
    decision: Mapped[DisputeDecision | None] = mapped_column(StoredEnum(DisputeDecision))
    created_at: Mapped[datetime]
    settled_at: Mapped[datetime | None]

    payment: Mapped[Payment] = city_relationship("Payment", "payment_id", owner="PaymentDispute")

    @property
    def currency(self) -> str:
        """The currency that came, in which it is taken back."""
        return self.payment.paid_currency

    @property
    def is_open(self) -> bool:
        """Whether it is to be answered or decided."""
        return self.state == DisputeState.OPEN

    @property
    def is_inquiry(self) -> bool:
        """Whether the bank asks only."""
        return self.state == DisputeState.INQUIRY

    @property
    def is_won(self) -> bool:
        """Whether the money stays."""
        return self.state == DisputeState.WON

    @property
    def is_lost(self) -> bool:
        """Whether the money is gone."""
        return self.state == DisputeState.LOST

    @property
    def is_settled(self) -> bool:
        """Whether the bank has decided."""
        return self.state in SETTLED

    @property
    def is_undecided(self) -> bool:
        """Whether it is lost, and finance has not decided on it."""
        return self.is_lost and self.decision is None

    def follow(self, state: DisputeState, answer_by: datetime | None, now: datetime) -> bool:
        """Bring it to what the provider says; returns whether that is new. An answer that is older
        than the bank's decision changes nothing."""
        if self.is_settled and state not in SETTLED:
            return False
        self.answer_by = answer_by
        if self.state == state:
            return False
        self.state = state
        self.settled_at = now if self.is_settled else None
        return True


class ProviderEvent(CityModel):
    """A provider's event, kept once however often it is sent; its keys only, no payload."""

    __tablename__ = "provider_event"
    __table_args__ = (
        UniqueConstraint("city_id", "provider", "event_id"),
        Index("ix_provider_event_city_id_received_at", "city_id", "received_at"),
    )

    provider: Mapped[str]
    event_id: Mapped[str]
    type: Mapped[str]
    object_id: Mapped[str | None]
    payment_id: Mapped[uuid.UUID | None]
    received_at: Mapped[datetime]


class DailyClosing(CityModel):
    """A day that finance has closed, with its totals as they were. Written once."""

    __tablename__ = "daily_closing"
    __table_args__ = (UniqueConstraint("city_id", "day"),)

    day: Mapped[date]
    totals: Mapped[dict[str, Any]]
    differences: Mapped[int | None]
    closed_by: Mapped[str]
    closed_at: Mapped[datetime]


class LedgerLock(CityModel):
    """One row a city: shared by whatever posts, held alone by whoever closes a day, so that a day
    is closed with everything that was posted into it."""

    __tablename__ = "ledger_lock"
    __table_args__ = (UniqueConstraint("city_id", "name"),)

    name: Mapped[str]
