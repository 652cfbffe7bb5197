"""What tests share stands in ``tests.support``: a test file can be moved, split or read alone."""

from __future__ import annotations

import ast
from collections.abc import Iterator

import pytest

from tests.support.paths import ROOT

TESTS = ROOT / "tests"
ADVICE = "move what is shared to tests/support, a fixture to a conftest.py above both"


def borrowed(text: str) -> Iterator[str]:
    """Imports of one test module or conftest by another, and globals that a function sets."""
    for node in ast.walk(ast.parse(text)):
        found: list[str] = []
        if isinstance(node, ast.Import):
            found = [one.name for one in node.names]
        elif isinstance(node, ast.ImportFrom) and node.level:
            found = ["tests (relatively)"]
        elif isinstance(node, ast.ImportFrom):
            found = [f"{node.module}.{one.name}" for one in node.names]
        elif isinstance(node, ast.Global):
            yield f"{node.lineno}: global {', '.join(node.names)}: let a fixture hold it"
        for name in found:
            top, _dot, rest = name.partition(".")
            if top == "conftest" or (top.startswith("tests") and rest.split(".")[0] != "support"):
                yield f"{node.lineno}: {name}: {ADVICE}"


def test_no_test_borrows_from_another() -> None:
    """Promise: no test module imports another or a conftest, and none sets a global."""
    files = [path for path in TESTS.rglob("*.py") if "node_modules" not in path.parts]
    assert len(files) > 100
    found = [
        f"{path.relative_to(ROOT)}:{said}"
        for path in sorted(files)
        for said in borrowed(path.read_text("utf-8"))
    ]
    assert found == []


@pytest.mark.parametrize(
    "line",
    [
        "from tests.web.test_api import Office",
        "from tests.conftest import World",
        "from tests import conftest",
        "import tests.conftest as shared",
        "from conftest import World",
        "from .test_api import Office",
        "def f():\n    global SANDBOX",
    ],
)
def test_such_a_line_would_be_found(line: str) -> None:
    """The reading of the tests sees each form."""
    assert list(borrowed(line))


def test_what_is_shared_may_be_imported() -> None:
    """From the folder that is there for it."""
    assert (
        list(borrowed("from tests.support.world import World\nfrom tests.support import x")) == []
    )
