"""Brokers of the tests' own: a Redis and a RabbitMQ on free ports, ended with the block."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.served import free_port, until

RABBIT = "/usr/lib/rabbitmq/bin/rabbitmq-server"
"""Debian's, and not the command in the path: that changes the user by ``su``, and lives on where
whoever started it is killed."""


class RedisServer:
    """A Redis that keeps nothing on disk, and can be stopped and started again."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it and wait until it answers."""
        self.process = subprocess.Popen(
            ["redis-server", "--port", str(self.port), "--bind", "127.0.0.1", "--save", ""],
            cwd=self.folder,
            stdout=subprocess.DEVNULL,
        )
        until(lambda: answers(self.port))

    def flush(self) -> None:
        """Throw away all that it holds."""
        with socket.create_connection(("127.0.0.1", self.port), 5) as line:
            line.sendall(b"FLUSHALL\r\n")
            assert line.recv(100).startswith(b"+OK")

    def stop(self) -> None:
        """Kill it; whatever it held is gone."""
        if self.process is not None:
            self.process.kill()
            self.process.wait(30)


@contextlib.contextmanager
def redis_server() -> Iterator[RedisServer]:
    """A Redis of the test's own."""
    if shutil.which("redis-server") is None:
        pytest.skip("redis-server is not installed")
    folder = Path(tempfile.mkdtemp(prefix="smartcity-redis-"))
    server = RedisServer(folder)
    server.start()
    try:
        yield server
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)


class RabbitServer:
    """A RabbitMQ node of the tests' own, which can be stopped and started again."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        self.url = f"amqp://guest:guest@127.0.0.1:{self.port}//"
        self.process: subprocess.Popen[bytes] | None = None
        self.env = {
            **os.environ,
            "HOME": str(folder),
            "RABBITMQ_NODENAME": f"smartcity{self.port}@localhost",
            "RABBITMQ_NODE_PORT": str(self.port),
            "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
            "RABBITMQ_DIST_PORT": str(free_port()),
            "RABBITMQ_MNESIA_BASE": str(folder / "data"),
            "RABBITMQ_LOG_BASE": str(folder / "log"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(folder / "plugins"),
            "RABBITMQ_CONFIG_FILE": str(folder / "none"),
        }

    def start(self) -> None:
        """Start it and wait until it listens."""
        user = ["runuser", "-u", "rabbitmq", "--"] if os.geteuid() == 0 else []
        self.process = subprocess.Popen(
            [*user, RABBIT],
            cwd=self.folder,
            env=self.env,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        until(lambda: answers(self.port))

    def stop(self) -> None:
        """Kill it as a machine dies; durable queues are there again afterwards."""
        if self.process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait(30)
            until(lambda: not answers(self.port))


@contextlib.contextmanager
def rabbit_server() -> Iterator[RabbitServer]:
    """A RabbitMQ of the test's own."""
    if not Path(RABBIT).exists():
        pytest.skip("rabbitmq-server is not installed")
    folder = Path(tempfile.mkdtemp(prefix="smartcity-rabbit-"))
    folder.chmod(0o777)  # it runs as a user of its own
    server = RabbitServer(folder)
    server.start()
    try:
        yield server
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)


def answers(port: int) -> bool:
    """Whether something listens."""
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
        return True
    return False
