"""What the tests of the command share."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.support.documents import (
    HANGZHOU,
    NINGBO,
    PLATFORM,
    SHANGHAI,
    SHANGHAI_PROVINCE,
    ZHEJIANG,
)
from tests.support.shell import Shell


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated database, made once a worker by the command."""
    made = Shell(tmp_path_factory.mktemp("migrated"))
    made.run("db", "upgrade")
    return made.database


@pytest.fixture
def shell(tmp_path: Path, migrated: Path) -> Shell:
    """Documents of the tests' world, a migrated database."""
    for name, text in {
        "config/platform.yaml": PLATFORM,
        "config/provinces/zhejiang.yaml": ZHEJIANG,
        "config/provinces/shanghai.yaml": SHANGHAI_PROVINCE,
        "tenants/hangzhou.yaml": HANGZHOU,
        "tenants/ningbo.yaml": NINGBO,
        "tenants/shanghai.yaml": SHANGHAI,
    }.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    found = Shell(tmp_path)
    shutil.copyfile(migrated, found.database)
    return found
