"""Kinds of service that documents define themselves."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from smartcity_saas.catalog.service import Service
from smartcity_saas.configuration.city import CatalogEntry


@dataclass(frozen=True)
class ServiceKind:
    """A kind of service that documents define themselves (``kind: form``).

    ``shared`` is what all services of the kind have once: pages, tasks, acts of the audit log,
    what is kept of a person. ``of_entry`` makes the service of one entry of a city's catalog.
    """

    name: str
    shared: Service
    of_entry: Callable[[CatalogEntry], Service]
