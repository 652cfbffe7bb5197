"""The states of a payment: only the moves that are listed, whatever is tried."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smartcity_saas.errors import IllegalTransition
from smartcity_saas.payments.models import Payment, PaymentDispute, Refund
from smartcity_saas.payments.states import (
    TRANSITIONS,
    DisputeState,
    PaymentState,
    RefundFailure,
    RefundState,
)

STATES = st.sampled_from(PaymentState)


@pytest.mark.parametrize("state", PaymentState)
@pytest.mark.parametrize("to", PaymentState)
def test_only_what_can_happen_to_money_happens(state: PaymentState, to: PaymentState) -> None:
    """Promise: nothing begins again, nothing goes back that never came, what came stays; money
    that comes after all always counts. Said of money here, not read from the table."""
    payment = Payment(state=state)
    unpaid = {"created", "open", "processing", "failed", "expired"}
    never = (
        to in (state, "created")
        or (to == "open" and state != "created")
        or (to == "refunded" and state in unpaid)
        or (to in unpaid and state not in unpaid)
    )
    always = (to in ("paid", "held") and state in unpaid) or (
        to == "refunded" and state in ("paid", "held")
    )
    if never:
        with pytest.raises(IllegalTransition):
            payment.become(to)
        assert payment.state == state
    elif always:
        payment.become(to)
        assert payment.state == to


@given(STATES, st.lists(STATES, max_size=12))
def test_received_money_is_never_forgotten(state: PaymentState, tries: list[PaymentState]) -> None:
    """Whatever is tried: once money came, the payment says so for ever."""
    payment = Payment(state=state)
    came = payment.is_received
    for to in tries:
        if payment.may_become(to):
            payment.become(to)
        came = came or payment.is_received
        assert not came or payment.is_received


def test_late_money_is_still_money() -> None:
    """A failed or expired payment can become paid or held; a refunded one goes back only as
    held or paid."""
    assert {PaymentState.PAID, PaymentState.HELD} <= TRANSITIONS[PaymentState.EXPIRED]
    assert TRANSITIONS[PaymentState.REFUNDED] == {PaymentState.PAID, PaymentState.HELD}


def test_a_refund_that_is_done_ends_only_by_coming_back() -> None:
    """Promise: an older answer of the provider's never opens a refund again; a failure is kept
    with why, and no other state has one."""
    now = datetime(2026, 11, 22, tzinfo=UTC)
    refund = Refund(state=RefundState.REQUESTED)
    refund.settle(RefundState.PENDING, now)
    assert refund.settled_at is None
    refund.settle(RefundState.DONE, now)
    for later in (RefundState.REQUESTED, RefundState.PENDING, RefundState.DONE):
        with pytest.raises(IllegalTransition):
            refund.settle(later, now)
    assert (refund.state, refund.settled_at, refund.failure) == (RefundState.DONE, now, None)
    refund.fail(RefundFailure.BOUNCED, now)
    assert (refund.state, refund.failure) == (RefundState.FAILED, RefundFailure.BOUNCED)


def test_a_banks_decision_outlives_older_answers() -> None:
    """Promise: what a bank has decided on a dispute is not undone by an answer from before."""
    now = datetime(2026, 11, 22, tzinfo=UTC)
    dispute = PaymentDispute(state=DisputeState.NEW)
    assert dispute.follow(DisputeState.OPEN, now, now)
    assert dispute.follow(DisputeState.LOST, None, now)
    assert dispute.is_settled
    assert dispute.is_undecided
    assert not dispute.follow(DisputeState.OPEN, now, now)
    assert (dispute.state, dispute.answer_by) == (DisputeState.LOST, None)
