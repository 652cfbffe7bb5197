"""Finding services: folders beside this package, and installed packages."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Mapping
from importlib.metadata import entry_points

import smartcity_saas
from smartcity_saas.catalog.service import Service

ENTRY_POINTS = "smartcity_saas.services"


def installed_services() -> Mapping[str, Service]:
    """Every installed service by name, in the order of their names.

    A package under ``smartcity_saas.services`` exports ``service``; any other package names
    its own with the entry point ``smartcity_saas.services``.
    """
    package = importlib.import_module(f"{smartcity_saas.__name__}.services")
    found: dict[str, Service] = {}
    for module in pkgutil.iter_modules(package.__path__):
        service: Service = importlib.import_module(f"{package.__name__}.{module.name}").service
        found[service.name] = service
    for point in entry_points(group=ENTRY_POINTS):
        service = point.load()
        found[service.name] = service
    return dict(sorted(found.items()))
