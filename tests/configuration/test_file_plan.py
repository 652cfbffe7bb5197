"""Files and live documents, three ways: nothing is reverted, guessed or deleted silently."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any

import pytest

from smartcity_saas.configuration.document_files import passed_over, read_files
from smartcity_saas.configuration.file_plan import CHANGE, CONFLICT, KEEP, NEW, SAME, Plan, plan
from smartcity_saas.errors import Invalid
from smartcity_saas.tenancy.assets import find_asset
from smartcity_saas.tenancy.file_apply import apply_plan
from tests.support.documents import (
    HANGZHOU,
    NINGBO,
    PLATFORM,
    SHANGHAI,
    SHANGHAI_PROVINCE,
    ZHEJIANG,
)
from tests.support.world import World

COLOR = ("branding", "color")
STATE = ("services", "utility_bills", "state")
LOGO = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 8 8"><path d="M0 0h8v8z" fill="{}"/></svg>'


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The world as files."""
    files = {
        "platform.yaml": PLATFORM,
        "provinces/zhejiang.yaml": ZHEJIANG,
        "provinces/shanghai.yaml": SHANGHAI_PROVINCE,
        "tenants/hangzhou.yaml": HANGZHOU,
        "tenants/ningbo.yaml": NINGBO,
        "tenants/shanghai.yaml": SHANGHAI,
    }
    for name, text in files.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, "utf-8")
    return tmp_path


def planned(world: World, folder: Path) -> Plan:
    files, problems = read_files([folder])
    assert problems == []
    return plan(world.documents(), files)


def acts(found: Plan) -> dict[str, str]:
    return {step.name: step.act for step in found.steps}


def apply(world: World, folder: Path) -> int:
    made = apply_plan(world.documents(), planned(world, folder), "from files")
    world.app.registry.refresh()
    return len(made)


def test_an_empty_platform_takes_everything_once(empty: World, folder: Path) -> None:
    """All six documents go live in one step; a second apply finds nothing to do."""
    assert set(acts(planned(empty, folder)).values()) == {NEW}
    assert apply(empty, folder) == 6
    assert set(acts(planned(empty, folder)).values()) == {SAME}
    assert apply(empty, folder) == 0


def test_what_only_the_file_changed_is_applied(empty: World, folder: Path) -> None:
    """An edit in the file arrives; its comment too."""
    apply(empty, folder)
    path = folder / "tenants/hangzhou.yaml"
    path.write_text(HANGZHOU.replace("#0b6e4f", "#123456") + "# more\n", "utf-8")
    assert acts(planned(empty, folder))["hangzhou"] == CHANGE
    apply(empty, folder)
    assert empty.documents().live_revision("hangzhou").text.endswith("# more\n")


def test_what_only_the_console_changed_is_kept(empty: World, folder: Path) -> None:
    """A file equal to the last applied text has nothing to apply: the switch stays."""
    apply(empty, folder)
    empty.documents().change("hangzhou", 1, "", {STATE: "closed"})
    assert acts(planned(empty, folder))["hangzhou"] == KEEP
    assert apply(empty, folder) == 0
    assert empty.documents().live("hangzhou").values["services"]


def test_changes_to_different_leaves_merge(empty: World, folder: Path) -> None:
    """The file's colour and the console's switch both hold afterwards."""
    apply(empty, folder)
    empty.documents().change("hangzhou", 1, "", {STATE: "closed"})
    path = folder / "tenants/hangzhou.yaml"
    path.write_text(HANGZHOU.replace("#0b6e4f", "#123456"), "utf-8")
    assert apply(empty, folder) == 1
    values = empty.documents().live("hangzhou").values
    assert values["branding"]["color"] == "#123456"
    assert values["services"]["utility_bills"]["state"] == "closed"
    assert acts(planned(empty, folder))["hangzhou"] == KEEP


def test_a_leaf_that_both_changed_is_a_conflict(empty: World, folder: Path) -> None:
    """Shown with its line and both values; nothing at all is stored."""
    apply(empty, folder)
    empty.documents().change("hangzhou", 1, "", {COLOR: "#222222"})
    path = folder / "tenants/hangzhou.yaml"
    path.write_text(HANGZHOU.replace("#0b6e4f", "#333333"), "utf-8")
    (folder / "tenants/ningbo.yaml").write_text(NINGBO + "# x\n", "utf-8")
    found = planned(empty, folder)
    assert acts(found)["hangzhou"] == CONFLICT
    assert [(p.line, p.pointer) for p in found.problems] == [(9, "/branding/color")]
    assert "#222222" in str(found.problems[0].message)
    with pytest.raises(Invalid):
        apply_plan(empty.documents(), found, "")
    assert empty.documents().live("ningbo").number == 1


def test_a_stale_checkout_reverts_nothing(empty: World, folder: Path) -> None:
    """A file equal to an older revision is a conflict where the console has saved since."""
    apply(empty, folder)
    path = folder / "tenants/hangzhou.yaml"
    path.write_text(HANGZHOU.replace("#0b6e4f", "#123456"), "utf-8")
    apply(empty, folder)
    empty.documents().change("hangzhou", 2, "", {STATE: "closed"})
    path.write_text(HANGZHOU, "utf-8")
    found = planned(empty, folder)
    assert acts(found)["hangzhou"] == CONFLICT
    assert "This is revision 1. The live one is revision 3." in str(found.problems[0])


@pytest.mark.parametrize(
    "name, first, second",
    [
        ("tenants/hangzhou.yaml", HANGZHOU, HANGZHOU.replace("#0b6e4f", "#123456")),
        ("provinces/zhejiang.yaml", ZHEJIANG, ZHEJIANG + "locked: [site.hotline]\n"),
        ("provinces/zhejiang.yaml", ZHEJIANG + "locked: [site.hotline]\n", ZHEJIANG),
        ("platform.yaml", PLATFORM, PLATFORM.replace('"12345"', '"12346"')),
    ],
)
def test_a_file_that_goes_back_is_a_newer_word(
    empty: World, folder: Path, name: str, first: str, second: str
) -> None:
    """What ``git revert`` leaves is applied where live is what was last applied, for every kind
    of document, and stands in nobody's way; so it is after an export."""
    for text in (first, second, first, second):
        (folder / name).write_text(text, "utf-8")
        apply(empty, folder)
        document = {"tenants/hangzhou.yaml": "hangzhou", "platform.yaml": "platform"}.get(name)
        assert empty.documents().live_revision(document or "province:zhejiang").text == text


def test_comments_arrive_beside_a_change_of_the_console(empty: World, folder: Path) -> None:
    """Comments and layout of a file are applied although the console changed another leaf; those
    that were written on the console stay, and the next plan has nothing to do."""
    apply(empty, folder)
    shown = empty.documents().change("hangzhou", 1, "", {STATE: "closed"})
    text = shown.text.replace("city: hangzhou\n", "# written on the console\ncity: hangzhou\n")
    empty.save(text, 2)
    path = folder / "tenants/hangzhou.yaml"
    path.write_text(HANGZHOU.replace("# the green of the lake", "# Westlake"), "utf-8")
    step = next(found for found in planned(empty, folder).steps if found.name == "hangzhou")
    assert (step.act, step.text_only, [one.path for one in step.keep]) == (CHANGE, True, [STATE])
    apply(empty, folder)
    live = empty.documents().live_revision("hangzhou")
    assert "# Westlake" in live.text
    assert "# written on the console" in live.text
    assert live.values["services"]["utility_bills"]["state"] == "closed"
    assert acts(planned(empty, folder))["hangzhou"] == KEEP


def test_a_file_edited_where_the_console_wrote_keeps_both(empty: World, folder: Path) -> None:
    """Where lines collide the leaves decide: the file's text, with what the console changed."""
    apply(empty, folder)
    empty.documents().change("hangzhou", 1, "", {COLOR: "#123456"})
    path = folder / "tenants/hangzhou.yaml"
    path.write_text(HANGZHOU.replace("# the green of the lake", "# Westlake"), "utf-8")
    apply(empty, folder)
    assert 'color: "#123456"   # Westlake' in empty.documents().live_revision("hangzhou").text


def test_a_missing_file_is_reported_never_deleted(empty: World, folder: Path) -> None:
    """Deleting a file deletes nothing live."""
    apply(empty, folder)
    (folder / "tenants/ningbo.yaml").unlink()
    found = planned(empty, folder)
    assert found.without_file == ["ningbo"]
    assert not found.pending


def test_a_logo_counts_by_its_bytes(empty: World, folder: Path) -> None:
    """The same text with another picture is a change, and the picture is stored in the city."""
    text = SHANGHAI.replace('"#4b3a9b"', '"#4b3a9b", logo: shanghai/logo.svg')
    (folder / "tenants/shanghai.yaml").write_text(text, "utf-8")
    picture = folder / "tenants/shanghai/logo.svg"
    picture.parent.mkdir()
    picture.write_text(LOGO.format("#111111"))
    apply(empty, folder)
    first = empty.app.registry.snapshot.cities["shanghai"].logo
    picture.write_text(LOGO.format("#222222"))
    assert acts(planned(empty, folder))["shanghai"] == CHANGE
    apply(empty, folder)
    second = empty.app.registry.snapshot.cities["shanghai"].logo
    assert first != second
    with empty.inside("shanghai"):
        assert b"#222222" in find_asset(second or "").content
    with empty.inside("hangzhou"):
        assert find_asset(second or "") is None


def test_a_picture_outside_its_folder_is_not_read(empty: World, folder: Path) -> None:
    """A path cannot climb out to some other file of the machine."""
    (folder / "tenants/shanghai.yaml").write_text(
        SHANGHAI.replace('"#4b3a9b"', '"#4b3a9b", logo: ../../etc/passwd'), "utf-8"
    )
    found = planned(empty, folder)
    assert any(problem.pointer == "/branding/logo" for problem in found.problems)


def test_folders_are_read_whole_and_what_is_not_read_is_named(tmp_path: Path) -> None:
    """Linked folders, capitals in an ending, a circle of links; what is hidden, goes
    on behind its ending or is linked to nothing is passed over by name, with the reason."""
    elsewhere = tmp_path / "elsewhere"
    (elsewhere / "ningbo").mkdir(parents=True)
    (elsewhere / "ningbo.YAML").write_text(NINGBO + "branding: {logo: ningbo/logo.svg}\n", "utf-8")
    (elsewhere / "ningbo/logo.svg").write_text(LOGO.format("#111111"))
    folder = tmp_path / "tenants"
    folder.mkdir()
    (folder / "linked").symlink_to(elsewhere)
    (elsewhere / "circle").symlink_to(folder)
    (folder / "hangzhou.Yml").write_text(HANGZHOU, "utf-8")
    (folder / "._hangzhou.yaml").write_bytes(b"\0\5\x16\7")
    (folder / ".hidden").mkdir()
    (folder / ".hidden/x.yaml").write_text(NINGBO, "utf-8")
    files, problems = read_files([folder])
    assert problems == []
    assert {file.candidate.name for file in files} == {"ningbo", "hangzhou"}
    assert [len(file.pictures) for file in files if file.candidate.name == "ningbo"] == [1]
    for name in ("wuhan.yaml.txt", "wuhan.YML~", "notes.txt", ".wuhan.yaml.swp"):
        (folder / name).write_text(NINGBO, "utf-8")
    (folder / "hubei").symlink_to(tmp_path / "nowhere")
    assert {(path.name, reason) for path, reason in passed_over([folder])} == {
        ("._hangzhou.yaml", "it is hidden"),
        ("x.yaml", "it is hidden"),
        ("wuhan.yaml.txt", "its name does not end in .yaml"),
        ("wuhan.YML~", "its name does not end in .yaml"),
        ("hubei", "the link leads nowhere"),
    }
    assert len(read_files([folder])[0]) == 2
    (folder / "gone.yaml").symlink_to(tmp_path / "nowhere.yaml")
    assert "could not read" in str(read_files([folder])[1][0])


def test_a_folder_that_cannot_be_read_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its documents are not taken for missing; a hidden folder may be closed. The root reads all,
    so that the refusal is that of a stand-in for the system."""
    for name in ("closed", ".hidden"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "ningbo.yaml").write_text(NINGBO, "utf-8")
    (tmp_path / "hangzhou.yaml").write_text(HANGZHOU, "utf-8")
    scan = os.scandir

    def refuse(path: str) -> Any:
        if Path(path) != tmp_path:
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), path)
        return scan(path)

    monkeypatch.setattr(os, "scandir", refuse)
    files, problems = read_files([tmp_path])
    assert [file.candidate.name for file in files] == ["hangzhou"]
    assert [problem.path for problem in problems] == [str(tmp_path / "closed")]
    assert "We could not read the folder: Permission denied." in str(problems[0])
