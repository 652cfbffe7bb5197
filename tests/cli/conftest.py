"""What the tests of the command share."""

from __future__ import annotations

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


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
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
    found.run("db", "upgrade")
    return found
