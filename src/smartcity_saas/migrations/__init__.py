"""Schema migrations (Alembic). A service carries its own, as a branch of this one.

Alembic loads when something is migrated. What a process that serves must know, which migrations
there are, is read from their files.
"""

from __future__ import annotations

import ast
import importlib.util
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from flask import current_app

from smartcity_saas.database.transactions import db
from smartcity_saas.product import product

HERE = Path(__file__).parent


def migrate_to(revision: str) -> None:
    """Migrate the database of the current application, as the owner of its tables.

    Args:
        revision: Which one; ``heads`` for this version of the product.
    """
    from flask_migrate import Migrate, upgrade  # Alembic, 10 MB, for this command alone

    migrate = Migrate(current_app, db, directory=str(HERE))
    migrate.configure(_set_locations)
    upgrade(revision=revision)


def parents_of_migrations() -> Mapping[str, tuple[str, ...]]:
    """Every migration of this version of the product, with those that it builds on."""
    return _parents_in(migration_folders())


def migration_folders() -> tuple[Path, ...]:
    """Where migrations are: the product's own, then those of each service."""
    return _folders_of(tuple(service.resident.import_name for service in product().parts))


def _set_locations(config: Any) -> Any:
    folders = map(str, migration_folders())
    config.set_main_option("path_separator", "newline")
    config.set_main_option("version_locations", "\n".join(folders))
    return config


@cache
def _folders_of(modules: tuple[str, ...]) -> tuple[Path, ...]:
    found = [HERE / "versions"]
    for module in modules:
        spec = importlib.util.find_spec(module)
        folder = Path(str(spec.origin)).parent / "migrations" if spec else None
        if folder and folder.is_dir():
            found.append(folder)
    return tuple(found)


@cache
def _parents_in(folders: tuple[Path, ...]) -> Mapping[str, tuple[str, ...]]:
    files = [path for folder in folders for path in sorted(folder.glob("*.py"))]
    found = [_constants(path) for path in files if path.name != "__init__.py"]
    return {
        str(one["revision"]): (*_several(one["down_revision"]), *_several(one["depends_on"]))
        for one in found
    }


def _constants(path: Path) -> dict[str, Any]:
    """The names that a file gives a literal value: what Alembic reads of it, without running it."""
    assigned = [one for one in ast.parse(path.read_bytes()).body if isinstance(one, ast.Assign)]
    names = ("revision", "down_revision", "depends_on")
    return {
        target.id: ast.literal_eval(one.value)
        for one in assigned
        for target in one.targets
        if isinstance(target, ast.Name) and target.id in names
    }


def _several(names: Any) -> tuple[str, ...]:
    if names is None:
        return ()
    return (names,) if isinstance(names, str) else tuple(names)
