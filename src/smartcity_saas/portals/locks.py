"""What a document above locks, so that a form shows it before anything is typed."""

from __future__ import annotations

from collections.abc import Mapping

from smartcity_saas.configuration.merge import locked_paths
from smartcity_saas.configuration.problems import Path, path_of, starts_with
from smartcity_saas.product import product


class Locks:
    """The locks over a document: ``on`` tells who locks a value, by its dotted path."""

    def __init__(self, locked: Mapping[Path, str]) -> None:
        self.locked = locked

    def on(self, path: str) -> str | None:
        """The document that locks a value, at its path or above it; None where it is open."""
        wanted = path_of(path)
        found = (name for locked, name in self.locked.items() if starts_with(wanted, locked))
        return next(found, None)


def locks_over(province: str | None) -> Locks:
    """The locks over the cities of a province, or over a province's own document (None)."""
    known = product().registry.snapshot.baselines
    names = ("platform", *((f"province:{province}",) if province else ()))
    return Locks(locked_paths([known[name].layer for name in names if name in known]))
