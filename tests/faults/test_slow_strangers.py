"""Strangers who are slow hold up nobody: counted, never timed."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.faults.served import is_open, served, two_cities

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
