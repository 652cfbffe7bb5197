"""The states of tickets and disputes: only what can happen happens."""

from __future__ import annotations

import uuid
from datetime import UTC, date, datetime

import pytest

from smartcity_saas.errors import IllegalTransition
from smartcity_saas.services.traffic_tickets.models import (
    Dispute,
    TicketDisputeState,
    TicketStatus,
    Violation,
)

NOW = datetime(2026, 11, 22, 8, tzinfo=UTC)
TODAY = date(2026, 11, 22)


@pytest.mark.parametrize("status", TicketStatus)
def test_only_an_open_ticket_is_paid_or_disputed(status: TicketStatus) -> None:
    """Promise: what was paid, disputed or revoked is neither paid nor disputed (again)."""
    moves = (lambda one: one.mark_paid(uuid.uuid4(), None, TODAY), Violation.dispute)
    for move in moves:
        ticket = Violation(status=status, points=0)
        if status == TicketStatus.OPEN:
            move(ticket)
            assert ticket.is_paid or ticket.is_disputed
        else:
            with pytest.raises(IllegalTransition):
                move(ticket)
            assert (ticket.status, ticket.paid_on) == (status, None)


def test_points_go_to_the_payer_while_they_pay() -> None:
    """Promise: a payment names the driver only where nobody does, and only while it counts; a
    ticket that was revoked meanwhile is not opened by its refund."""
    mine, theirs = uuid.uuid4(), uuid.uuid4()
    known = Violation(status=TicketStatus.OPEN, points=3, licence_id=theirs)
    known.mark_paid(uuid.uuid4(), mine, TODAY)
    known.mark_unpaid()
    assert (known.licence_id, known.is_open, known.paid_on) == (theirs, True, None)
    unknown = Violation(status=TicketStatus.OPEN, points=3)
    unknown.mark_paid(uuid.uuid4(), mine, TODAY)
    assert unknown.licence_id == mine
    unknown.status = TicketStatus.REVOKED
    unknown.mark_unpaid()
    assert (unknown.licence_id, unknown.status) == (None, TicketStatus.REVOKED)


@pytest.mark.parametrize("state", TicketDisputeState)
@pytest.mark.parametrize("answer", TicketDisputeState)
def test_a_dispute_is_answered_once(state: TicketDisputeState, answer: TicketDisputeState) -> None:
    """Promise: an answer stands, and is one of the two that there are."""
    row = Dispute(state=state)
    if state == TicketDisputeState.ASKED != answer:
        row.decide(answer, "so", "desk", NOW)
        assert (row.state, row.answered_at, row.is_open) == (answer, NOW, False)
    else:
        with pytest.raises(IllegalTransition):
            row.decide(answer, "so", "desk", NOW)
        assert (row.state, row.answer) == (state, None)
