"""Who acts: a member of staff or a named system. Repositories of platform rows take one."""

from __future__ import annotations

from dataclasses import dataclass

PLATFORM_REACH = "platform"


@dataclass(frozen=True)
class Actor:
    """Someone who reads or changes documents.

    ``name`` is the account (``staff:wu.min``, ``system:cli``), ``label`` what people read.
    ``reach`` is ``platform``, ``province:<slug>`` or ``city:<slug>``; nothing beyond it exists
    for this actor. ``permissions`` are those of the role; None, for systems, holds all.
    """

    def may(self, permission: str) -> bool:
        """Whether this actor holds a permission."""
        return self.permissions is None or permission in self.permissions

    name: str
    label: str
    reach: str
    permissions: frozenset[str] | None = None

    def reaches_city(self, slug: str, province: str) -> bool:
        """Whether a city lies within this actor's reach."""
        return self.reach in (PLATFORM_REACH, f"province:{province}", f"city:{slug}")

    def reaches_province(self, province: str) -> bool:
        """Whether a province's own document lies within this actor's reach."""
        return self.reach in (PLATFORM_REACH, f"province:{province}")


def system(name: str) -> Actor:
    """A named part of the system, reaching everything: ``system("cli")``."""
    return Actor(f"system:{name}", name, PLATFORM_REACH)
