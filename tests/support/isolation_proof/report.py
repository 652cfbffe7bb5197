"""The page that the proof writes."""

from __future__ import annotations

import subprocess
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from tests.support.isolation_proof.trials import NODES, Trial
from tests.support.isolation_proof.visits import PROCESSES, THREADS

ROOT = Path(__file__).parents[3]


def write(path: Path, trials: Sequence[Trial], cities: int, residents: int, seconds: float) -> None:
    """Write what was found, and how to find it again."""
    path.write_text(_page(trials, cities, residents, seconds), "utf-8")


def _page(trials: Sequence[Trial], cities: int, residents: int, seconds: float) -> str:
    leaks = sum(len(one.found) for one in trials if one.layers.any)
    return f"""\
# Proof of isolation
Made by `make isolation-proof`; not written by hand.

| | |
| --- | --- |
| version | {version("smartcity-saas")}, commit {_commit()} |
| date | {datetime.now(UTC):%Y-%m-%d} |
| cities, residents | {cities}, {residents} |
| nodes, processes | {NODES} nodes of two workers each on one PostgreSQL; {PROCESSES} clients of {THREADS} threads |
| time | {seconds / 60:,.0f} minutes |
| **leaks** | **{leaks}** |

Every word of every row is marked with its city or its resident. The residents, staff, back offices and
people whom nobody knows ask at the same time, at either node: their own pages; others' addresses at
their own site; and, with their own cookie or token, others' sites. Each answer is searched, in both
languages, packed or not, PDF by its text, headers too, for marks that its reader may not read.

| layers | answers | own marks found | leaks | faults | view that forgets its city |
| --- | --- | --- | --- | --- | --- |
{_rows(trials)}

The last line is the control: with neither layer the same search finds what leaks. “Row-level
security alone” has neither the criterion that the ORM adds nor the statement guard; “statement guard
alone” has row-level security taken off every table. The view that forgets its city selects every
resident's name; with the guard it is refused, with row-level security alone it gives its own city's.

## What was asked, with both layers
| kind | answers | own marks |
| --- | --- | --- |
{_kinds(trials[0])}

Answers by status: {_statuses(trials[0].findings.statuses)}.

## Again
```sh
make isolation-proof                     # as many requests with each layer alone as with both
make isolation-proof PROOF="--requests 2000 --cities 4 --residents 8"
```
"""


def _rows(trials: Sequence[Trial]) -> str:
    return "\n".join(
        f"| {one.layers.name} | {one.findings.answers.total():,} | {one.findings.own.total():,} "
        f"| {len(one.findings.leaks):,} | {one.faults:,} | {_forgetful(one)} |"
        for one in trials
    )


def _forgetful(trial: Trial) -> str:
    if trial.forgetful.leaks:
        return f"{len(trial.forgetful.leaks):,} leaks"
    answered = trial.forgetful.statuses[200]
    return f"refused {trial.forgetful.answers.total() - answered:,} times, its own city's {answered:,} times"


def _kinds(trial: Trial) -> str:
    found = trial.findings
    return "\n".join(
        f"| {kind} | {count:,} | {found.own[kind]:,} |"
        for kind, count in found.answers.most_common()
    )


def _statuses(statuses: Counter[int]) -> str:
    return ", ".join(f"{status}: {count:,}" for status, count in sorted(statuses.items()))


def _commit() -> str:
    asked = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    return asked.stdout.strip() or "(unknown)"
