"""A pack's folder: nothing is lost there that the command did not write."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from smartcity_saas.app_packs.folder import NotOurs, write_pack

FILES = {"a.md": b"one", "icons/b.png": b"two", "project/pages/c.js": b"three"}


def write(
    folder: Path, files: dict[str, bytes], app: str = "wechat", city: str = "hangzhou"
) -> int:
    return write_pack(folder, app, city, files)


def tree(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.name != "pack.json"
    }


def test_a_pack_made_again_replaces_itself(tmp_path: Path) -> None:
    """Promise: what changed is written, what an earlier pack wrote and this one has not is deleted, and
    everything else in the folder stays."""
    assert write(tmp_path, FILES) == 3
    (tmp_path / "notes.txt").write_bytes(b"mine")
    assert write(tmp_path, FILES) == 0
    assert write(tmp_path, {"a.md": b"new", "icons/b.png": b"two"}) == 2
    assert tree(tmp_path) == {"a.md": b"new", "icons/b.png": b"two", "notes.txt": b"mine"}


def test_nothing_is_written_through_a_link(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Promise: a link where a file is prepared is neither followed nor replaced, even at a name that
    can be foretold."""
    (tmp_path / "precious").write_bytes(b"mine")
    folder = tmp_path / "pack"
    folder.mkdir()
    (folder / ".a.md.part").symlink_to(tmp_path / "precious")
    assert write(folder, {"a.md": b"one"}) == 1
    assert (tmp_path / "precious").read_bytes() == b"mine"
    assert (folder / ".a.md.part").is_symlink()
    assert not (folder / "a.md").is_symlink()
    monkeypatch.setattr("smartcity_saas.app_packs.folder.secrets.token_hex", lambda size: "0")
    (folder / ".b.md.0.part").symlink_to(tmp_path / "precious")
    with pytest.raises(FileExistsError):
        write(folder, {"a.md": b"one", "b.md": b"two"})
    assert (tmp_path / "precious").read_bytes() == b"mine"
    assert (folder / ".b.md.0.part").is_symlink()


@pytest.mark.parametrize("path", ["a.md", "icons/b.png"])
def test_what_it_did_not_write_is_not_overwritten(tmp_path: Path, path: str) -> None:
    """Promise: a file in the way is named, and nothing at all is written."""
    target = tmp_path / path
    target.parent.mkdir(exist_ok=True)
    target.write_bytes(b"mine")
    with pytest.raises(NotOurs) as refused:
        write(tmp_path, FILES)
    assert str(target) in refused.value.reasons[0]
    assert tree(tmp_path) == {path: b"mine"}


@pytest.mark.parametrize("files", [FILES, {"icons/b.png": b"two"}], ids=["changed", "gone"])
def test_an_edit_is_not_lost(tmp_path: Path, files: dict[str, bytes]) -> None:
    """Promise: a file of a pack that somebody edited is neither overwritten nor deleted."""
    write(tmp_path, FILES)
    (tmp_path / "a.md").write_bytes(b"edited")
    with pytest.raises(NotOurs, match=r"a\.md"):
        write(tmp_path, files)
    assert tree(tmp_path)["a.md"] == b"edited"


def test_a_pack_that_was_cut_short_is_finished(tmp_path: Path) -> None:
    """Promise: killed before its list was written, the command finishes when it is run again."""
    write(tmp_path, FILES)
    (tmp_path / "pack.json").unlink()
    (tmp_path / "project/pages/c.js").unlink()
    assert write(tmp_path, FILES) == 1
    assert tree(tmp_path) == FILES


def test_one_folder_one_pack(tmp_path: Path) -> None:
    """Promise: another app's or another city's pack does not go over it."""
    write(tmp_path, FILES)
    for app, city in (("alipay", "hangzhou"), ("wechat", "ningbo")):
        with pytest.raises(NotOurs, match="holds the pack “wechat” of “hangzhou”"):
            write(tmp_path, FILES, app, city)


@pytest.mark.parametrize("path", ["../outside", "/etc/x", "a/../../outside", "..\\outside", ""])
def test_a_list_cannot_reach_outside(tmp_path: Path, path: str) -> None:
    """Promise: a list of files that was tampered with deletes nothing outside its folder."""
    outside = tmp_path / "outside"
    outside.write_bytes(b"mine")
    folder = tmp_path / "pack"
    write(folder, FILES)
    listed = json.loads((folder / "pack.json").read_bytes())
    listed["files"][path] = hashlib.sha256(b"mine").hexdigest()
    (folder / "pack.json").write_text(json.dumps(listed))
    with pytest.raises(NotOurs, match="which no pack writes"):
        write(folder, FILES)
    assert outside.read_bytes() == b"mine"


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"app": 1}', "[" * 5000, "null"])
def test_a_list_that_is_none_is_refused(tmp_path: Path, text: str) -> None:
    """Promise: somebody else's `pack.json` is not taken for a list of ours."""
    (tmp_path / "pack.json").write_text(text)
    with pytest.raises(NotOurs, match=r"pack\.json"):
        write(tmp_path, FILES)
    assert tree(tmp_path) == {}


def test_links_are_not_followed(tmp_path: Path) -> None:
    """Promise: a link in the folder is not written through, as a file or as a folder above one."""
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    folder = tmp_path / "pack"
    folder.mkdir()
    (folder / "icons").symlink_to(elsewhere)
    with pytest.raises(NotOurs, match="icons"):
        write(folder, FILES)
    (folder / "icons").unlink()
    (folder / "a.md").symlink_to(elsewhere / "a.md")
    with pytest.raises(NotOurs, match=r"a\.md"):
        write(folder, FILES)
    assert list(elsewhere.iterdir()) == []


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    """Promise: `--to` that names a file is refused in words."""
    (tmp_path / "x").write_bytes(b"mine")
    with pytest.raises(NotOurs, match="is a file"):
        write(tmp_path / "x", FILES)
