"""What is wrong with a document, where, and what to do."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from smartcity_saas.texts import Text

Path = tuple[str | int, ...]


@dataclass(frozen=True)
class Problem:
    """One fault. ``line`` and ``column`` count from 1; ``pointer`` is a JSON Pointer (RFC 6901).

    ``message`` and ``hint`` may be lazy translations; they become text when shown.
    """

    path: str
    line: int
    column: int
    pointer: str
    message: Text
    hint: Text = ""

    def __str__(self) -> str:
        hint = f" {self.hint}" if str(self.hint) else ""
        return f"{self.path}:{self.line}:{self.column}: {self.message}{hint}"

    def as_dict(self) -> dict[str, Any]:
        """As JSON: the six keys in their order, all text translated."""
        return asdict(replace(self, message=str(self.message), hint=str(self.hint)))


@dataclass(frozen=True)
class MovedSecret(Problem):
    """A secret that would be sent where it was not entered for; ``secret`` is its name, ``owner``
    the document that it is kept for."""

    secret: str = ""
    owner: str = ""

    def as_dict(self) -> dict[str, Any]:
        """As JSON: the six keys of every problem."""
        found = super().as_dict()
        return {key: found[key] for key in found if key not in ("secret", "owner")}


def pointer(path: Path) -> str:
    """The JSON Pointer (RFC 6901) of a path."""
    return "".join("/" + str(step).replace("~", "~0").replace("/", "~1") for step in path)


def dotted(path: Path) -> str:
    """A path as people write it: ``services.utility_bills``."""
    return ".".join(str(step) for step in path)


def in_order(problems: Iterable[Problem]) -> list[Problem]:
    """Sorted as a reader meets them, each once."""
    return sorted(
        set(problems), key=lambda found: (found.path, found.line, found.column, found.pointer)
    )


def path_of(text: str) -> Path:
    """The path of a dotted name: the reverse of ``dotted`` for keys of mappings."""
    return tuple(text.split("."))


def starts_with(path: Sequence[Any], prefix: Sequence[Any]) -> bool:
    """Whether a path is at or below another."""
    return tuple(path[: len(prefix)]) == tuple(prefix)


def some(names: Sequence[str]) -> str:
    """The first of many names, and how many there are."""
    shown = ", ".join(names[:5])
    return shown if len(names) <= 5 else f"{shown} … ({len(names)})"
