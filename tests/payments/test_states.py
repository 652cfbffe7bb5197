"""The states of a payment: only the moves that are listed, whatever is tried."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smartcity_saas.payments.models import Payment
from smartcity_saas.payments.states import (
    TRANSITIONS,
    IllegalTransition,
    PaymentState,
)

STATES = st.sampled_from(PaymentState)


@given(STATES, STATES)
def test_illegal_moves_raise(state: PaymentState, to: PaymentState) -> None:
    """A move is listed, or it raises; nothing moves to where it is."""
    payment = Payment(state=state)
    if to in TRANSITIONS[state]:
        payment.become(to)
        assert payment.state == to
    else:
        with pytest.raises(IllegalTransition):
            payment.become(to)
        assert payment.state == state
    assert state not in TRANSITIONS[state]


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
