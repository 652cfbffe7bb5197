"""The library of sample definitions that an installation keeps, to copy from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from smartcity_saas.configuration.city import Localized
from smartcity_saas.configuration.yaml_source import parse
from smartcity_saas.errors import Invalid
from smartcity_saas.logs import get_logger

FOLDER = Path("config", "forms")
"""Where it stands below the installation's root."""
log = get_logger(__name__)


@dataclass(frozen=True)
class Sample:
    """One definition: ``text`` is YAML to paste below ``services``."""

    name: str
    title: Localized
    help: Localized
    icon: str
    category: str
    text: str


def samples(config_root: Path) -> Sequence[Sample]:
    """Every sample that can be read, in the order of their names. One with a fault is left out and logged.

    Args:
        config_root: The folder that has ``config`` and ``tenants``.
    """
    found = [_sample(path, path.stat().st_mtime_ns) for path in _files(config_root)]
    return [one for one in found if one is not None]


def _files(config_root: Path) -> list[Path]:
    return sorted((config_root / FOLDER).glob("*.yaml"))


@lru_cache(maxsize=200)
def _sample(path: Path, changed: int) -> Sample | None:
    """One file, read anew when it has changed."""
    try:
        text = path.read_text("utf-8")
        [(name, values)] = parse(text, path.name).values.items()
        return Sample(
            str(name),
            values["title"],
            values.get("help", values["title"]),
            str(values.get("icon", "list-check")),
            str(values["category"]),
            text,
        )
    except (OSError, ValueError, KeyError, AttributeError, Invalid) as error:
        log.warning("sample_definition_left_out", file=path.name, error=type(error).__name__)
        return None
