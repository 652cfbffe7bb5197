"""The ``smartcity`` command, run as people and programs run it."""

from __future__ import annotations

import sqlite3

import pytest

from smartcity_saas.settings import DEMO_KEY
from tests.support.documents import (
    HANGZHOU,
    NINGBO,
)
from tests.support.forked import run_module
from tests.support.paths import ROOT
from tests.support.shell import Shell

pytestmark = pytest.mark.processes


def test_the_whole_life_of_a_document(shell: Shell) -> None:
    """plan (3), apply, plan (0), edit, diff (3), apply, history, rollback, export."""
    assert "+ hangzhou" in shell.run("plan", code=3)
    assert "6 documents changed." in shell.run("apply", "-m", "first")
    assert "No changes." in shell.run("plan")
    path = shell.folder / "tenants/hangzhou.yaml"
    path.write_text(HANGZHOU.replace("#0b6e4f", "#123456"), "utf-8")
    assert '+  color: "#123456"' in shell.run("diff", code=3)
    assert "branding.color: #0b6e4f → #123456" in shell.run("plan", "tenants", code=3)
    shell.run("apply", "tenants/hangzhou.yaml")
    assert [found["revision"] for found in shell.json("history", "hangzhou")] == [2, 1]
    assert '-  color: "#0b6e4f"' in shell.run("diff", "hangzhou", code=3)
    assert shell.json("diff", "hangzhou", "2", "2") == []
    assert "revision 3" in shell.run("rollback", "hangzhou", "1")
    assert shell.json("plan")["steps"][0]["act"] == "keep"
    shell.run("export", "hangzhou", "--to", ".")
    assert path.read_text("utf-8") == HANGZHOU
    assert "No changes." in shell.run("plan")


def test_validate_tells_every_fault_for_people_and_programs(shell: Shell) -> None:
    """As path:line:column: message, and as JSON with its six keys; nothing is stored."""
    path = shell.folder / "tenants/hangzhou.yaml"
    path.write_text(HANGZHOU.replace("branding:", "brandng:").replace("live", "alive"), "utf-8")
    (shell.folder / "tenants/bomb.yaml").write_text("a: &a [1]\nb: *a\n")
    text = shell.run("validate", "config", "tenants", code=1)
    assert (
        "tenants/hangzhou.yaml:8:1: You cannot use the key “brandng” here. Did you mean “branding”?"
        in text
    )
    assert "tenants/bomb.yaml:1:4: You cannot use anchors or aliases" in text
    found = shell.json("validate", "tenants", code=1)
    assert {tuple(problem) for problem in found} == {
        ("path", "line", "column", "pointer", "message", "hint")
    }
    assert shell.run("apply", code=1).rstrip().endswith("Nothing was stored.")
    assert "There is no configuration “hangzhou”" in shell.run("history", "hangzhou", code=1)


def test_validate_needs_no_database(shell: Shell) -> None:
    """A file can be checked on a machine that has none, against the baselines beside it."""
    (shell.folder / "test.sqlite3").unlink()
    assert "1 document, no problems." in shell.run("validate", "tenants/ningbo.yaml")


def test_validate_says_where_it_looked_for_baselines(shell: Shell) -> None:
    """In the database where there is one, and only where there is none in config/."""
    stored = shell.run("validate", "tenants/ningbo.yaml", code=1)
    assert "looked for among what was named, and in the database" in stored
    assert f"which comes before {shell.folder / 'config'}." in stored
    shell.database.unlink()
    (shell.folder / "tenants/ningbo.yaml").write_text(NINGBO.replace("zhejiang", "jiangsu"))
    beside = shell.run("validate", "tenants/ningbo.yaml", code=1)
    assert f"and in {shell.folder / 'config'} (SMARTCITY_CONFIG_ROOT), as no database" in beside


def test_wrong_usage_is_2_and_help_lists_the_commands(shell: Shell) -> None:
    """Click's own code for wrong words; Flask's run and shell are not there."""
    shell.run("validate", code=2)
    shell.run("nonsense", code=2)
    text = shell.run("--help")
    for name in (
        "validate",
        "plan",
        "apply",
        "export",
        "history",
        "diff",
        "rollback",
        "rollout",
        "schema",
        "db",
        "staff",
        "doctor",
    ):
        assert f"  {name} " in text
    assert "  shell " not in text
    assert "  run " not in text


def test_the_language_of_messages_follows_the_terminal(shell: Shell) -> None:
    """A Chinese terminal gets Chinese."""
    shell.env["LANG"] = "zh_CN.UTF-8"
    (shell.folder / "tenants/ningbo.yaml").write_text(NINGBO + "x: 1\n", "utf-8")
    assert "不能用这个键" in shell.run("validate", "tenants/ningbo.yaml", code=1)


def test_all_352_cities_from_the_shipped_list(shell: Shell) -> None:
    """On an empty platform the whole list goes live; a second run changes nothing, and says so."""
    shell.env["SMARTCITY_CONFIG_ROOT"] = str(ROOT)
    text = shell.run("rollout", str(ROOT / "examples/cities-352.csv"))
    assert "352 cities made live, 0 already as the file says, 0 failed." in text
    again = shell.run("rollout", str(ROOT / "examples/cities-352.csv"))
    assert "0 cities made live, 352 already" in again
    assert "Nothing to change." in again


def test_a_rollout_brings_its_own_provinces(shell: Shell) -> None:
    """Where no baseline is at hand, name and code of the province come from the CSV."""
    rows = shell.folder / "some.csv"
    rows.write_text(
        "division_code,slug,name_zh,name_en,province_code,province_slug,province_zh,province_en\n"
        "330300,wenzhou,温州市,Wenzhou,330000,zhejiang,浙江省,Zhejiang\n"
        "320100,nanjing,南京市,Nanjing,320000,jiangsu,江苏省,Jiangsu\n"
        "999999,bad slug,坏,Bad,320000,jiangsu,江苏省,Jiangsu\n",
        "utf-8",
    )
    found = shell.json("rollout", str(rows), code=1)
    assert [row["outcome"] for row in found] == ["live", "live", "failed"]
    nothing = shell.run("rollout", str(rows), "--all-or-nothing", code=1)
    assert "some.csv:4:1" in nothing


def test_a_production_start_from_nothing(shell: Shell) -> None:
    """The first operator, and doctor that says what is missing and then that all is well."""
    assert "SMARTCITY_SECRET_KEY" in shell.run("doctor", code=1)
    shell.run("apply")
    shell.run(
        "staff",
        "create",
        "ops",
        "--name",
        "Ops",
        "--password-stdin",
        stdin="long enough password\n",
    )
    short = shell.run(
        "staff", "create", "two", "--name", "T", "--password-stdin", stdin="short\n", code=1
    )
    assert "12 characters" in short
    for name in ("SMARTCITY_SECRET_KEY", "SMARTCITY_MASTER_KEY"):
        shell.env[name] = "k" * 40
    rows = {row["check"]: row["ok"] for row in shell.json("doctor")}
    assert False not in rows.values()
    assert rows["database"], "what is merely to be looked at says neither"


def start(shell: Shell, **env: str) -> str:
    done = run_module("wsgi", folder=ROOT, env={**shell.env, **env})
    return done.stderr.strip().splitlines()[-1] if done.returncode else "started"


def test_production_refuses_missing_and_demo_keys_and_demo_rows(shell: Shell) -> None:
    """Each refusal names what is wrong; with keys of its own and clean rows it starts."""
    good = {"SMARTCITY_SECRET_KEY": "k" * 40, "SMARTCITY_MASTER_KEY": "m" * 40}
    assert "SMARTCITY_SECRET_KEY is not set" in start(shell)
    assert "SMARTCITY_MASTER_KEY is not set" in start(shell, SMARTCITY_SECRET_KEY="k" * 40)
    assert "is the demo's" in start(shell, **{**good, "SMARTCITY_SECRET_KEY": DEMO_KEY})
    assert "shorter than 32" in start(shell, **{**good, "SMARTCITY_MASTER_KEY": "short"})
    assert start(shell, **good) == "started"
    with sqlite3.connect(shell.folder / "test.sqlite3") as connection:
        connection.execute("UPDATE installation SET demo = 1")
    assert "demo" in start(shell, **good)
    assert "SMARTCITY_DEMO must be 1 or 0" in start(shell, SMARTCITY_DEMO="maybe")
    assert "SMARTCITY_TRUSTED_PROXIES" in start(shell, **good, SMARTCITY_TRUSTED_PROXIES="x")


def test_an_upgrade_names_the_cities_that_it_cannot_read(shell: Shell) -> None:
    """What a version cannot read any more is told when the product is upgraded, not by a visitor."""
    shell.run("apply", "-m", "first")
    assert "cannot read" not in shell.run("db", "upgrade")
    with sqlite3.connect(shell.folder / "test.sqlite3") as connection:
        connection.execute(
            "INSERT INTO revision SELECT document_id, 2, 1, text,"
            " json_set(\"values\", '$.branding.color', 'plaid'), files, since, author, author_label,"
            " message, origin, created_at FROM revision"
            " WHERE document_id = (SELECT id FROM document WHERE name = 'hangzhou')"
        )
        connection.execute("UPDATE document SET live_number = 2 WHERE name = 'hangzhou'")
    told = shell.run("db", "upgrade")
    assert "city hangzhou: this version cannot read its latest revision" in told
    assert "ningbo" not in told
