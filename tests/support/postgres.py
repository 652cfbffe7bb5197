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
from collections.abc import Iterator
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


@contextlib.contextmanager
def throwaway_cluster(*, durable: bool = False) -> Iterator[str | None]:
    """The URL of a superuser on a new cluster; None where PostgreSQL is not installed.

    Args:
        durable: Wait for the disk as PostgreSQL does by default; tests do not.
    """
    binaries = _binaries()
    if binaries is None:
        yield None
        return
    folder = Path(tempfile.mkdtemp(prefix="smartcity-pg-"))
    folder.chmod(0o777)
    data = folder / "data"
    as_postgres = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
    quiet = {"check": True, "stdout": subprocess.DEVNULL, "stderr": subprocess.STDOUT, "cwd": "/"}
    subprocess.run(
        [*as_postgres, str(binaries / "initdb"), "-D", str(data), "-U", "postgres", "-A", "trust"],
        **quiet,
    )
    options = f"-c listen_addresses='' -k {folder} -c fsync={'on' if durable else 'off'} -c max_connections=60"
    control = [*as_postgres, str(binaries / "pg_ctl"), "-D", str(data)]
    subprocess.run([*control, "-w", "-l", str(folder / "log"), "-o", options, "start"], **quiet)
    try:
        yield f"postgresql://postgres@/postgres?host={folder}"
    finally:
        subprocess.run([*control, "-m", "immediate", "stop"], **quiet)
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
