"""The command, run in a folder of its own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.support.forked import run_module


class Shell:
    """A folder with documents and an empty database, and the command in it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.database = folder / "test.sqlite3"
        self.env = {
            **{
                k: v for k, v in os.environ.items() if not k.startswith(("SMARTCITY_", "DATABASE_"))
            },
            "DATABASE_URL": f"sqlite:///{self.database}",
            "LANG": "C.UTF-8",
        }

    def run(self, *words: str, code: int = 0, stdin: str = "") -> str:
        done = run_module(
            "smartcity_saas.cli", words, folder=self.folder, env=self.env, stdin=stdin
        )
        assert "Traceback" not in done.stderr, done.stderr
        assert done.returncode == code, (done.stdout, done.stderr)
        return done.stdout + done.stderr

    def json(self, *words: str, code: int = 0) -> Any:
        return json.loads(self.run(*words, "--format", "json", code=code))


def kill_when(shell: Shell, ready: Callable[[], bool], *words: str) -> int:
    """Start a command and kill it with SIGKILL once something holds; returns its exit code.

    It is let run for moments only and stands still while ``ready`` looks, so that it cannot end
    between the look and the kill however long the look takes. What it has locked stays locked then.
    """
    process = subprocess.Popen(
        [sys.executable, "-m", "smartcity_saas.cli", *words],
        cwd=shell.folder,
        env=shell.env,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    deadline = time.monotonic() + 120
    while _stop(process) and not ready() and time.monotonic() < deadline:
        process.send_signal(signal.SIGCONT)
        time.sleep(0.004)
    process.send_signal(signal.SIGKILL)
    return process.wait(30)


def _stop(process: subprocess.Popen[bytes]) -> bool:
    """Stop a process; false if it has ended. Nothing of it is reaped, or there is none to be told of."""
    os.kill(process.pid, signal.SIGSTOP)
    found = os.waitid(os.P_PID, process.pid, os.WSTOPPED | os.WEXITED | os.WNOWAIT)
    return found is not None and found.si_code == os.CLD_STOPPED
