"""The states of appointments, places and waiting entries: only what can happen happens."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta

import pytest

from smartcity_saas.errors import IllegalTransition
from smartcity_saas.services.hospital_appointments.models import (
    KEPT,
    OPEN_ENTRY,
    Appointment,
    AppointmentState,
    ClinicPlace,
    EntryState,
    PlaceState,
    WaitingEntry,
)

NOW = datetime(2026, 11, 22, 8, tzinfo=UTC)


@pytest.mark.parametrize("state", AppointmentState)
def test_what_is_over_is_not_ended_again(state: AppointmentState) -> None:
    """Promise: an appointment ends once; who came is noted, and noted anew, only of one that has
    its place."""
    for end in (Appointment.cancel, Appointment.call_off):
        row = Appointment(state=state, ended_at=None)
        if state == AppointmentState.BOOKED:
            end(row, NOW)
            assert (row.is_off, row.ended_at) == (True, NOW)
        else:
            with pytest.raises(IllegalTransition):
                end(row, NOW)
            assert (row.state, row.ended_at) == (state, None)
    for seen in AppointmentState:
        row = Appointment(state=state, ended_at=None)
        if {state, seen} <= KEPT:
            row.mark(seen, NOW)
            assert (row.state, row.ended_at) == (seen, None if row.is_booked else NOW)
        else:
            with pytest.raises(IllegalTransition):
                row.mark(seen, NOW)


@pytest.mark.parametrize("state", PlaceState)
def test_one_place_is_taken_once(state: PlaceState) -> None:
    """Promise: nobody is given a place that somebody has, or that nobody can have."""
    place = ClinicPlace(state=state)
    if state in (PlaceState.FREE, PlaceState.OFFERED):
        place.take()
        assert place.state == PlaceState.TAKEN
    else:
        with pytest.raises(IllegalTransition):
            place.take()


@pytest.mark.parametrize("state", EntryState)
def test_whoever_left_the_line_is_not_in_it(state: EntryState) -> None:
    """Promise: a place is kept for whoever waits, taken or let go by whoever it is kept for, and
    whoever has left is offered nothing."""
    until = NOW + timedelta(hours=1)
    waits, kept = state == EntryState.WAITING, state == EntryState.OFFERED
    moves = {
        "offer": (waits, lambda one: one.offer(ClinicPlace(id=uuid.uuid4()), until)),
        "accept": (kept, WaitingEntry.accept),
        "lapse": (kept, WaitingEntry.lapse),
        "leave": (state in OPEN_ENTRY, WaitingEntry.leave),
    }
    for name, (can, move) in moves.items():
        entry = WaitingEntry(state=state)
        if can:
            move(entry)
            assert entry.is_offered == (name == "offer")
        else:
            with pytest.raises(IllegalTransition):
                move(entry)
            assert entry.state == state
