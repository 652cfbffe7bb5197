"""``make faults-full``: kills, restarts and cuts under bookings and payments."""

from __future__ import annotations

import argparse
import json
import logging
import os
import statistics
import sys
import tempfile
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from tests.support.fault_trials.disturbances import DISTURBANCES
from tests.support.fault_trials.trials import Trial, run_trial

KILLS, OTHERS = 200, 5
KILLED = (
    "a web node is killed",
    "the runner is killed",
    "a worker of Celery is killed",
    "the dispatcher is killed",
)
DISTURBED = tuple(name for name in DISTURBANCES if name not in KILLED)
READY_SECONDS = 5
PROMISES = (
    "whoever was told of a place has it, and nobody else; no place is taken without an appointment",
    "whoever was told that a payment was taken has paid, once, and the ledger has it once, with its amount",
    "a bill that a back office was told is stored is there, once",
    "each booking is counted once in the measures",
    "all that is due is done in the end, and no task is given up",
    "a node that is told to stop leaves no request without an answer",
    "a fault is told as 503 with a sentence and Retry-After, never as a trace",
    "a back office that hangs, drips, floods or lies costs only those who need it, and nothing of it is kept",
    "the audit log's chains of hashes are whole",
)


def main() -> None:
    """Run the trial, write what was seen, and fail where a promise was broken."""
    parser = argparse.ArgumentParser("fault-trials", description=__doc__)
    parser.add_argument("--kills", type=int, default=KILLS, help="over the four kinds of process")
    parser.add_argument("--others", type=int, default=OTHERS, help="of each other disturbance")
    parser.add_argument("--people", type=int, default=4 * KILLS)
    parser.add_argument("--minutes", type=float, help="begin nothing after so many")
    parser.add_argument("--write", type=Path, help="where the result goes")
    wanted = parser.parse_args()
    plan = dict.fromkeys(KILLED, -(-wanted.kills // len(KILLED)))
    plan |= dict.fromkeys(DISTURBED, wanted.others)
    logging.getLogger("werkzeug").setLevel(logging.WARNING)
    with tempfile.TemporaryDirectory() as folder:
        trial = run_trial(plan, wanted.people, Path(folder), loud=True, minutes=wanted.minutes)
    sys.stdout.write(f"{trial.line()}\n")
    for one in trial.broken:
        sys.stdout.write(f"  {one}\n")
    if wanted.write:
        wanted.write.write_text(
            json.dumps(_result(trial, plan), ensure_ascii=False, indent=1) + "\n"
        )
    if not trial.holds:
        sys.exit("A promise was broken")


def _result(trial: Trial, plan: Mapping[str, int]) -> dict[str, Any]:
    told = trial.told
    return {
        "summary": trial.line(),
        "date": f"{datetime.now(UTC):%Y-%m-%d}",
        "version": version("smartcity-saas"),
        "seconds": round(trial.seconds),
        "disturbances": dict(trial.done),
        "left_out": {
            name: times - trial.done.get(name, 0)
            for name, times in plan.items()
            if times > trial.done.get(name, 0)
        },
        "not_possible_here": dict(trial.skipped),
        "promises": PROMISES,
        "broken_promises": trial.broken,
        "drained": trial.drained,
        "told": {
            "booked": len(told.booked),
            "paid": len(told.paid),
            "bills stored": len(told.stored),
        },
        "answers": {str(status): count for status, count in sorted(told.statuses.items())},
        "requests_without_answer": told.broken,
        "processors": os.cpu_count(),
        "load_average": round(os.getloadavg()[2], 1),
        "seconds_until_ready": {
            name: {
                "least": round(min(found), 2),
                "median": round(statistics.median(found), 2),
                "most": round(max(found), 2),
                "within_5": sum(one <= READY_SECONDS for one in found),
                "of": len(found),
            }
            for name, found in trial.ready.items()
        },
    }


if __name__ == "__main__":
    main()
