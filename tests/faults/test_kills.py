"""Killed in the middle: what was stored is whole, and running again finishes the rest."""

from __future__ import annotations

import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from tests.cli.test_commands import Shell
from tests.conftest import ROOT

pytestmark = pytest.mark.faults

CITIES = ROOT / "examples/cities-352.csv"


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    """A migrated, empty database; documents come from the repository."""
    found = Shell(tmp_path)
    found.env["SMARTCITY_CONFIG_ROOT"] = str(ROOT)
    found.run("db", "upgrade")
    return found


def kill_when(shell: Shell, ready: Callable[[], bool], *words: str) -> int:
    """Start a command and kill it with SIGKILL once something holds; returns its exit code."""
    process = subprocess.Popen(
        [sys.executable, "-m", "smartcity_saas.cli", *words],
        cwd=shell.folder,
        env=shell.env,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    deadline = time.monotonic() + 120
    while process.poll() is None and not ready() and time.monotonic() < deadline:
        time.sleep(0.002)
    process.send_signal(signal.SIGKILL)
    return process.wait(30)


def stored(shell: Shell) -> int:
    """How many revisions the database holds."""
    with closing(sqlite3.connect(shell.folder / "test.sqlite3", timeout=30)) as connection:
        return int(connection.execute("SELECT count(*) FROM revision").fetchone()[0])


@pytest.mark.parametrize("revisions", [40, 120, 300])
def test_a_killed_rollout_goes_on_where_it_was(shell: Shell, revisions: int) -> None:
    """Cities are there whole or not at all; the second run brings the rest, none twice."""
    killed = kill_when(shell, lambda: stored(shell) >= revisions, "rollout", str(CITIES))
    assert killed == -signal.SIGKILL
    rows = shell.json("rollout", str(CITIES))
    assert len(rows) == 352
    assert {row["outcome"] for row in rows} == {"live", "same"}
    again = shell.json("rollout", str(CITIES))
    assert {row["outcome"] for row in again} == {"same"}
    assert [found["revision"] for found in shell.json("history", "hangzhou")] == [1]


@pytest.mark.parametrize("after", [1.0, 1.6, 2.2, 3.0])
def test_a_killed_apply_stored_all_or_nothing(shell: Shell, after: float) -> None:
    """One transaction: after a kill the plan is whole or empty, never a part."""
    folders = [str(ROOT / "config"), str(ROOT / "tenants")]
    begun = time.monotonic()
    kill_when(shell, lambda: time.monotonic() - begun > after, "apply", *folders)
    found = shell.run("plan", *folders, "--format", "json", code=_pending(shell, folders))
    assert found.count('"act": "new"') in (0, 44)
    shell.run("apply", *folders)
    assert "No changes." in shell.run("plan", *folders)


def _pending(shell: Shell, folders: list[str]) -> int:
    done = subprocess.run(
        [sys.executable, "-m", "smartcity_saas.cli", "plan", *folders],
        cwd=shell.folder,
        env=shell.env,
        capture_output=True,
        timeout=120,
    )
    assert done.returncode in (0, 3), done
    return done.returncode
