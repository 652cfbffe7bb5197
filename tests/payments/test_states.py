"""The states of a payment: only the moves that are listed, whatever is tried."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smartcity_saas.payments.states import (
    RECEIVED,
    TRANSITIONS,
    IllegalTransition,
    PaymentState,
    moved,
)

STATES = st.sampled_from(PaymentState)


@given(STATES, STATES)
def test_illegal_moves_raise(state: PaymentState, to: PaymentState) -> None:
    """A move is listed, or it raises; nothing moves to where it is."""
    if to in TRANSITIONS[state]:
        assert moved(state, to) == to
    else:
        with pytest.raises(IllegalTransition):
            moved(state, to)
    assert state not in TRANSITIONS[state]


@given(STATES, st.lists(STATES, max_size=12))
def test_received_money_is_never_forgotten(state: PaymentState, tries: list[PaymentState]) -> None:
    """Whatever is tried: once money came, the payment says so for ever."""
    came = state in RECEIVED
    for to in tries:
        if to in TRANSITIONS[state]:
            state = moved(state, to)
        came = came or state in RECEIVED
        assert not came or state in RECEIVED


def test_late_money_is_still_money() -> None:
    """A failed or expired payment can become paid or held; a refunded one goes back only as
    held or paid."""
    assert {PaymentState.PAID, PaymentState.HELD} <= TRANSITIONS[PaymentState.EXPIRED]
    assert TRANSITIONS[PaymentState.REFUNDED] == {PaymentState.PAID, PaymentState.HELD}
