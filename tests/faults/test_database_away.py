"""The database goes away under a server: whoever is signed in reads a page, the log stays JSON."""

from __future__ import annotations

import json
import os
import re
import subprocess
from http.cookies import SimpleCookie
from pathlib import Path
from urllib.parse import urlencode

import httpx
import psycopg
import pytest
from sqlalchemy import make_url

from tests.support import postgres
from tests.support.served import Server, served, two_cities

pytestmark = pytest.mark.faults

PASSWORD = "a long sentence that nobody guesses"
CONSOLE = "console.localhost"


def signed_in(server: Server) -> httpx.Client:
    """A member of staff on the console."""
    client = httpx.Client(base_url=f"http://127.0.0.1:{server.port}", headers={"Host": CONSOLE}, timeout=60)  # fmt: skip
    page = client.get("/sign-in")
    token = re.search(r'name="csrf_token" value="([^"]+)"', page.text)
    assert token
    cookies = SimpleCookie()
    for header in page.headers.get_list("set-cookie"):
        cookies.load(header)
    client.headers["Cookie"] = "; ".join(f"{n}={m.value}" for n, m in cookies.items())
    form = {"csrf_token": token[1], "username": "wu.min", "password": PASSWORD}
    answer = client.post("/sign-in", content=urlencode(form), headers={"Content-Type": "application/x-www-form-urlencoded"})  # fmt: skip
    assert answer.status_code == 302, answer.text
    for header in answer.headers.get_list("set-cookie"):
        cookies.load(header)
    client.headers["Cookie"] = "; ".join(f"{n}={m.value}" for n, m in cookies.items())
    return client


def control(superuser: str, *words: str) -> None:
    """Stop a cluster as a failing machine does, or let it come back."""
    folder = make_url(superuser).query["host"]
    binaries = postgres._binaries()
    assert binaries
    as_postgres = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
    subprocess.run(
        [*as_postgres, str(binaries / "pg_ctl"), "-w", "-D", f"{folder}/data", "-l", f"{folder}/log", "-m", "immediate", *words],
        check=True,
        cwd="/",
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )  # fmt: skip


def test_whoever_is_signed_in_reads_a_page(tmp_path: Path) -> None:
    """The console's page with a reference number that stands in the log, and nothing but JSON there;
    the process says that it lives, and that it is not ready."""
    with postgres.throwaway_cluster() as superuser:
        if superuser is None:
            pytest.skip("PostgreSQL is not installed")
        mark = "postgresql+psycopg://postgres@/postgres"
        owner = superuser.replace("postgresql://", "postgresql+psycopg://")
        assert owner.startswith(mark)
        with psycopg.connect(superuser, autocommit=True) as connection:
            connection.execute("CREATE ROLE app LOGIN")
        application = owner.replace("postgres@", "app@")
        shell = two_cities(tmp_path, DATABASE_URL=application, DATABASE_OWNER_URL=owner)
        words = ("staff", "create", "wu.min", "--name", "Wu Min", "--password-stdin")
        shell.run(*words, stdin=f"{PASSWORD}\n")
        with served(shell) as server:
            client = signed_in(server)
            before = server.log.read_text()
            control(superuser, "stop")
            try:
                answer = client.get("/")
                assert answer.status_code == 503
                assert "<h1>" in answer.text
                assert server.get(CONSOLE, "/healthz")[0] == 200
                assert server.get(CONSOLE, "/readyz")[0] == 503
            finally:
                control(superuser, "restart")
            lines = [json.loads(one) for one in server.log.read_text()[len(before) :].splitlines()]
            references = [one["reference"] for one in lines if "reference" in one]
            assert references
            assert references[0] in answer.text
            assert client.get("/").status_code < 400, "and all is well afterwards"
            client.close()
