"""The proof itself: it finds what is another's, and nothing where both layers stand."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.support import postgres
from tests.support.isolation_proof.marks import Findings, Marks, Reader
from tests.support.isolation_proof.report import write
from tests.support.isolation_proof.trials import BOTH, NEITHER, prove


@pytest.mark.parametrize(
    ("reader", "owner", "leaks"),
    [
        (Reader("a"), ("a", ""), 0),
        (Reader("a"), ("a", "x"), 1),
        (Reader("a", "x"), ("a", "x"), 0),
        (Reader("a", "x"), ("a", "y"), 1),
        (Reader("a", "x"), ("b", "x"), 1),
        (Reader("a", reads_all=True), ("a", "y"), 0),
        (Reader("a", reads_all=True), ("b", ""), 1),
    ],
)
def test_another_s_mark_is_a_leak(reader: Reader, owner: tuple[str, str], leaks: int) -> None:
    """A mark is found in whatever case it stands, and is a leak unless its reader may read it."""
    marks, found = Marks(), Findings()
    found.note("page", "/", 200, f"<b>{marks.of(*owner).upper()}</b>", reader, marks)
    assert (len(found.leaks), found.own.total()) == (leaks, 1 - leaks)


def test_what_was_asked_for_is_no_leak() -> None:
    """A page that repeats the words of a search tells nobody anything."""
    marks, found = Marks(), Findings()
    mark = marks.of("b", "x")
    found.note("search", f"/search?q={mark}", 200, mark, Reader("a"), marks)
    assert not found.leaks


@pytest.mark.processes
def test_walls_hold_and_the_search_can_fail(tmp_path: Path) -> None:
    """Two nodes, a few cities: nothing of another's with both layers; without them the view that
    forgets its city leaks, and the page of the proof says both."""
    superuser = os.environ.get(postgres.VARIABLE)
    if not superuser:
        pytest.skip("PostgreSQL is not installed and SMARTCITY_TEST_POSTGRES not set")
    layers = (BOTH, NEITHER)
    both, neither = prove(superuser, tmp_path, 3, 4, 160, alone=160, layers=layers, workers=1)
    assert both.found == []
    assert both.holds, both.line()
    assert both.findings.own["application, paper or report"], "none was asked for"
    assert neither.holds, neither.line()
    write(tmp_path / "proof.md", [both, neither], 3, 4, 1.0)
    page = (tmp_path / "proof.md").read_text("utf-8")
    assert "| **leaks** | **0** |" in page
