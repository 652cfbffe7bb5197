"""The disk of the product's own files is full: nothing is broken, and what was not stored is told."""

from __future__ import annotations

import base64
import errno
import hashlib
import http.client
import json
import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pyarrow.parquet
import pytest

from tests.support.api_client import BILL
from tests.support.served import Server, served, two_cities
from tests.support.shell import Shell
from tests.support.small_disk import fill, small_disk

pytestmark = pytest.mark.faults

MEGABYTES = 32
TRIES = 60
DAYS = 200
CITIES = ("hangzhou", "ningbo")
BY_PROXY = {"X-Forwarded-For": "192.0.2.1", "X-Forwarded-Proto": "https"}


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A small file system."""
    folder = tmp_path / "disk"
    folder.mkdir()
    with small_disk(folder, MEGABYTES) as mounted:
        if not mounted:
            pytest.skip("only root can mount a disk that is small enough")
        yield folder


class Office:
    """A city's back office, which stores bills over the API."""

    def __init__(self, shell: Shell, server: Server, city: str) -> None:
        self.server, self.host = server, f"{city}.localhost"
        made = shell.json("clients", "create", city, "--scope", "bills:write")
        pair = f"{made['client_id']}:{made['client_secret']}".encode()
        head = {
            "Authorization": f"Basic {base64.b64encode(pair).decode()}",
            "Content-Type": "application/x-www-form-urlencoded",
        }
        body = urlencode({"grant_type": "client_credentials"})
        status, _headers, found = self._post("/oauth/token", head, body)
        assert status == 200, found
        self.token = found["access_token"]

    def store(self, number: int) -> tuple[int, Any]:
        """Store a bill of a new account; the status, and when to come again."""
        head = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
        body = json.dumps({"items": [{**BILL, "account_number": str(number)}]})
        status, headers, _found = self._post("/api/v1/utility-bills/bills", head, body)
        return status, headers.get("Retry-After")

    def _post(self, path: str, head: dict[str, str], body: str) -> tuple[int, Any, Any]:
        line = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=60)
        with closing(line):
            line.request("POST", path, body, {"Host": self.host, **BY_PROXY, **head})
            answer = line.getresponse()
            return answer.status, answer.headers, json.loads(answer.read())


def test_a_full_disk_under_sqlite_is_told(tmp_path: Path, disk: Path) -> None:
    """Whoever writes is told that it is not stored and when to come again; both cities' pages are read
    on. With room again all goes on by itself; what was told as stored is there, once, the file is whole,
    and so is the audit log."""
    database = f"sqlite:///{disk}/site.sqlite3"
    shell = two_cities(tmp_path, DATABASE_URL=database, SMARTCITY_TRUSTED_PROXIES="127.0.0.1")
    with served(shell) as server:
        offices = [Office(shell, server, city) for city in CITIES]
        ballast = fill(disk)
        told = {number: offices[number % 2].store(number) for number in numbers(0)}
        assert set(told.values()) <= {(200, None), (503, "10")}, told
        assert (503, "10") in told.values()
        for city in CITIES:
            for path in ("/", "/services"):
                assert server.get(f"{city}.localhost", path)[0] == 200
        assert "Traceback" not in server.log.read_text()
        ballast.unlink()
        later = {number: offices[number % 2].store(number) for number in numbers(1)}
        assert set(later.values()) == {(200, None)}
    with closing(sqlite3.connect(disk / "site.sqlite3")) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        rows = connection.execute("SELECT number FROM utility_account").fetchall()
    stored = [int(row[0]) for row in rows]
    assert len(stored) == len(set(stored))
    assert {number for number, (status, _wait) in (told | later).items() if status == 200} <= set(
        stored
    )
    for city in CITIES:
        shell.run("audit", "verify", city)


def numbers(series: int) -> range:
    """Of accounts that are not there yet."""
    first = 4_100_000_000 + series * TRIES
    return range(first, first + TRIES)


def test_an_export_to_a_full_disk_goes_on_with_room(tmp_path: Path, disk: Path) -> None:
    """The command says of which city a file could not be written, and why; what is there is whole, and
    with room the next run makes what one run would have made."""
    shell = two_cities(tmp_path)
    _count(tmp_path / "test.sqlite3")
    out, whole = disk / "out", tmp_path / "whole"
    ballast = fill(disk)
    os.truncate(ballast, ballast.stat().st_size - 400_000)
    said = shell.run("data", "export", "--to", str(out), code=1)
    for city in CITIES:
        assert f"{city}: {os.strerror(errno.ENOSPC)}: {out}." in said
    there = hashes(out)
    assert 0 < len(there) < 2 * DAYS
    for path in there:
        assert pyarrow.parquet.ParquetFile(out / path).read().num_rows == 3
    ballast.unlink()
    shell.run("data", "export", "--to", str(out))
    shell.run("data", "export", "--to", str(whole))
    assert hashes(out) == hashes(whole)
    assert len(hashes(out)) == 2 * DAYS


def _count(database: Path) -> None:
    """Days of measures in both cities."""
    with closing(sqlite3.connect(database)) as connection, connection:
        query = "SELECT id FROM document WHERE name IN ('hangzhou', 'ningbo')"
        days = [(date(2026, 1, 1) - timedelta(days=back)).isoformat() for back in range(DAYS)]
        for (city,) in connection.execute(query).fetchall():
            connection.executemany(
                "INSERT INTO city_measure VALUES (?, ?, 'utility_bills', ?, 'done', '', 7)",
                [(city, day, channel) for day in days for channel in ("web", "wechat", "counter")],
            )
            connection.executemany(
                "INSERT INTO city_measure_day VALUES (?, ?, 1)", [(city, day) for day in days]
            )


def hashes(folder: Path) -> dict[str, str]:
    """Every file of figures by its SHA-256."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*.parquet")
    }
