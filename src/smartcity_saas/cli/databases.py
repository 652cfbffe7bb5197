"""Which database a command works on, in words, and whether it is there; without SQLAlchemy."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

from smartcity_saas.settings import Settings


def sqlite_file(url: str) -> Path | None:
    """The file of a database of SQLite; None for another one, and for one in memory."""
    scheme, _colon, path = url.partition(":///")
    name = path.partition("?")[0]
    return Path(name) if scheme.startswith("sqlite") and name not in ("", ":memory:") else None


def is_there(url: str) -> bool:
    """Whether there can be a platform: a file of SQLite that is not there or empty holds none."""
    file = sqlite_file(url)
    return file is None or (file.is_file() and file.stat().st_size > 0)


def database_name(settings: Settings) -> str:
    """The database, without its password, and the setting that names it."""
    file = sqlite_file(settings.database_url)
    parts = urlsplit(settings.database_url)
    named = str(file) if file else f"{parts.hostname or ''}{parts.path}"
    return f"{named} ({settings.database_setting})"


def missing_database(settings: Settings) -> str:
    """What to do where the database of a command is not there; empty where it may be."""
    if is_there(settings.database_url):
        return ""
    return of_the_demo(settings) or (
        f"There is no database {database_name(settings)}. "
        "Name another one, or create it: `smartcity db upgrade`."
    )


def of_the_demo(settings: Settings) -> str:
    """What to do where the demo has been run here, and nothing else has."""
    by_default = settings.database_setting.startswith("default")
    if settings.demo or not by_default:
        return ""
    if not any((settings.config_root / "var").glob("demo*.sqlite3")):
        return ""
    return "There is no database here but the demo's: set SMARTCITY_DEMO=1 to work on it."
