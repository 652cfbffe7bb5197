"""``smartcity service new``: the way of docs/add-a-service.md, walked in a copy of the checkout."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from smartcity_saas.cli import main

ROOT = Path(__file__).parents[2]
GUIDE = (ROOT / "docs/add-a-service.md").read_text("utf-8")
COPIED = ("src", "tests", "tools", "config", "tenants", "docs", "deploy", "Makefile", "setup.cfg")
BESIDE = (
    "pyproject.toml",
    "requirements.lock",
    "requirements-test.lock",
    "README.md",
    "CONTRIBUTING.md",
)
ASK = """
from smartcity_saas.app import create_app
client = create_app().test_client()
for language in ("zh", "en"):
    page = client.get(
        "/services/library-cards",
        base_url="http://hangzhou.localhost",
        headers={"Accept-Language": language},
    )
    print(page.status_code, page.text)
"""
pytestmark = pytest.mark.processes


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of this checkout, with the environment of the tests and without what was installed."""
    copy = tmp_path_factory.mktemp("checkout")
    for name in (*COPIED, *BESIDE):
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(
                source, copy / name, ignore=shutil.ignore_patterns("node_modules", "__pycache__")
            )
        else:
            shutil.copy(source, copy / name)
    commands = copy / ".venv" / "bin"
    commands.mkdir(parents=True)
    (copy / ".venv" / "installed").touch()
    for name, module in (("smartcity", "smartcity_saas.cli"), ("pytest", "pytest"), ("python", "")):
        command = commands / name
        flags = f"-m {module} " if module else ""
        command.write_text(f'#!/bin/sh\nexec "{sys.executable}" {flags}"$@"\n')
        command.chmod(0o755)
    return copy


def run(checkout: Path, command: str) -> str:
    """Run a command of the guide in the copy; what it said."""
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("PYTEST")},
        "PYTHONPATH": str(checkout / "src"),
        "SMARTCITY_DEMO": "1",
    }
    done = subprocess.run(
        ["sh", "-ec", command],
        cwd=checkout,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return done.stdout


def test_the_guide_leads_to_a_service_that_is_served(checkout: Path) -> None:
    """Promise: docs/add-a-service.md, followed step by step, ends in a service that is open in both
    languages; its own tests and the rules of the house hold at once."""
    steps = re.findall(r"```sh\n(.*?)```", GUIDE, re.S)
    opened = re.findall(r"```yaml\nservices:\n(.*?)```", GUIDE, re.S)
    for step in steps:
        run(checkout, step)
    document = checkout / "tenants/hangzhou.yaml"
    text = document.read_text("utf-8")
    document.write_text(text.replace("services:\n", f"services:\n{opened[0]}", 1), "utf-8")
    run(checkout, ".venv/bin/smartcity db upgrade")
    run(checkout, ".venv/bin/smartcity apply config tenants")
    (checkout / "ask.py").write_text(ASK, "utf-8")
    chinese, english = run(checkout, ".venv/bin/python ask.py").split("\n200 ")
    assert "借书证</h1>" in chinese
    assert "Library cards</h1>" in english


@pytest.mark.parametrize("name", ["a", "abcdefghij_abcdefghijk"])
def test_what_is_written_is_formatted_whatever_its_name(name: str, checkout: Path) -> None:
    """Promise: the formatter and the linter find nothing to mend, in the shortest and longest name."""
    run(checkout, f".venv/bin/smartcity service new {name} --zh 借书证 --en Cards")
    made = [checkout / "src/smartcity_saas/services" / name, checkout / "tests/services" / name]
    both = " ".join(map(str, made))
    run(checkout, f".venv/bin/python -m ruff format --check {both}")
    run(checkout, f".venv/bin/python -m ruff check {both}")
    for folder in made:
        shutil.rmtree(folder)


@pytest.mark.parametrize(
    "arguments, said",
    [
        (["9 cards"], "“9 cards” is not a name"),
        (["cards_"], "“cards_” is not a name"),
        (["import"], "“import” is not a name"),
        (["utility_bills"], "“utility_bills” is taken. Choose another name"),
        (["resident"], "“resident” is taken"),
        (["a_name_that_goes_on_and_on"], "26 characters; 22 are the most"),
        (["cards", "--zh", '借"书'], '“借"书” is not a title'),
        (["cards", "--en", " "], "“” is not a title"),
    ],
)
def test_a_name_or_title_that_cannot_be_is_refused_in_words(
    arguments: list[str], said: str
) -> None:
    """Promise: nothing is written, and the message quotes what was typed and says what to do."""
    titles = ["--zh", "借书证", "--en", "Cards"]
    answer = CliRunner().invoke(main, ["service", "new", arguments[0], *titles, *arguments[1:]])
    assert answer.exit_code == 2
    assert said in answer.output
    assert not (ROOT / "src/smartcity_saas/services/cards").exists()
