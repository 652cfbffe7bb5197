"""How the demo prepares itself before it serves."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from sqlalchemy import select

from smartcity_saas import __main__ as product
from smartcity_saas.app import create_app
from smartcity_saas.configuration.document_files import read_files
from smartcity_saas.database import db
from smartcity_saas.identity.staff.models import Staff
from smartcity_saas.settings import Settings
from tests.support.paths import ROOT


def ports(port: int, **more: str) -> tuple[int, int, int]:
    """The ports of a demo that is started with ``PORT`` alone, or with more."""
    found = Settings.from_environment({"SMARTCITY_DEMO": "1", "PORT": str(port), **more})
    assert found.stripe_api_base.endswith(f":{found.stripe_sandbox_port}")
    assert found.channel_base.endswith(f":{found.channel_sandbox_port}")
    return found.port, found.stripe_sandbox_port, found.channel_sandbox_port


@pytest.mark.parametrize("port", [1024, 8000, 30_000, 51_400, 61_424, 65_535])
def test_a_port_alone_is_enough_for_another_demo(port: int) -> None:
    """Every other port follows from ``PORT``; demos on neighbouring ports share none, and no
    database."""
    near = range(max(port - 50, 1024), min(port + 50, 65_535) + 1)
    taken = [one for each in near for one in ports(each)]
    assert len(taken) == len(set(taken))
    assert all(1024 <= one <= 65_535 for one in taken)
    databases = {
        Settings.from_environment({"SMARTCITY_DEMO": "1", "PORT": str(each)}).database_url
        for each in near
    }
    assert len(databases) == len(near)


def test_ports_that_were_chosen_stay() -> None:
    """What the environment names is taken; the apps' follows Stripe's where that was chosen."""
    assert ports(8000, STRIPE_SANDBOX_PORT="9000") == (8000, 9000, 9001)
    assert ports(8000, CHANNEL_SANDBOX_PORT="9005") == (8000, 12111, 9005)


def test_a_platform_without_accounts_gets_the_sample_ones(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Cities that were rolled out on an empty platform can be entered by those who are told."""
    settings = Settings(
        demo=True,
        secret_key="k" * 40,
        master_key="k" * 40,
        database_url=f"sqlite:///{tmp_path}/demo.sqlite3",
        owner_url=f"sqlite:///{tmp_path}/demo.sqlite3",
        config_root=tmp_path,
    )
    app = create_app(settings, serving=False)
    monkeypatch.setattr(product, "count_documents", lambda: 352)
    product.prepare_demo(app, settings)
    product.prepare_demo(app, settings)  # and once only
    with app.app_context():
        names = db.session.scalars(select(Staff.username)).all()
        assert names == ["operator"]  # no place is stored here


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="counts open files in Linux's /proc")
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


def test_no_sample_notice_grows_old() -> None:
    """A pause of the sample cities names no day: it would be late in every demo after that."""
    files, problems = read_files([ROOT / "tenants", ROOT / "config"])
    assert problems == []
    notices = [
        (file.candidate.name, service, entry)
        for file in files
        for service, entry in file.candidate.source.values.get("services", {}).items()
        if "notice" in entry or "until" in entry
    ]
    assert [city for city, _service, _entry in notices] == ["wuhan"]
    for _city, _service, entry in notices:
        assert "until" not in entry
        assert not re.search("[0-9]", str(entry["notice"]))
