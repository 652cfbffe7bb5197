"""Merging: platform ← province ← city, with locks, remembering who said what."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from smartcity_saas.configuration.problems import Path, path_of, starts_with

LANGUAGES = ("zh", "en")
DISCRIMINATORS = ("kind", "provider")
OWN_KEYS = frozenset(
    {
        "platform",
        "province",
        "city",
        "division_code",
        "name",
        "locked",
        "quota_limits",
        "single_sign_on",
    }
)
"""Keys that a document has for itself; they are never inherited."""

Values = Mapping[str, Any]


@dataclass(frozen=True)
class Layer:
    """One document's part in a merge. ``values`` are its own, as plain data."""

    document: str
    values: Values

    @property
    def locked(self) -> tuple[Path, ...]:
        """The subtrees that this document keeps for itself."""
        found = self.values.get("locked")
        texts = found if isinstance(found, list) else []
        return tuple(path_of(text) for text in texts if isinstance(text, str))


@dataclass(frozen=True)
class Ignored:
    """A value that a lock above overrules: where it stands, its path, who locks it."""

    document: str
    path: Path
    locked_by: str


@dataclass(frozen=True)
class Merged:
    """What a city gets: values, the document behind each leaf, and what locks overruled."""

    values: dict[str, Any]
    origins: dict[Path, str] = field(default_factory=dict)
    ignored: tuple[Ignored, ...] = ()

    def origin(self, path: Path) -> str | None:
        """The document that decides a leaf, or the first leaf below a path."""
        if path in self.origins:
            return self.origins[path]
        return next((self.origins[leaf] for leaf in self.origins if starts_with(leaf, path)), None)


def merge(layers: Sequence[Layer]) -> Merged:
    """Merge layers, the most general first, the city's own last.

    Mappings merge key by key, but one whose ``kind`` or ``provider`` differs replaces whole;
    lists and ``{zh, en}`` texts replace whole. A locked subtree comes from the locking layer
    and those above it alone.
    """
    merged = Merged({})
    locks: dict[Path, str] = {}
    ignored: list[Ignored] = []
    for layer in layers:
        own = {key: layer.values[key] for key in layer.values if key not in OWN_KEYS}
        if layer is layers[-1]:
            own = {key: value for key, value in layer.values.items() if key != "locked"}
        for path, locker in locks.items():
            ignored += [
                Ignored(layer.document, found, locker) for found in _strip(own, path, merged.values)
            ]
        _merge_into(merged, merged.values, own, (), layer.document)
        for path in layer.locked:
            locks.setdefault(path, layer.document)
    return Merged(merged.values, merged.origins, tuple(ignored))


def locked_paths(layers: Sequence[Layer]) -> dict[Path, str]:
    """Each locked path and the document that locks it; the most general one wins."""
    found: dict[Path, str] = {}
    for layer in layers:
        for path in layer.locked:
            found.setdefault(path, layer.document)
    return found


def leaves(value: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """Every leaf with its path. Lists, ``{zh, en}`` texts and empty mappings are leaves."""
    if isinstance(value, Mapping) and value and not is_text(value):
        for key in value:
            yield from leaves(value[key], (*path, key))
    elif path:
        yield path, value


def only_own(values: Values) -> dict[str, Any]:
    """Of a baseline what it has for itself: all else that it says is each city's."""
    return {key: values[key] for key in values if key in OWN_KEYS}


def is_text(value: Any) -> bool:
    """Whether a mapping is one text in several languages."""
    return isinstance(value, Mapping) and bool(value) and set(value) <= set(LANGUAGES)


def get(values: Any, path: Path, default: Any = None) -> Any:
    """The value at a path of plain values."""
    for step in path:
        if not isinstance(values, Mapping) or step not in values:
            return default
        values = values[step]
    return values


def _strip(own: dict[str, Any], path: Path, above: Values) -> list[Path]:
    """Take a locked subtree out of a layer; returns the leaves that it had there.

    Where the layer would replace a mapping *around* the lock (another ``kind``), that mapping
    is taken out whole: replacing it alters what is locked.
    """
    parents: list[tuple[dict[str, Any], str | int]] = []
    values: Any = own
    for depth, step in enumerate(path):
        if not isinstance(values, Mapping) or is_text(values):
            break
        inherited = get(above, path[:depth], {})
        if depth and _differs_in_kind(inherited, values):
            break
        if step not in values:
            return []
        parents.append((values, step))  # type: ignore[arg-type]
        values = values[step]
    if not parents:
        return []
    here = tuple(step for _, step in parents)
    found = [leaf for leaf, _ in leaves(values, here)]
    _remove(own, here)
    return found


def _remove(values: dict[str, Any], path: Path) -> None:
    """Remove a path without changing the mappings that the layer shares with its document."""
    step = path[0]
    if len(path) == 1:
        del values[step]  # type: ignore[arg-type]
        return
    values[step] = dict(values[step])  # type: ignore[index]
    _remove(values[step], path[1:])  # type: ignore[index]


def _merge_into(
    merged: Merged, target: dict[str, Any], own: Values, path: Path, document: str
) -> None:
    for key, value in own.items():
        here = (*path, key)
        existing = target.get(key)
        if (
            isinstance(value, Mapping)
            and isinstance(existing, dict)
            and not is_text(value)
            and not is_text(existing)
            and not _differs_in_kind(existing, value)
        ):
            _merge_into(merged, existing, value, here, document)
            continue
        if isinstance(existing, dict):
            for leaf in [leaf for leaf in merged.origins if starts_with(leaf, here)]:
                del merged.origins[leaf]
        target[key] = copied(value)
        merged.origins.update((leaf, document) for leaf, _ in leaves(value, here))


def _differs_in_kind(existing: Any, value: Any) -> bool:
    return isinstance(existing, Mapping) and any(
        key in value and key in existing and value[key] != existing[key] for key in DISCRIMINATORS
    )


def copied(value: Any) -> Any:
    """A value whose mappings and lists are its own."""
    if isinstance(value, str):  # most are, and an abstract class takes its time to say no
        return value
    if isinstance(value, Mapping):
        return {key: copied(value[key]) for key in value}
    return [copied(item) for item in value] if isinstance(value, list) else value
