"""Schema migrations (Alembic). A service carries its own, as a branch of this one."""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from flask import Flask
from flask_migrate import Migrate

from smartcity_saas.catalog.service import Service
from smartcity_saas.database.transactions import db

HERE = Path(__file__).parent


def init_migrations(app: Flask, services: Mapping[str, Service]) -> None:
    """Tell Alembic where the product's and every service's migrations are."""
    migrate = Migrate(app, db, directory=str(HERE))
    locations = [HERE / "versions", *_of_services(services)]

    @migrate.configure  # type: ignore[untyped-decorator] # flask-migrate has no types
    def set_locations(config: Any) -> Any:
        config.set_main_option("path_separator", "newline")
        config.set_main_option("version_locations", "\n".join(map(str, locations)))
        return config


def _of_services(services: Mapping[str, Service]) -> list[Path]:
    found = []
    for service in services.values():
        spec = importlib.util.find_spec(service.resident.import_name)
        folder = Path(str(spec.origin)).parent / "migrations" if spec else None
        if folder and folder.is_dir():
            found.append(folder)
    return found
