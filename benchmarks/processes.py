"""What a process costs: the memory of a worker that serves many cities, the CPU of commands.

Memory is what the kernel counts as the process's own (``Private_*`` of ``smaps_rollup``): pages
that are shared with nobody. The server's first process loads no application here, so that a worker
shares nothing of it.
"""

from __future__ import annotations

import http.client
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support import postgres
from tests.support.paths import ROOT

from benchmarks.setting import application, environment, free_port, grow
from benchmarks.table import absolute, compare_costs

CITIES = int(os.environ.get("BENCH_CITIES", "352"))
LANGUAGES = ("zh", "en")
TURNS = 7
REFERENCE = "import flask, sqlalchemy, marshmallow"
"""What commands are measured against: a fixed program that only loads libraries."""
COMMANDS = {
    "smartcity --help": (["--help"], None),
    "smartcity validate of one file": (["validate", "tenants/hangzhou.yaml"], "≤ 2.3 times"),
}
"""Name → arguments and aim. The aim is 0.35 of 3.5 s, where the reference takes 0.53 s."""


def worker_memory(cluster: str) -> None:
    """A worker's memory once it is ready, and once every city was asked for in both languages."""
    with postgres.test_database(cluster) as database:
        grow(application(database.application, database.owner), 1, CITIES)
        with served(environment(database.application)) as (port, worker):
            absolute("a worker's own memory, ready", [_own_megabytes(worker)], "MB")
            for language in LANGUAGES:
                for number in range(1, CITIES):
                    _get(port, f"town-{number}.localhost", "/", language)
            name = f"a worker's own memory, {CITIES} cities served"
            absolute(name, [_own_megabytes(worker)], "MB", "≤ 75 MB")


def commands(cluster: str) -> None:
    """The CPU of commands, each in turns with the reference; `validate` also against what is live."""
    with tempfile.TemporaryDirectory() as folder:
        for name, (arguments, aim) in COMMANDS.items():
            nowhere = environment(f"sqlite:///{folder}/none.sqlite3")
            _beside_reference(name, arguments, nowhere, aim)
    with postgres.test_database(cluster) as database:
        application(database.application, database.owner)
        for name, (arguments, aim) in list(COMMANDS.items())[1:]:
            live = environment(database.application)
            _beside_reference(f"{name}, against what is live", arguments, live, aim)


def _beside_reference(
    name: str, arguments: list[str], settings: dict[str, str], aim: str | None
) -> None:
    command = [sys.executable, "-m", "smartcity_saas.cli", *arguments]
    reference = [sys.executable, "-c", REFERENCE]
    compare_costs(
        f"{name}, CPU in times of loading Flask, SQLAlchemy and marshmallow",
        lambda: _cpu_seconds(command, settings),
        lambda: _cpu_seconds(reference, settings),
        unit="s",
        aim=aim,
        turns=TURNS,
    )


def _cpu_seconds(command: list[str], settings: dict[str, str]) -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(
        command, env={**os.environ, **settings}, cwd=ROOT, check=True, stdout=subprocess.DEVNULL
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime


@contextmanager
def served(settings: dict[str, str], workers: int = 1) -> Iterator[tuple[int, int]]:
    """A server with so many workers: its port, and the first worker's process."""
    port = free_port()
    server = subprocess.Popen(
        [sys.executable, "-m", "granian", "--interface", "asginl", "--factory", "--port", str(port),
         "--workers", str(workers), "--http", "1", "smartcity_saas.asgi:create_asgi"],
        env={**os.environ, **settings}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        _wait(port)
        children = Path(f"/proc/{server.pid}/task/{server.pid}/children").read_text()
        yield port, int(children.split()[0])
    finally:
        server.terminate()
        server.wait(30)


def _wait(port: int) -> None:
    for _try in range(600):
        try:
            if _get(port, "hangzhou.localhost", "/readyz", "en") == 200:
                return
        except OSError:
            pass
        time.sleep(0.1)
    raise RuntimeError("the server did not become ready")


def _get(port: int, host: str, path: str, language: str) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        connection.request("GET", path, headers={"Host": host, "Accept-Language": language})
        answer = connection.getresponse()
        answer.read()
        return answer.status
    finally:
        connection.close()


def _own_megabytes(process: int) -> float:
    lines = Path(f"/proc/{process}/smaps_rollup").read_text().splitlines()
    return sum(int(line.split()[1]) for line in lines if line.startswith("Private_")) / 1024
