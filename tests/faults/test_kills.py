"""Killed in the middle: what was stored is whole, and running again finishes the rest."""

from __future__ import annotations

import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest

from smartcity_saas.app import create_app
from smartcity_saas.audit import system
from smartcity_saas.clock import utc_now
from smartcity_saas.configuration.repository import live_documents
from smartcity_saas.configuration.secret_uses import SecretUse
from smartcity_saas.credentials import (
    Keyring,
    read_credential,
    read_province_secret,
    store_credential,
    store_province_secret,
)
from smartcity_saas.product import product
from smartcity_saas.settings import Settings
from smartcity_saas.tenancy.context import tenant_context
from smartcity_saas.tenancy.flask_app import SiteFlask
from tests.support.paths import ROOT
from tests.support.shell import Shell, kill_when

pytestmark = pytest.mark.faults

CITIES = ROOT / "examples/cities-352.csv"


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    """A migrated, empty database; documents come from the repository."""
    found = Shell(tmp_path)
    found.env["SMARTCITY_CONFIG_ROOT"] = str(ROOT)
    found.run("db", "upgrade")
    return found


def count(shell: Shell, query: str) -> int:
    """What a query counts in the database."""
    with closing(sqlite3.connect(shell.folder / "test.sqlite3", timeout=0)) as connection:
        return int(connection.execute(query).fetchone()[0])


def kill_at(shell: Shell, query: str, least: int, *words: str) -> int:
    """Kill a command once a query counts so many; it is stopped while they are counted."""

    def reached() -> bool:
        try:
            return count(shell, query) >= least
        except sqlite3.OperationalError:
            return False  # it was stopped while it kept the database locked

    return kill_when(shell, reached, *words)


@pytest.mark.parametrize("revisions", [40, 120, 300])
def test_a_killed_rollout_goes_on_where_it_was(shell: Shell, revisions: int) -> None:
    """Cities are there whole or not at all; the second run brings the rest, none twice."""
    killed = kill_at(shell, "SELECT count(*) FROM revision", revisions, "rollout", str(CITIES))
    assert killed == -signal.SIGKILL
    rows = shell.json("rollout", str(CITIES))
    assert len(rows) == 352
    assert {row["outcome"] for row in rows} == {"live", "same"}
    again = shell.json("rollout", str(CITIES))
    assert {row["outcome"] for row in again} == {"same"}
    assert [found["revision"] for found in shell.json("history", "hangzhou")] == [1]


@pytest.mark.parametrize("after", [1.0, 1.6, 2.2, 3.0])
def test_a_killed_apply_stored_all_or_nothing(shell: Shell, after: float) -> None:
    """One transaction: after a kill the plan is whole or empty, never a part."""
    folders = [str(ROOT / "config"), str(ROOT / "tenants")]
    begun = time.monotonic()
    kill_when(shell, lambda: time.monotonic() - begun > after, "apply", *folders)
    found = shell.run("plan", *folders, "--format", "json", code=_pending(shell, folders))
    assert found.count('"act": "new"') in (0, 44)
    shell.run("apply", *folders)
    assert "No changes." in shell.run("plan", *folders)


def _pending(shell: Shell, folders: list[str]) -> int:
    done = subprocess.run(
        [sys.executable, "-m", "smartcity_saas.cli", "plan", *folders],
        cwd=shell.folder,
        env=shell.env,
        capture_output=True,
        timeout=120,
    )
    assert done.returncode in (0, 3), done
    return done.returncode


OLD, NEW = "the master key before, 32 characters at least", "the master key of today, 32 characters"


USE = SecretUse("secret", "payments.secret_key", "stripe")


def secrets_in_every_city(shell: Shell, key: str) -> list[tuple[int, str]]:
    """Store one in each city, and one of a province, under a master key; returns the cities."""
    with application(shell, key).app_context():
        keyring, now = product().keyring, utc_now()
        cities = [(one.id, one.name) for one in live_documents() if one.kind == "city"]
        for city_id, name in cities:
            with tenant_context(city_id):
                store_credential(keyring, system("test"), "secret", f"of {name}", now, uses=[USE])
        store_province_secret(
            keyring, system("test"), "zhejiang", "secret", "of zhejiang", now, uses=[USE]
        )
    return cities


def application(shell: Shell, key: str) -> SiteFlask:
    """The product with one master key, and no other."""
    url = shell.env["DATABASE_URL"]
    return create_app(
        Settings(secret_key=key, master_key=key, database_url=url, owner_url=url), serving=False
    )


WRAPPED = f"SELECT count(*) FROM city_key WHERE master_mark = '{Keyring(NEW).mark}'"


@pytest.mark.parametrize("cities", [1, 60, 200])
def test_a_killed_rotation_goes_on_where_it_was(shell: Shell, cities: int) -> None:
    """Killed in the middle, every secret opens with the two keys; run again, with the new one
    alone."""
    shell.run("rollout", str(CITIES))
    known = secrets_in_every_city(shell, OLD)
    shell.env |= {"SMARTCITY_MASTER_KEY": NEW, "SMARTCITY_OLD_MASTER_KEY": OLD}
    shell.env["SMARTCITY_SECRET_KEY"] = NEW
    killed = kill_at(shell, WRAPPED, cities, "secrets", "rotate-master")
    assert killed == -signal.SIGKILL
    done = count(shell, WRAPPED)
    assert cities <= done < len(known)
    with application(shell, OLD).app_context():
        both = Keyring(NEW, OLD)
        for city_id, name in known:
            with tenant_context(city_id):
                assert read_credential(both, USE) == f"of {name}"
    said = shell.json("secrets", "rotate-master")
    assert said["rewrapped"] == len(known) - done
    assert said["province_secrets"] == 1
    with application(shell, NEW).app_context():
        for city_id, name in known:
            with tenant_context(city_id):
                assert read_credential(Keyring(NEW), USE) == f"of {name}"
        read = read_province_secret(Keyring(NEW), "zhejiang", USE, utc_now())
        assert read == "of zhejiang"
