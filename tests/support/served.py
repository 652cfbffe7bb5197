"""The product as it is served: a process of its own, on a free port and a database of its own."""

from __future__ import annotations

import http.client
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.support.documents import HANGZHOU, KEY, NINGBO, PLATFORM, ZHEJIANG
from tests.support.shell import Shell


def two_cities(folder: Path, hangzhou: str = HANGZHOU, **env: str) -> Shell:
    """A database with two cities of one province, live, for a production start."""
    shell = Shell(folder)
    shell.env |= {"SMARTCITY_SECRET_KEY": KEY, "SMARTCITY_MASTER_KEY": KEY, **env}
    for name, text in {
        "config/platform.yaml": PLATFORM,
        "config/provinces/zhejiang.yaml": ZHEJIANG,
        "tenants/hangzhou.yaml": hangzhou,
        "tenants/ningbo.yaml": NINGBO,
    }.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    shell.run("db", "upgrade")
    shell.run("apply", "-m", "first")
    return shell


class Server:
    """A server under way."""

    def __init__(self, process: subprocess.Popen[str], port: int, log: Path) -> None:
        self.process = process
        self.port = port
        self.log = log

    def get(
        self, host: str, path: str, headers: Mapping[str, str] | None = None
    ) -> tuple[int, bytes]:
        """One request on a connection of its own."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            connection.request("GET", path, headers={"Host": host, **(headers or {})})
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def hang(self, count: int, host: str = "hangzhou.localhost") -> list[socket.socket]:
        """Open connections whose bodies stay unfinished."""
        head = (
            f"POST /webhooks/stripe HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\n"
            "Content-Length: 5000\r\n\r\n{"
        )
        lines = [socket.create_connection(("127.0.0.1", self.port), 30) for _line in range(count)]
        for line in lines:
            line.sendall(head.encode())
        return lines


@contextmanager
def served(shell: Shell, **env: str) -> Iterator[Server]:
    """Serve a database until the block ends."""
    port, log = free_port(), shell.folder / "server.log"
    with log.open("w") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "smartcity_saas"],
            cwd=shell.folder,
            env={**shell.env, "PORT": str(port), **env},
            stdout=output,
            stderr=subprocess.STDOUT,
            text=True,
        )
    server = Server(process, port, log)
    try:
        until(lambda: process.poll() is not None or _answers(server))
        assert process.poll() is None, log.read_text()
        yield server
    finally:
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(60)
        for pid in descendants(process.pid):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        process.kill()


@contextmanager
def dripping_provider() -> Iterator[tuple[str, list[socket.socket]]]:
    """An OpenID provider that sends a byte a second, for ever, to whoever asks."""
    lines: list[socket.socket] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def drip() -> None:
            head = (
                b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 9999\r\n\r\n"
            )
            with suppress(OSError):
                while True:
                    line, _address = listener.accept()
                    lines.append(line)
                    line.sendall(head)

        def go_on() -> None:
            while True:
                time.sleep(1)
                for line in list(lines):
                    with suppress(OSError):
                        line.sendall(b" ")

        for act in (drip, go_on):
            threading.Thread(target=act, daemon=True).start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}", lines


def _answers(server: Server) -> bool:
    with suppress(OSError, http.client.HTTPException):
        return server.get("hangzhou.localhost", "/readyz")[0] == 200
    return False


def until(holds: Callable[[], object], seconds: float = 120) -> None:
    """Wait until something holds; a test that waits in vain fails here."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "it never came"
        time.sleep(0.05)


def is_open(line: socket.socket) -> bool:
    """Whether a connection still waits for its answer."""
    line.setblocking(False)
    try:
        line.recv(1)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False


def descendants(pid: int) -> list[int]:
    """The processes that one has started, and those that they have."""
    found = []
    for entry in Path("/proc").iterdir():
        with suppress(OSError, IndexError, ValueError):
            if int(entry.joinpath("stat").read_text().rpartition(")")[2].split()[1]) == pid:
                found += [int(entry.name), *descendants(int(entry.name))]
    return found


def free_port() -> int:
    """A port that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
