"""A small trial: what people were told holds although every kind of process is killed meanwhile."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.fault_trials.__main__ import DISTURBED, KILLED
from tests.support.fault_trials.disturbances import DISTURBANCES
from tests.support.fault_trials.people import Answer, Told
from tests.support.fault_trials.trials import Trial, run_trial

TOLD = Told(booked=["p"], paid=["b"], stored=["n"])


def test_every_disturbance_is_part_of_the_trial() -> None:
    """What can be disturbed is disturbed by ``make faults-full``."""
    assert {*KILLED, *DISTURBED} == set(DISTURBANCES)


@pytest.mark.parametrize(
    ("told", "broken", "drained"),
    [
        (Told(), [], True),
        (Told(booked=["p"], paid=["b"]), [], True),
        (TOLD, ["told of a place that is not there: p"], True),
        (TOLD, [], False),
    ],
)
def test_a_trial_can_fail(told: Told, broken: list[str], drained: bool) -> None:
    """It holds only where something was promised, nothing was broken and all that was due is done."""
    assert not Trial({}, told, broken, drained, 1.0).holds


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (Answer(500, {"retry-after": "10"}, "<h1>Something went wrong here</h1>"), "500"),
        (Answer(502, {}, "bad gateway"), "502"),
        (Answer(503, {"retry-after": "10"}, ""), "without a sentence"),
        (Answer(503, {"retry-after": "10"}, "<h1></h1><pre>Traceback"), "without a sentence"),
        (Answer(503, {}, "<h1>Try again</h1>"), "without Retry-After"),
    ],
)
def test_a_fault_that_is_not_told_clearly_is_found(answer: Answer, said: str) -> None:
    """The trial knows an answer that leaves people or programs without what to do."""
    assert said in str(answer.unclear())


def test_a_fault_that_is_told_clearly_is_none() -> None:
    """A page or a problem as JSON, with the time to come again; and whatever is no fault."""
    for text in ("<h1>Not available</h1>", '{"detail": "Try again in a minute."}'):
        assert Answer(503, {"retry-after": "10"}, text).unclear() is None
    assert Answer(409, {}, "").unclear() is None


@pytest.mark.faults
def test_nothing_told_is_lost_or_doubled(tmp_path: Path) -> None:
    """One of each disturbance under bookings and payments: no place twice, no money twice, everything
    that was acknowledged is there, and the outbox is empty in the end."""
    trial = run_trial(dict.fromkeys(DISTURBANCES, 1), 32, tmp_path)
    assert trial.holds, f"{trial.line()}\n{trial.broken}"
    assert set(trial.done) | set(trial.skipped) == set(DISTURBANCES)
