"""Writing a pack into a folder, and nothing there that it did not write is lost."""

from __future__ import annotations

import hashlib
import json
import os
import secrets
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from smartcity_saas.errors import SmartCityError

MANIFEST = "pack.json"
"""The file that says whose pack lies there, and of each file what was written (SHA-256)."""


class NotOurs(SmartCityError):
    """The folder holds what no pack of this city and app has written. ``reasons`` name each."""

    status = 409

    def __init__(self, reasons: list[str]) -> None:
        super().__init__("\n".join(reasons))
        self.reasons = reasons


def write_pack(folder: Path, app: str, city: str, files: Mapping[str, bytes]) -> int:
    """Make a folder hold a pack; files of an earlier one that it no longer has are deleted.

    Args:
        folder: Where to; it is made if it is not there. What else lies there is left alone.
        app: The app's name.
        city: The city's slug.
        files: Content by path, with ``/``.

    Returns:
        How many files differed from what lay there.

    Raises:
        NotOurs: A file there was not written by an earlier pack of the same city and app, or was
            edited since. Nothing is written then.
    """
    before = _written_before(folder, app, city)
    gone = [path for path in before if path not in files]
    ours = {
        path: {before.get(path), _digest(files[path]) if path in files else None}
        for path in (*files, *gone)
    }
    faults = [fault for path in sorted(ours) if (fault := _fault(folder, path, ours[path]))]
    if faults:
        raise NotOurs(
            [*faults, "Nothing was written. Move them away, or give another folder with --to."]
        )
    changed = sum(_write(folder / path, content) for path, content in sorted(files.items()))
    for path in gone:
        changed += (folder / path).exists()
        (folder / path).unlink(missing_ok=True)
    digests = {path: _digest(files[path]) for path in sorted(files)}
    manifest = {"app": app, "city": city, "files": digests}
    _write(folder / MANIFEST, json.dumps(manifest, indent=2).encode() + b"\n")
    return changed


def _written_before(folder: Path, app: str, city: str) -> dict[str, str]:
    """What an earlier pack wrote there, by path."""
    if folder.exists() and not folder.is_dir():
        raise NotOurs([f"{folder} is a file. Give a folder with --to."])
    path = folder / MANIFEST
    if not path.exists() and not path.is_symlink():
        return {}
    try:
        found = json.loads(path.read_bytes())
        whose, files = (found["app"], found["city"]), dict(found["files"])
    except (OSError, ValueError, TypeError, KeyError, RecursionError):
        raise NotOurs([f"{path}: is no list of a pack's files. Give another folder."]) from None
    if whose != (app, city):
        raise NotOurs(
            [f"{folder} holds the pack “{whose[0]}” of “{whose[1]}”. Give another folder."]
        )
    bad = [one for one in files if not _inside(one) or not isinstance(files[one], str)]
    if bad:
        raise NotOurs([f"{path}: names “{bad[0]}”, which no pack writes. Give another folder."])
    return files


def _inside(path: str) -> bool:
    parts = PurePosixPath(path).parts
    return bool(parts) and not path.startswith("/") and ".." not in parts and "\\" not in path


def _fault(folder: Path, path: str, ours: set[str | None]) -> str:
    """Why a file may not be written or deleted; empty where it may."""
    target = folder / path
    for parent in reversed(target.relative_to(folder).parents):
        above = folder / parent
        if parent.parts and (above.is_symlink() or (above.exists() and not above.is_dir())):
            return f"{above}: is no folder of a pack's."
    if target.is_symlink() or (target.exists() and not target.is_file()):
        return f"{target}: was not written by a pack."
    if target.exists() and _digest(target.read_bytes()) not in ours:
        return f"{target}: was not written by a pack, or was edited since."
    return ""


def _write(target: Path, content: bytes) -> bool:
    """Whether a file had to be written; whole or not at all."""
    if target.is_file() and target.read_bytes() == content:
        return False
    target.parent.mkdir(parents=True, exist_ok=True)
    beside = target.with_name(f".{target.name}.{secrets.token_hex(8)}.part")
    with beside.open("xb") as new:  # follows no link, and replaces nothing
        new.write(content)
    os.replace(beside, target)
    return True


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
