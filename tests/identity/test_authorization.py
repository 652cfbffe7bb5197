"""Under ``python -O``, which takes every ``assert`` of the product away."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.support.paths import ROOT

WALKS = (
    "tests/identity/staff/test_accounts.py::test_every_endpoint_of_a_city_with_nobody_s_session",
    "tests/identity/staff/test_accounts.py::test_every_endpoint_with_nobody_s_session",
    "tests/identity/assisted_service/test_sessions.py::test_a_desk_acts_for_its_own_service",
)


@pytest.mark.processes
def test_who_may_is_asked_without_asserts() -> None:
    """The walks over every endpoint hold there too. pytest rewrites the tests' own assertions
    into statements, so those still count."""
    options = ("-q", "-k", "not postgresql", "-p", "no:cacheprovider", "-W", "default")
    run = subprocess.run(
        [sys.executable, "-O", "-m", "pytest", *options, *WALKS],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stdout[-2000:] + run.stderr[-2000:]
    assert " passed" in run.stdout
