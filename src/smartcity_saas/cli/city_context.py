"""Entering a city by its slug, for commands."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from smartcity_saas.configuration.city import City
from smartcity_saas.errors import NotFound
from smartcity_saas.product import product
from smartcity_saas.tenancy.context import tenant_context


@contextmanager
def inside(slug: str) -> Iterator[City]:
    """Be in a city, with its newest documents.

    Raises:
        NotFound: There is no such city.
    """
    registry = product().registry
    registry.refresh()
    found = registry.snapshot.cities.get(slug)
    if found is None:
        raise NotFound(f"There is no city “{slug}”.")
    with tenant_context(found.id):
        yield found
