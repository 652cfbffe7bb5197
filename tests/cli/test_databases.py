"""Which database the command works on: named with its setting, and never made by a command that reads."""

from __future__ import annotations

import pytest

from smartcity_saas.cli.databases import database_name
from smartcity_saas.settings import Settings
from tests.support.shell import Shell

pytestmark = pytest.mark.processes


@pytest.mark.parametrize(
    "command", ["plan", "apply", "history hangzhou", "diff", "staff list", "validate tenants"]
)
def test_a_database_that_is_not_there_is_named_and_not_made(shell: Shell, command: str) -> None:
    """Promise: a slip in DATABASE_URL leaves no empty file behind, and the message says where was looked."""
    shell.database.unlink()
    said = shell.run(*command.split(), code=0 if command.startswith("validate") else 1)
    assert not shell.database.exists()
    if not command.startswith("validate"):
        assert f"There is no database {shell.database} (DATABASE_URL)." in said
        assert "smartcity db upgrade" in said


def test_a_city_without_its_province_is_told_where_was_looked(shell: Shell) -> None:
    """Promise: whoever checks a city elsewhere reads which folder and which database had no baseline."""
    (shell.folder / "config" / "provinces" / "zhejiang.yaml").unlink()
    said = shell.run("validate", "tenants/hangzhou.yaml", code=1)
    assert "There is no province “zhejiang”" in said
    assert str(shell.folder / "config") in said
    assert str(shell.database) in said


@pytest.mark.parametrize(
    "given, named",
    [
        (
            {"DATABASE_URL": "postgresql://city:hush@db.example:5432/smartcity"},
            "db.example/smartcity (DATABASE_URL)",
        ),
        ({"SMARTCITY_DEMO": "1", "PORT": "8001"}, "SMARTCITY_DEMO, PORT=8001"),
        ({}, "default, as DATABASE_URL is not set"),
    ],
)
def test_a_database_is_named_by_its_setting(given: dict[str, str], named: str) -> None:
    """Promise: it is said where the name of the database comes from, and no password."""
    said = database_name(Settings.from_environment(given))
    assert named in said
    assert "hush" not in said
