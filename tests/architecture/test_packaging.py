"""The lock files: what is installed is what setup.cfg asks for, by version and hash."""

from __future__ import annotations

import re
import tomllib
from configparser import ConfigParser

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.support.paths import ROOT

PINNED = re.compile(r"^([\w.-]+)==(\S+)[^\n]*((?: \\\n    --hash=sha256:[0-9a-f]{64})+)$", re.M)


def declared(*, testing: bool) -> list[Requirement]:
    """What setup.cfg and pyproject.toml ask for, with or without the extra of the tests."""
    setup = ConfigParser()
    setup.read(ROOT / "setup.cfg", "utf-8")
    lines = setup["options"]["install_requires"].split("\n")
    if testing:
        lines += setup["options.extras_require"]["test"].split("\n")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    lines += project["build-system"]["requires"]
    return [Requirement(line) for line in lines if line.strip()]


@pytest.mark.parametrize(
    "name, testing", [("requirements.lock", False), ("requirements-test.lock", True)]
)
def test_the_lock_holds_what_is_declared(name: str, testing: bool) -> None:
    """Promise: an install by the Makefile has every declared package, at a version that fits."""
    text = (ROOT / name).read_text("utf-8")
    pinned = {canonicalize_name(found[1]): found[2] for found in PINNED.finditer(text)}
    stale = [
        str(wanted)
        for wanted in declared(testing=testing)
        if not wanted.specifier.contains(pinned.get(canonicalize_name(wanted.name), "0"))
    ]
    assert stale == [], "run make lock"


@pytest.mark.parametrize("name", ["requirements.lock", "requirements-test.lock"])
def test_every_locked_package_has_hashes_and_no_address(name: str) -> None:
    """Promise: what is installed is what was locked, whichever registry it comes from."""
    text = re.sub(r"^#.*\n", "", (ROOT / name).read_text("utf-8"), flags=re.M)
    assert PINNED.sub("", text).strip() == ""
