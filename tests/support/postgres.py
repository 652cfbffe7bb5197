"""A PostgreSQL for the tests: the server that is named, else a throwaway cluster.

``SMARTCITY_TEST_POSTGRES`` is the URL of a superuser. Every worker of a run makes its own
database and roles there and drops them at the end.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import tempfile
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import psycopg
from sqlalchemy import URL, make_url

VARIABLE = "SMARTCITY_TEST_POSTGRES"


@dataclass(frozen=True)
class TestDatabase:
    """What the application, the migrations and the tests' own set-up connect as."""

    __test__ = False
    application: str
    owner: str
    superuser: str


class Server:
    """A PostgreSQL server of the tests' own.

    Args:
        folder: For its data, socket and log.
        durable: Wait for the disk as PostgreSQL does by default; tests do not.
        connections: How many it takes.
        options: Further settings, each as ``name=value``.
    """

    def __init__(
        self,
        folder: Path,
        *,
        durable: bool = False,
        connections: int = 60,
        options: Sequence[str] = (),
    ) -> None:
        binaries = _binaries()
        assert binaries is not None, "PostgreSQL is not installed"
        self.folder, self.data, self._binaries = folder, folder / "data", binaries
        folder.mkdir(exist_ok=True)
        folder.chmod(0o777)  # it runs as a user of its own
        self._options = [
            "listen_addresses=''",
            f"fsync={'on' if durable else 'off'}",
            f"max_connections={connections}",
            *options,
        ]
        self.url = f"postgresql://postgres@/postgres?host={folder}"

    def make(self) -> None:
        """Make its data anew."""
        self._run("initdb", "-D", str(self.data), "-U", "postgres", "-A", "trust")

    def copy(self, other: Server) -> None:
        """Make its data a copy of another server's, to follow it as a standby."""
        shutil.rmtree(self.data, ignore_errors=True)
        self._run("pg_basebackup", "-D", str(self.data), "-d", other.url, "-R", "-c", "fast")

    def start(self) -> None:
        """Start, and wait until it answers; after a crash it recovers from its log first."""
        words = " ".join(f"-c {one}" for one in self._options)
        self._control("-l", str(self.folder / "log"), "-o", f"-k {self.folder} {words}", "start")

    def die(self) -> None:
        """End at once, as in a crash: nothing is written any more, and every connection is cut."""
        self._control("-m", "immediate", "stop")

    def promote(self) -> None:
        """Make a standby the primary."""
        self._control("promote")

    def lives(self) -> bool:
        """Whether its first process runs."""
        try:
            self._run("pg_ctl", "-D", str(self.data), "status")
        except subprocess.CalledProcessError:
            return False
        return True

    def _control(self, *words: str) -> None:
        self._run("pg_ctl", "-D", str(self.data), "-w", *words)

    def _run(self, command: str, *words: str) -> None:
        as_postgres = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
        subprocess.run(
            [*as_postgres, str(self._binaries / command), *words],
            check=True,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.STDOUT,
            cwd="/",
        )


def is_installed() -> bool:
    """Whether there is a PostgreSQL to start."""
    return _binaries() is not None


@contextlib.contextmanager
def throwaway_cluster(*, durable: bool = False, connections: int = 60) -> Iterator[str | None]:
    """The URL of a superuser on a new cluster; None where PostgreSQL is not installed.

    Args:
        durable: Wait for the disk as PostgreSQL does by default; tests do not.
        connections: How many it takes.
    """
    if not is_installed():
        yield None
        return
    folder = Path(tempfile.mkdtemp(prefix="smartcity-pg-"))
    server = Server(folder, durable=durable, connections=connections)
    server.make()
    server.start()
    try:
        yield server.url
    finally:
        server.die()
        shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def test_database(superuser: str) -> Iterator[TestDatabase]:
    """A database with an owner and an application role of its own."""
    mark = uuid.uuid4().hex[:12]
    database, owner, application = (f"smartcity_{mark}{part}" for part in ("", "_owner", "_app"))
    url = make_url(superuser)
    with psycopg.connect(_plain(url), autocommit=True) as connection:
        for role in (owner, application):
            connection.execute(f"CREATE ROLE {role} LOGIN PASSWORD '{mark}'")
        connection.execute(f"CREATE DATABASE {database} OWNER {owner}")
    try:
        yield TestDatabase(
            *(
                url.set(
                    drivername="postgresql+psycopg",
                    username=role,
                    password=mark,
                    database=database,
                ).render_as_string(hide_password=False)
                for role in (application, owner)
            ),
            superuser=url.set(database=database).render_as_string(hide_password=False),
        )
    finally:
        with psycopg.connect(_plain(url), autocommit=True) as connection:
            connection.execute(f"DROP DATABASE {database} WITH (FORCE)")
            for role in (application, owner):
                connection.execute(f"DROP ROLE {role}")


def _plain(url: URL) -> str:
    return url.set(drivername="postgresql").render_as_string(hide_password=False)


def _binaries() -> Path | None:
    if found := shutil.which("initdb"):
        return Path(found).resolve().parent
    installed = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    return installed[-1].parent if installed else None
