"""The commands for the work of a city: import, secrets, reconcile, worker."""

from __future__ import annotations

import csv
import io
import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.bills import HEADER, ROW
from tests.support.clinic import ROW as CLINIC
from tests.support.sandboxes import Sandboxes
from tests.support.shell import Shell

pytestmark = pytest.mark.processes


@pytest.fixture
def city(shell: Shell, sandboxes: Sandboxes) -> Shell:
    """Hangzhou live, in demo mode, so that the sandbox stands in for Stripe."""
    shell.env |= {"SMARTCITY_DEMO": "1", "STRIPE_API_BASE": sandboxes.stripe_base}
    shell.run("apply")
    return shell


def test_importing_a_file(city: Shell) -> None:
    """Good rows go in, bad ones are named by line; again it changes nothing; an unknown city
    or service is a sentence."""
    bills = city.folder / "bills.csv"
    bills.write_text(HEADER + ROW, "utf-8")
    assert "1 added" in city.run("import", "hangzhou", "utility-bills", str(bills))
    assert "1 as before" in city.run("import", "hangzhou", "utility_bills", str(bills))
    bills.write_text(
        HEADER + ROW.replace("2026-10", "2026-09") + ROW.replace("43.50", "x"), "utf-8"
    )
    found = json.loads(
        city.run("import", "hangzhou", "utility-bills", str(bills), "--format", "json", code=1)
    )
    assert (found["added"], found["problems"][0]["line"]) == (1, 3)
    other = (HEADER.strip() + ",remark\n" + ROW.strip() + ",x\n").replace("王某", "李某")
    bills.write_text(other, "gb18030")
    said = city.run("import", "hangzhou", "utility-bills", str(bills))
    for words in ("Read as GB 18030.", "not read: remark.", "1 holder changed", "holder"):
        assert words in said
    found = json.loads(
        city.run("import", "hangzhou", "utility-bills", str(bills), "--format", "json")
    )
    assert (found["encoding"], found["unread"], found["notes"]) == ("GB 18030", ["remark"], [])
    for words in (("nowhere", "utility-bills"), ("hangzhou", "nothing")):
        assert "no" in city.run("import", *words, str(bills), code=1)
    out = io.StringIO()
    writer = csv.DictWriter(out, ["day", *CLINIC])
    writer.writeheader()
    writer.writerow({**CLINIC, "day": "2026-11-26"})
    schedule = city.folder / "schedule.csv"
    schedule.write_text(out.getvalue(), "utf-8")
    assert "1 added" in city.run("import", "hangzhou", "hospital-appointments", str(schedule))


def test_secrets_are_set_and_never_shown(city: Shell, tmp_path: Path) -> None:
    """From standard input; the list has names; the value stands nowhere, not in the file
    either."""
    value = "sk_test_of_the_command_line"
    said = city.run("secrets", "set", "hangzhou", "stripe_secret_key", stdin=f"{value}\n")
    assert value not in said
    found = city.json("secrets", "list", "hangzhou")
    assert [one["name"] for one in found] == ["stripe_secret_key"]
    assert city.json("secrets", "list", "ningbo") == []
    assert value.encode() not in (city.folder / "test.sqlite3").read_bytes()
    assert "letters" in city.run("secrets", "set", "hangzhou", "Bad Name", stdin="x", code=1)


def test_reconciling(city: Shell) -> None:
    """Nothing to compare is no difference; without secrets, a sentence."""
    assert "has not been set" in city.run("reconcile", "hangzhou", code=1)
    city.run("secrets", "set", "hangzhou", "stripe_secret_key", stdin="sk_test_cli")
    assert "No difference." in city.run("reconcile", "hangzhou")
    assert city.json("reconcile", "hangzhou")["differences"] == []
    city.run("secrets", "set", "hangzhou", "stripe_secret_key", stdin="not a key")
    assert "is not responding" in city.run("reconcile", "hangzhou", code=1)


def test_the_worker_once(city: Shell) -> None:
    """Does what is due and stops."""
    assert "0 done." in city.run("worker", "--once")


def test_the_sandbox_refuses_production(shell: Shell) -> None:
    """It runs in demo mode only, and production refuses to be pointed at it."""

    done = subprocess.run(
        [sys.executable, "-m", "smartcity_saas.sandboxes.stripe"],
        env=shell.env,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode != 0
    assert "demo mode only" in done.stderr
    shell.env["STRIPE_API_BASE"] = "http://127.0.0.1:1"
    assert "STRIPE_API_BASE" in shell.run("plan", code=1)
