"""Strangers who are slow hold up nobody: counted, never timed."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest

from tests.support.documents import HANGZHOU
from tests.support.served import dripping_provider, is_open, served, two_cities

pytestmark = pytest.mark.faults

SLOW = 200
PAGES = [
    ("hangzhou.localhost", "/"),
    ("hangzhou.localhost", "/services"),
    ("ningbo.localhost", "/"),
    ("ningbo.localhost", "/sign-in"),
    ("console.localhost", "/sign-in"),
    ("localhost", "/"),
]


def test_two_hundred_unfinished_bodies_hold_up_nobody(tmp_path: Path) -> None:
    """Every page of every city, and the probes, are answered while they all still hang."""
    with served(two_cities(tmp_path)) as server:
        lines = server.hang(SLOW)
        answers = [server.get(*page)[0] for page in PAGES * 10]
        assert answers == [200] * len(answers)
        for probe in ("/healthz", "/readyz"):
            assert server.get("ningbo.localhost", probe)[0] == 200
        assert sum(map(is_open, lines)) == SLOW
        for line in lines:
            line.close()
        assert server.get("hangzhou.localhost", "/")[0] == 200


def test_a_provider_that_drips_holds_up_nobody(tmp_path: Path) -> None:
    """While one city's sign-ins hang, every other page is answered; the provider is asked by one
    request at a time, however many come."""
    with dripping_provider() as (issuer, asked):
        oidc = f"channels:\n  oidc: {{issuer: '{issuer}', client_id: city-site}}\n"
        shell = two_cities(tmp_path, HANGZHOU + oidc, SMARTCITY_ALLOWED_NETWORKS="127.0.0.0/8")
        with served(shell) as server:
            hanging, done = [], []

            def sign_in() -> None:
                done.append(server.get("hangzhou.localhost", "/sign-in/oidc")[0])

            for _visitor in range(24):
                hanging.append(threading.Thread(target=sign_in))
                hanging[-1].start()
            deadline = time.monotonic() + 60
            while not asked and time.monotonic() < deadline:
                time.sleep(0.01)
            answers = [server.get(*page)[0] for page in PAGES]
            assert answers == [200] * len(PAGES)
            assert len(asked) == 1
            for thread in hanging:
                thread.join(60)
            assert done == [503] * 24
            assert len(asked) == 1
