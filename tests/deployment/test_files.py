"""The shipped files of deploy/ are what the programs that read them take."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from compose_spec import PyOptions

from tests.support.nodes import NGINX, make_certificate, nginx_configuration
from tests.support.paths import ROOT

pytestmark = pytest.mark.processes

DEPLOY = ROOT / "deploy"
PROGRAMS = Path(sys.executable).parent
"""Where Caddy and hadolint are installed for the tests."""


def run(*words: str | Path, **env: str) -> str:
    """What a program says; it must be content."""
    done = subprocess.run(
        [str(word) for word in words],
        env={**os.environ, **env},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


@pytest.mark.skipif(NGINX is None, reason="nginx is not installed")
def test_nginx_takes_its_files(tmp_path: Path) -> None:
    """Both of them, with the test's ports and certificate; nothing is warned of."""
    make_certificate(tmp_path, "localhost")
    said = run(str(NGINX), "-t", "-c", nginx_configuration(tmp_path, (8001, 8002)))
    assert "[warn]" not in said


def test_caddy_takes_its_file(tmp_path: Path) -> None:
    """As written, and formatted as Caddy formats it."""
    certificate = make_certificate(tmp_path, "localhost")
    file = DEPLOY / "caddy/Caddyfile"
    run(
        *(PROGRAMS / "caddy", "validate", "--config", file),
        SMARTCITY_CERTIFICATE=str(certificate),
        SMARTCITY_CERTIFICATE_KEY=str(certificate.with_suffix(".key")),
    )
    run(PROGRAMS / "caddy", "fmt", "--diff", file)


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not installed")
def test_systemd_takes_its_units(tmp_path: Path) -> None:
    """Of a node on port 8001 and all others, with what they have in common; programs and accounts
    are this machine's."""
    folder = Path(shutil.copytree(DEPLOY / "systemd", tmp_path / "units"))
    for file in (one for one in folder.rglob("*") if one.is_file()):
        text = re.sub(r"/opt/smartcity/\.venv/bin/\w+", sys.executable, file.read_text("utf-8"))
        text = re.sub(r"^(User|Group)=smartcity", r"\1=root", text, flags=re.MULTILINE)
        file.write_text(text, "utf-8")
    units = [Path(str(one).replace("@.", "@8001.")) for one in sorted(folder.glob("*.service"))]
    assert len(units) == 4
    assert run("systemd-analyze", "verify", "--man=no", *units) == ""


def test_compose_reads_its_file() -> None:
    """By the Compose Specification, merges resolved; every secret and network is declared."""
    options = PyOptions()
    options.apply_merge = True
    found = options.from_yaml((DEPLOY / "compose.yaml").read_text("utf-8"))
    found.validate()
    assert {"proxy", "web1", "web2", "worker", "migration", "database"} <= set(
        found.service_names()
    )


def test_the_dockerfile_has_no_known_fault() -> None:
    """By hadolint, nothing ignored."""
    assert run(PROGRAMS / "hadolint", DEPLOY / "Dockerfile") == ""


def test_the_example_names_variables_that_there_are() -> None:
    """Each stands in the table of docs/operations.md."""
    text = (DEPLOY / "environment.example").read_text("utf-8")
    told = (ROOT / "docs/operations.md").read_text("utf-8")
    names = re.findall(r"^([A-Z_]+)=", text, flags=re.MULTILINE)
    assert names
    assert [name for name in names if f"| `{name}`" not in told] == []
