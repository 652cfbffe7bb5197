"""How the demo prepares itself before it serves."""

from __future__ import annotations

from pathlib import Path

import pytest

from smartcity_saas import __main__ as product
from smartcity_saas.app import create_app
from smartcity_saas.settings import Settings

pytestmark = pytest.mark.skipif(
    not Path("/proc/self/fd").is_dir(), reason="counts open files in Linux's /proc"
)


def test_no_connection_is_open_when_the_server_forks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SQLite must not be carried across a fork: preparing leaves no file of the database open."""
    settings = Settings(
        demo=True,
        secret_key="k" * 40,
        master_key="k" * 40,
        database_url=f"sqlite:///{tmp_path}/demo.sqlite3",
        owner_url=f"sqlite:///{tmp_path}/demo.sqlite3",
        config_root=tmp_path,
    )
    monkeypatch.setattr(product, "_fill", lambda app, settings: None)
    product.prepare_demo(create_app(settings, serving=False), settings)
    assert (tmp_path / "demo.sqlite3").exists()
    open_files = [str(entry.readlink()) for entry in Path("/proc/self/fd").iterdir()
                  if entry.is_symlink()]  # fmt: skip
    assert [name for name in open_files if name.startswith(str(tmp_path))] == []
