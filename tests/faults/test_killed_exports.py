"""An export that is killed leaves no half file, and the next run goes on where it was."""

from __future__ import annotations

import hashlib
import signal
import sqlite3
from contextlib import closing
from datetime import date, timedelta
from pathlib import Path

import pyarrow.parquet
import pytest

from tests.support.served import two_cities
from tests.support.shell import Shell, kill_when

pytestmark = pytest.mark.faults

DAYS = 300


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    """Two cities with days of measures."""
    found = two_cities(tmp_path)
    with closing(sqlite3.connect(tmp_path / "test.sqlite3")) as connection, connection:
        cities = [row[0] for row in connection.execute("SELECT id FROM document WHERE name IN ('hangzhou', 'ningbo')")]  # fmt: skip
        days = [(date(2026, 1, 1) - timedelta(days=back)).isoformat() for back in range(DAYS)]
        for city in cities:
            connection.executemany(
                "INSERT INTO city_measure VALUES (?, ?, 'utility_bills', ?, 'done', '', ?)",
                [(city, day, channel, n + 5) for n, day in enumerate(days) for channel in ("web", "wechat", "counter")],
            )  # fmt: skip
            connection.executemany(
                "INSERT INTO city_measure_day VALUES (?, ?, 1)", [(city, day) for day in days]
            )
    return found


def hashes(folder: Path) -> dict[str, str]:
    """Every file of figures by its SHA-256."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*.parquet")
    }


@pytest.mark.parametrize("files", [30, 450])
def test_a_killed_export_leaves_no_half_file(shell: Shell, tmp_path: Path, files: int) -> None:
    """Wherever it is killed each file is whole, and the second run makes what one run would have."""
    out, whole = tmp_path / "out", tmp_path / "whole"
    killed = kill_when(
        shell,
        lambda: out.exists() and sum(1 for _path in out.rglob("*.parquet")) >= files,
        *("data", "export", "--to", str(out)),
    )
    assert killed == -signal.SIGKILL
    there = hashes(out)
    assert files <= len(there) < 2 * DAYS
    for path in there:
        assert pyarrow.parquet.ParquetFile(out / path).read().num_rows == 3
    shell.run("data", "export", "--to", str(out))
    shell.run("data", "export", "--to", str(whole))
    assert hashes(out) == hashes(whole)
    assert len(hashes(out)) == 2 * DAYS
    assert list(out.rglob("?*.partial")) == []
    assert ": 0 files written" in shell.run("data", "export", "--to", str(out))
