"""Finding services: folders beside this package, and installed packages."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Mapping
from importlib.metadata import entry_points
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import smartcity_saas
from smartcity_saas.configuration.extensions import ServiceExtension

if TYPE_CHECKING:
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


def installed_documents() -> list[tuple[ServiceExtension, Path]]:
    """What every installed service adds to documents, and the folder of its translations.

    A package whose ``document`` module exports ``extension`` declares it there and is not loaded
    beyond that; of any other the service itself is asked.
    """
    package = importlib.import_module(f"{smartcity_saas.__name__}.services")
    found = {}
    for module in pkgutil.iter_modules(package.__path__):
        name = f"{package.__name__}.{module.name}"
        extension, root = (
            _declared(name)
            if find_spec(f"{name}.document")
            else _asked(importlib.import_module(name).service)
        )
        found[extension.name] = (extension, root / "translations")
    for point in entry_points(group=ENTRY_POINTS):
        extension, root = _asked(point.load())
        found[extension.name] = (extension, root / "translations")
    return [found[name] for name in sorted(found)]


def _declared(name: str) -> tuple[ServiceExtension, Path]:
    module = importlib.import_module(f"{name}.document")
    return module.extension, Path(str(module.__file__)).parent


def _asked(service: Service) -> tuple[ServiceExtension, Path]:
    return service.extension, Path(service.resident.root_path)
