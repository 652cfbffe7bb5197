"""A roll-out of every city of the shipped list, beside as many schemas made by django-tenants.

``BENCH_SCHEMAS`` is how many schemas are made and timed; their median is taken for all.
"""

from __future__ import annotations

import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.support import postgres
from tests.support.paths import ROOT

from benchmarks import django_peer
from benchmarks.setting import environment
from benchmarks.table import Row, absolute, record

CSV = ROOT / "examples/cities-352.csv"
CITIES = 352
SCHEMAS = int(os.environ.get("BENCH_SCHEMAS", "4"))
TURNS = 3


def roll_outs(cluster: str) -> None:
    """`smartcity rollout` as a command, whole, on a database that holds nothing."""
    spent = [_rolled_out(cluster) for _turn in range(TURNS)]
    walls, used = ([one[place] for one in spent] for place in (0, 1))
    absolute(f"rollout of {CITIES} cities, PostgreSQL", walls, "s", "≤ 5 s")
    absolute(f"rollout of {CITIES} cities, PostgreSQL, CPU of the command", used, "s")
    tables, schemas = _schemas(cluster)
    theirs = statistics.median(schemas) * CITIES
    ratios = [theirs / one for one in walls]
    record(
        Row(
            f"rollout of {CITIES} cities beside {CITIES} schemas of {tables} tables by django-tenants "
            f"(the median of {SCHEMAS}, times {CITIES})",
            statistics.median(walls),
            theirs,
            "s",
            statistics.median(ratios),
            "≥ 50",
            (min(ratios), max(ratios)),
        )
    )


def _rolled_out(cluster: str) -> tuple[float, float]:
    """Seconds on the clock, and of CPU, from the start of the command to its end."""
    with postgres.test_database(cluster) as database:
        settings = environment(database.application) | {"DATABASE_OWNER_URL": database.owner}
        _command(settings, "db", "upgrade")
        before, begun = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
        _command(settings, "rollout", str(CSV))
        wall, after = time.perf_counter() - begun, resource.getrusage(resource.RUSAGE_CHILDREN)
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return wall, used


def _command(settings: dict[str, str], *words: str) -> None:
    subprocess.run(
        [sys.executable, "-m", "smartcity_saas.cli", *words],
        env={**os.environ, **settings},
        cwd=ROOT,
        check=True,
        stdout=subprocess.DEVNULL,
    )


def _schemas(cluster: str) -> tuple[int, list[float]]:
    """How many tables each schema has, and the seconds that each took."""
    with postgres.test_database(cluster) as database, tempfile.TemporaryDirectory() as folder:
        tables = django_peer.write_tables(Path(folder))
        arguments = ("schemas", str(SCHEMAS))
        with django_peer.running(database.superuser, Path(folder), *arguments) as peer:
            spent = [float(peer.answer()["seconds"]) for _schema in range(SCHEMAS)]
            made = int(peer.answer()["tables"])
    if made < tables:
        raise ValueError(f"the peer has made {made} tables, not {tables}")
    return tables, spent
