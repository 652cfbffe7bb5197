"""What differs between two texts of a document, leaf by leaf."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from smartcity_saas.configuration.merge import leaves
from smartcity_saas.configuration.problems import Path, dotted

MISSING: Any = type(
    "Missing", (), {"__repr__": lambda self: "MISSING", "__bool__": lambda s: False}
)()
FILE_MARK = "#sha256"
LOGO: Path = ("branding", "logo")
LOGO_FILE: Path = ("branding", f"logo{FILE_MARK}")
"""The leaf of a logo's name, and that of its bytes, which no text holds."""


@dataclass(frozen=True)
class Change:
    """One leaf before and after; ``MISSING`` where it is not there."""

    path: Path
    before: Any
    after: Any

    def as_dict(self) -> dict[str, Any]:
        """As JSON, without the side that is missing."""
        found: dict[str, Any] = {"pointer": dotted(self.path)}
        if self.before is not MISSING:
            found["before"] = self.before
        if self.after is not MISSING:
            found["after"] = self.after
        return found


def changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Change]:
    """Every leaf that differs, in the order of the newer document, then what is gone."""
    old, new = dict(leaves(before)), dict(leaves(after))
    found = [
        Change(path, old.get(path, MISSING), value)
        for path, value in new.items()
        if old.get(path, MISSING) != value
    ]
    return found + [Change(path, value, MISSING) for path, value in old.items() if path not in new]


def with_files(values: Mapping[str, Any], files: Mapping[str, str]) -> dict[str, Any]:
    """Values in which a logo counts by its bytes: its SHA-256 stands beside its name."""
    found = dict(values)
    logo = (values.get("branding") or {}).get("logo")
    if isinstance(logo, str) and logo in files:
        found["branding"] = {**found["branding"], f"logo{FILE_MARK}": files[logo]}
    return found


def text_diff(before: str, after: str, name: str, after_name: str = "") -> str:
    """A unified diff of two texts, as ``diff -u`` prints it; empty if they are equal."""
    lines = difflib.unified_diff(
        before.splitlines(keepends=True), after.splitlines(keepends=True), name, after_name or name
    )
    return "".join(line if line.endswith("\n") else line + "\n" for line in lines)
