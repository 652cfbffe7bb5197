"""``make isolation-proof``: both layers up, then each of them alone, then neither as a control."""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

from tests.support import postgres
from tests.support.isolation_proof.report import write
from tests.support.isolation_proof.trials import LAYERS, prove

REQUESTS, SHOWN = 100_000, 5


def main() -> None:
    """Run the trials, write the page, and fail where anything was found."""
    parser = argparse.ArgumentParser("isolation-proof", description=__doc__)
    parser.add_argument("--requests", type=int, default=REQUESTS, help="of each trial")
    parser.add_argument("--alone", type=int, help="of each trial with one layer, if not as many")
    parser.add_argument("--cities", type=int, default=20)
    parser.add_argument("--residents", type=int, default=50)
    parser.add_argument("--write", type=Path, help="where the page goes")
    wanted = parser.parse_args()
    with postgres.throwaway_cluster() as superuser, tempfile.TemporaryDirectory() as folder:
        if superuser is None:
            sys.exit("PostgreSQL is needed: one of the two layers is its row-level security")
        begun = time.time()
        trials = []
        for trial in prove(
            superuser,
            Path(folder),
            wanted.cities,
            wanted.residents,
            wanted.requests,
            alone=wanted.requests if wanted.alone is None else wanted.alone,
        ):
            sys.stdout.write(f"{trial.line()}\n")
            for asked, mark in trial.found[:SHOWN]:
                sys.stdout.write(f"  {asked}: {mark}\n")
            sys.stdout.flush()
            trials.append(trial)
    if wanted.write:
        write(wanted.write, trials, wanted.cities, wanted.residents, time.time() - begun)
    if not all(trial.holds for trial in trials):
        sys.exit("The proof does not hold")
    assert len(trials) == len(LAYERS)


if __name__ == "__main__":
    main()
