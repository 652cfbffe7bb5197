"""``smartcity pack``: a folder for an app, a report that is printed, and words for what cannot be."""

from __future__ import annotations

import json
from pathlib import Path

from click.testing import CliRunner, Result

from smartcity_saas.cli.pack import pack
from tests.support.channels import open_apps
from tests.support.shell import Shell
from tests.support.world import World


def run(*words: str) -> Result:
    return CliRunner().invoke(pack, list(words))


def test_it_writes_a_pack_and_prints_the_report(world: World, tmp_path: Path) -> None:
    """Promise: every app's pack of two cities is written; what is printed is the report that lies in it,
    in either language or as JSON, and made again nothing changes."""
    open_apps(world)
    for app in ("alipay", "baidu", "taobao", "wechat", "weibo"):
        for city in ("hangzhou", "ningbo"):
            folder = tmp_path / app / city
            found = run(app, city, "--to", str(folder))
            assert found.exit_code == 0, found.output
            assert (folder / "parity.en.md").read_text("utf-8") in found.stdout
            found = run(app, city, "--to", str(folder), "--language", "zh")
            assert (folder / "parity.zh.md").read_text("utf-8") in found.stdout
            assert "none changed" in found.stdout
            found = run(app, city, "--to", str(folder), "--format", "json")
            assert json.loads(found.stdout) == json.loads(
                (folder / "parity.json").read_text("utf-8")
            )


def test_bad_input_is_answered_in_words(world: World, tmp_path: Path) -> None:
    """Promise: an unknown app, an AppID that is none, and a folder in use are named; nothing is
    written."""
    open_apps(world)
    folder = tmp_path / "pack"
    found = run("bing", "hangzhou", "--to", str(folder))
    assert (found.exit_code, "'bing' is not one of 'alipay'" in found.stderr) == (2, True)
    found = run("wechat", "hangzhou", "--to", str(folder), "--app-id", "wx1&path=x")
    assert (found.exit_code, "“wx1&path=x” is no AppID" in found.stderr) == (2, True)
    assert run("wechat", "hangzhou").exit_code == 2
    assert not folder.exists()
    folder.mkdir()
    (folder / "links.json").write_text("mine")
    found = run("wechat", "hangzhou", "--to", str(folder))
    assert (found.exit_code, "Nothing was written." in found.stderr) == (1, True)
    assert [path.name for path in folder.iterdir()] == ["links.json"]


def test_the_command_refuses_without_a_traceback(shell: Shell) -> None:
    """Promise: a city that is not there, and one without an application at the app, are answered by a
    sentence that names it; the help says what the command is for."""
    shell.run("apply")
    assert "There is no city “nowhere”." in shell.run(
        "pack", "wechat", "nowhere", "--to", "x", code=1
    )
    said = shell.run("pack", "wechat", "hangzhou", "--to", "x", code=1)
    assert "“hangzhou” has not configured channels.wechat" in said
    assert not (shell.folder / "x").exists()
    assert "privacy list, checklist" in shell.run("pack", "--help")
