"""SIGTERM ends the product in every phase of its start, and every process that it has begun."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest

from tests.support.served import descendants, free_port, two_cities, until

pytestmark = pytest.mark.faults


def alive(pids: set[int]) -> set[int]:
    """Which of some processes live; one that only waits to be read by its parent does not."""
    found = set()
    for pid in pids:
        with suppress(OSError):
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
            if state != "Z":
                found.add(pid)
    return found


def start(folder: Path, env: dict[str, str]) -> subprocess.Popen[bytes]:
    with (folder / "server.log").open("wb") as output:
        return subprocess.Popen(
            [sys.executable, "-m", "smartcity_saas"],
            cwd=folder,
            env=env,
            stdout=output,
            stderr=subprocess.STDOUT,
        )


def ends(process: subprocess.Popen[bytes], begun: set[int]) -> None:
    """TERM, once, to the first process; then nothing of it is left."""
    begun |= set(descendants(process.pid))
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(60)
        until(lambda: not alive(begun), 30)
    finally:
        for pid in alive(begun | {process.pid}):
            os.kill(pid, signal.SIGKILL)


def test_a_server_that_loads_the_product_ends(tmp_path: Path) -> None:
    """TERM as soon as the serving process has been made, a moment later, and so on until it
    serves."""
    shell = two_cities(tmp_path)
    for later in (0.0, 0.3, 1.5):
        process = start(tmp_path, {**shell.env, "PORT": str(free_port())})
        until(lambda p=process: descendants(p.pid) or p.poll() is not None)  # type: ignore[misc]
        assert process.poll() is None
        time.sleep(later)
        ends(process, set())


@pytest.mark.parametrize("later", [0.2, 3.0, 8.0])
def test_a_demo_that_starts_ends(tmp_path: Path, later: float) -> None:
    """TERM in the middle of its sandboxes, its migrations and its sample cities."""
    shell = two_cities(tmp_path)
    ports = {"PORT": str(free_port()), "STRIPE_SANDBOX_PORT": str(free_port()), "CHANNEL_SANDBOX_PORT": str(free_port())}  # fmt: skip
    database = f"sqlite:///{tmp_path}/demo.sqlite3"
    env = {**shell.env, **ports, "SMARTCITY_DEMO": "1", "DATABASE_URL": database}
    process = start(tmp_path, env)
    time.sleep(later)
    assert process.poll() is None, (tmp_path / "server.log").read_text()
    ends(process, set())
