"""A folder of exported measures: where a city's days lie in it, and what its manifests say.

    DIR/_folder.json                                           what the folder is
    DIR/measures/province=zhejiang/city=hangzhou/_manifest.json  what is finished of a city
    DIR/measures/province=zhejiang/city=hangzhou/day=2026-11-01/measures.parquet
    DIR/measures/province=zhejiang/city=hangzhou/month=2026-11/measures.parquet   with a column ``day``

The names are Hive's (``key=value``), which DuckDB, Spark and Arrow read as columns; what begins with
``_`` or ``.`` they pass over.
"""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import Any

from smartcity_saas.errors import Invalid

DATASET = "measures"
FORMAT = 1
FILE = f"{DATASET}.parquet"


class Values(StrEnum):
    """Whether counts of few are in the folder."""

    EXACT = "exact"
    """Every figure: for the installation itself, in a folder that nobody else reads."""
    SUPPRESSED = "suppressed"
    """Counts under five left out: what may be given away."""


class Level(StrEnum):
    """How many days a file has."""

    DAY = "day"
    MONTH = "month"

    def key(self, day: date) -> str:
        """The partition that a day belongs to: ``2026-11-01`` or ``2026-11``."""
        return day.isoformat() if self is Level.DAY else f"{day:%Y-%m}"


@dataclass(frozen=True)
class Partition:
    """One finished file: its size in rows and bytes, its SHA-256, and the days in it, each with the
    mark of how it stood."""

    rows: int
    bytes: int
    sha256: str
    days: Mapping[date, str]


@dataclass
class Manifest:
    """What is finished of one city, by the partitions' keys."""

    city_id: int | None = None
    partitions: dict[str, Partition] = field(default_factory=dict)

    def days(self) -> dict[date, str]:
        """Every day that is finished, with its mark."""
        return {day: mark for one in self.partitions.values() for day, mark in one.days.items()}


@dataclass(frozen=True)
class ExportFolder:
    """A folder that is there, and what it holds."""

    root: Path
    values: Values
    level: Level

    @classmethod
    def open(cls, root: Path) -> ExportFolder | None:
        """The folder as it says it is; None where there is none.

        Raises:
            Invalid: It says something else than a folder of this version.
        """
        path = root / "_folder.json"
        try:
            said = json.loads(path.read_text("utf-8"))
        except FileNotFoundError:
            return None
        except (OSError, ValueError):
            raise Invalid(f"{path} cannot be read. Export into a new folder.") from None
        try:
            if said["format"] != FORMAT:
                raise ValueError(said)
            return cls(root, Values(said["values"]), Level(said["by"]))
        except (KeyError, TypeError, ValueError):
            raise Invalid(
                f"{path} is of another version of the export. Export into a new folder."
            ) from None

    @classmethod
    def make(cls, root: Path, values: Values, level: Level) -> ExportFolder:
        """The folder, made if it is not there. One of exact figures is its owner's alone (0700).

        Raises:
            Invalid: It holds other values or other partitions, or something else altogether.
        """
        found = cls.open(root)
        if found is None:
            if root.is_dir() and any(root.iterdir()):
                raise Invalid(f"{root} is no folder of an export. Name a new or an empty one.")
            root.mkdir(parents=True, exist_ok=True)
        elif (found.values, found.level) != (values, level):
            raise Invalid(
                f"{root} holds {found.values.value} figures by {found.level.value}. "
                f"Export {values.value} figures by {level.value} into another folder."
            )
        if values is Values.EXACT:
            root.chmod(0o700)
        if found is None:
            said = {"format": FORMAT, "dataset": DATASET, "values": values, "by": level}
            (root / DATASET / ".partial").mkdir(parents=True, exist_ok=True)
            made = cls(root, values, level)
            made.write(root / "_folder.json", _json(said))
            return made
        return found

    def city(self, province: str, slug: str) -> Path:
        """The folder of a city."""
        return self.root / DATASET / f"province={province}" / f"city={slug}"

    def file(self, province: str, slug: str, key: str) -> Path:
        """The file of one of its partitions."""
        return self.city(province, slug) / f"{self.level.value}={key}" / FILE

    def manifest_path(self, province: str, slug: str) -> Path:
        """Where a city's manifest lies."""
        return self.city(province, slug) / "_manifest.json"

    def manifest(self, province: str, slug: str) -> Manifest:
        """What is finished of a city; nothing where that cannot be read."""
        path = self.manifest_path(province, slug)
        try:
            return _read(json.loads(path.read_text("utf-8")))
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return Manifest()

    def keep_manifest(self, province: str, slug: str, manifest: Manifest) -> None:
        """Write what is finished of a city."""
        told = {
            "city_id": manifest.city_id,
            "city": slug,
            "province": province,
            "partitions": {
                key: {
                    "file": f"{self.level.value}={key}/{FILE}",
                    "rows": one.rows,
                    "bytes": one.bytes,
                    "sha256": one.sha256,
                    "days": {day.isoformat(): mark for day, mark in sorted(one.days.items())},
                }
                for key, one in sorted(manifest.partitions.items())
            },
        }
        self.write(self.manifest_path(province, slug), _json(told))

    def write(self, path: Path, content: bytes) -> None:
        """Write a file whole: under another name in a folder that nobody reads, and renamed."""
        partial = self.root / DATASET / ".partial" / f"{secrets.token_hex(8)}.partial"
        try:
            partial.write_bytes(content)
            path.parent.mkdir(parents=True, exist_ok=True)
            os.replace(partial, path)
        finally:
            partial.unlink(missing_ok=True)

    def clear_partial(self) -> None:
        """Remove what a run that was killed had not finished."""
        for path in (self.root / DATASET / ".partial").glob("*.partial"):
            with suppress(OSError):
                path.unlink()


def _read(told: Any) -> Manifest:
    return Manifest(
        told["city_id"],
        {
            key: Partition(
                one["rows"],
                one["bytes"],
                one["sha256"],
                {date.fromisoformat(day): str(mark) for day, mark in one["days"].items()},
            )
            for key, one in told["partitions"].items()
        },
    )


def _json(told: Any) -> bytes:
    return json.dumps(told, ensure_ascii=False, indent=1).encode()
