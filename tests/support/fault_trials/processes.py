"""The processes of an installation: two web nodes, a runner, a dispatcher and a worker of Celery."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

from tests.support.nodes import DEMO, HELD
from tests.support.served import Server, descendants
from tests.support.stepped_clock import SteppedClock, stepped_clock_library

HOST = "hangzhou.localhost"
COMMAND = (sys.executable, "-m", "smartcity_saas.cli")
CELERY = (
    *(sys.executable, "-m", "celery", "-A", "smartcity_saas.celery_app", "worker"),
    *("--pool", "threads", "--concurrency", "4", "--without-gossip", "--without-mingle"),
)


IsAtWork = Callable[[str], bool]
"""Whether a process of a machine and number (``machine:1234``) says that it lives."""


class Process:
    """One process and all that it has begun; started again as a supervisor would.

    Args:
        role: What it is called.
        command: How it is started.
        env: Its environment.
        log: Where what it says goes.
        at_work: Asked of one that serves nobody; without it, one is ready while it lives.
        clock: Its clock, where that can be stepped.
    """

    def __init__(
        self,
        role: str,
        command: tuple[str, ...],
        env: Mapping[str, str],
        log: Path,
        *,
        at_work: IsAtWork | None = None,
        clock: SteppedClock | None = None,
    ) -> None:
        self.role, self.command, self.log = role, command, log
        self.env = {**env, **(clock.environment if clock else {})}
        self.clock = clock
        self.process: subprocess.Popen[str] | None = None
        self._at_work = at_work

    def start(self) -> None:
        """Start it, without waiting."""
        with self.log.open("a") as output:
            self.process = subprocess.Popen(
                self.command,
                env=self.env,
                stdout=output,
                stderr=subprocess.STDOUT,
                text=True,
                pass_fds=self._held(),
            )

    def kill(self) -> None:
        """SIGKILL, to it and to everything that it has begun, at once."""
        assert self.process is not None
        for pid in (self.process.pid, *descendants(self.process.pid)):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.process.wait(60)

    def stop(self) -> None:
        """SIGTERM: it finishes what is under way."""
        assert self.process is not None
        self.process.terminate()
        try:
            self.process.wait(60)
        except subprocess.TimeoutExpired:
            self.kill()

    def is_ready(self) -> bool:
        """Whether it works."""
        if self.process is None or self.process.poll() is not None:
            return False
        name = f"{socket.gethostname()}:{self.process.pid}"
        return self._at_work is None or self._at_work(name)

    def again(self) -> float:
        """Start it again; returns the seconds until it is ready."""
        begun = time.monotonic()
        self.start()
        self.wait_until_ready()
        return time.monotonic() - begun

    def wait_until_ready(self) -> None:
        """Wait for it, and start it once more where it ends meanwhile, as a supervisor does."""
        begun = time.monotonic()
        while not self.is_ready():
            assert time.monotonic() - begun < 240, f"{self.role} does not come back: {self.log}"
            if self.process is not None and self.process.poll() is not None:
                self.start()
            time.sleep(0.1)

    def _held(self) -> tuple[int, ...]:
        """Descriptors that are held for it."""
        return ()


class Node(Process):
    """A web node whose socket is held for it, as systemd's units do: whoever comes while it is down
    waits in the socket."""

    def __init__(
        self, number: int, env: Mapping[str, str], log: Path, clock: SteppedClock | None = None
    ) -> None:
        self.socket = socket.create_server(("127.0.0.1", 0), backlog=1024)
        self.port = int(self.socket.getsockname()[1])
        command = (sys.executable, "-c", HELD, str(self.socket.fileno()), *DEMO)
        super().__init__(f"web {number}", command, env, log, clock=clock)

    def is_ready(self) -> bool:
        """Whether it answers as ready."""
        if not super().is_ready():
            return False
        with suppress(OSError):
            return Server(self.process, self.port, self.log).get(HOST, "/readyz")[0] == 200  # type: ignore[arg-type]
        return False

    def _held(self) -> tuple[int, ...]:
        return (self.socket.fileno(),)


class Installation:
    """All of them.

    Args:
        env: The environment of each.
        folder: For logs and clocks.
        at_work: Whether a process says that it lives.
    """

    def __init__(self, env: Mapping[str, str], folder: Path, at_work: IsAtWork) -> None:
        library = stepped_clock_library(folder)

        def clock(name: str) -> SteppedClock | None:
            return SteppedClock(library, folder / f"{name}.clock") if library else None

        self.nodes = [
            Node(number, env, folder / f"web-{number}.log", clock(f"web-{number}"))
            for number in (1, 2)
        ]
        rest = {
            "worker": (*COMMAND, "worker"),
            "dispatcher": (*COMMAND, "dispatcher"),
            "celery": CELERY,
        }
        self.others = [
            Process(role, command, env, folder / f"{role}.log", at_work=at_work, clock=clock(role))
            for role, command in rest.items()
        ]

    @property
    def all(self) -> list[Process]:
        """Every process."""
        return [*self.nodes, *self.others]

    def of_role(self, role: str) -> list[Process]:
        """Those whose role begins so."""
        return [one for one in self.all if one.role.startswith(role)]

    def start(self) -> None:
        """Start all, and wait until they are ready."""
        for one in self.all:
            one.start()
        for one in self.all:
            one.wait_until_ready()

    def end(self) -> None:
        """Kill what is left."""
        for one in self.all:
            if one.process is not None:
                one.kill()
