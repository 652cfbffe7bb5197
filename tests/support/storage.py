"""Files that take a city's storage."""

from __future__ import annotations

from smartcity_saas.database import transaction
from smartcity_saas.tenancy.assets import Asset
from tests.support.world import World


def fill_storage(world: World, slug: str, size: int) -> None:
    """Put a file of so many bytes into a city."""
    with world.inside(slug), transaction() as session:
        session.add(
            Asset(
                sha256=f"{size:064}",
                media_type="image/png",
                content=bytes(size),
                created_at=world.clock(),
            )
        )
