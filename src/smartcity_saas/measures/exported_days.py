"""Long windows read from the installation's own export by DuckDB, the rest from the database.

A day is read from the folder where the database still has the version of it that was exported, and
nothing of it waits to be folded, for each city in the folder; all other days, and cities that are not
in the folder, come from the database. The versions are looked at before and after: if one has moved in
between, the database answers alone. So the answer is the one that the database gives.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache, lru_cache
from typing import Any

from sqlalchemy import Select, func, literal, select, union_all

from smartcity_saas.configuration.city import City
from smartcity_saas.database import run, table_of
from smartcity_saas.errors import Invalid
from smartcity_saas.logs import get_logger
from smartcity_saas.measures.duckdb_engine import EngineFault, sum_files
from smartcity_saas.measures.export_folder import ExportFolder, Values
from smartcity_saas.measures.models import CityMeasureDay, MeasureEvent
from smartcity_saas.measures.questions import Question, Shape, row_type
from smartcity_saas.product import product

LONG_WINDOW = 90
"""Days beyond which the folder is asked."""


def exported_rows(
    question: Question, stored: Callable[[Question], Iterable[Any]]
) -> list[Any] | None:
    """The rows that answer a question about days; None where the database is to answer it alone.

    Args:
        question: What is asked.
        stored: Asks the database.
    """
    is_long = question.days is None and question.window.days > LONG_WINDOW
    if not is_long or (folder := own_folder()) is None:
        return None
    copies = _copies(folder, question.cities)
    covered = question.about([copy.city.id for copy in copies])
    versions = _versions(covered) if copies else {}
    exported = _summed(copies)
    whole = {day for day, version in versions.items() if version == exported.get(day)}
    if not whole:
        return None
    files = [path for copy in copies for path in copy.files(folder, whole)]
    try:
        rows = sum_files(files, {c.city.slug: c.city.id for c in copies}, whole, question)
    except EngineFault as error:
        get_logger(__name__).warning("measures.export_unreadable", reason=str(error))
        return None
    rows += stored(covered.on(set(question.window) - whole))
    after = _versions(covered)
    if any(after.get(day) != versions[day] for day in whole):
        return None
    beyond = set(question.cities) - set(covered.cities)
    rows += stored(question.about(beyond)) if beyond else ()
    return _merged(rows, question.names)


def own_folder() -> ExportFolder | None:
    """The installation's own export, of exact figures, if it is configured and there."""
    root = product().settings.data_dir
    try:
        folder = ExportFolder.open(root) if root is not None else None
    except Invalid as error:
        get_logger(__name__).warning("measures.export_refused", reason=str(error.detail))
        return None
    return folder if folder is not None and folder.values is Values.EXACT else None


@dataclass(frozen=True)
class _Copy:
    """What the folder has of a city: its days, each with the version that was exported."""

    city: City
    days: Mapping[date, int]

    def files(self, folder: ExportFolder, days: Collection[date]) -> list[str]:
        """The files that some days lie in."""
        keys = {folder.level.key(day) for day in self.days.keys() & set(days)}
        return [str(folder.file(self.city.province, self.city.slug, key)) for key in sorted(keys)]


def _copies(folder: ExportFolder, cities: Collection[int]) -> list[_Copy]:
    wanted = set(cities)
    found = []
    for city in product().registry.snapshot.cities.values():
        if city.id in wanted and (days := _days_of(folder, city)):
            found.append(_Copy(city, days))
    return found


def _days_of(folder: ExportFolder, city: City) -> Mapping[date, int]:
    try:
        written = folder.manifest_path(city.province, city.slug).stat()
    except OSError:
        return {}
    stamp = written.st_mtime_ns, written.st_size, written.st_ino
    return _exported(folder, city.province, city.slug, city.id, stamp)


@lru_cache(maxsize=1_000)
def _exported(
    folder: ExportFolder, province: str, slug: str, city_id: int, _stamp: tuple[int, ...]
) -> Mapping[date, int]:
    """What a city's manifest says; a city that had its slug before it is another one."""
    manifest = folder.manifest(province, slug)
    if manifest.city_id != city_id:
        return {}
    return {day: int(mark) for day, mark in manifest.days().items()}


def _summed(copies: Iterable[_Copy]) -> Counter[date]:
    found: Counter[date] = Counter()
    for copy in copies:
        found.update(copy.days)
    return found


def _versions(question: Question) -> dict[date, int]:
    """By day the sum of the cities' versions, in one statement; a day of which something waits to be
    folded is left out. Versions only grow: their sum is what it was only if each of them is."""
    rows = run(_sums_of_versions(question.shape), question.values)
    return {day: int(versions) for day, versions, waits in rows if not waits}


@cache
def _sums_of_versions(shape: Shape) -> Select[Any]:
    days, events = table_of(CityMeasureDay), table_of(MeasureEvent)
    version, nothing = days.c.version.label("version"), literal(0)
    folded = select(days.c.day, version, nothing.label("waiting"))
    waiting = select(events.c.day, nothing.label("version"), literal(1).label("waiting"))
    both = union_all(
        folded.where(*shape.of_days(days)), waiting.where(*shape.of_days(events))
    ).subquery()
    sums = func.sum(both.c.version), func.sum(both.c.waiting)
    return select(both.c.day, *sums).group_by(both.c.day)


def _merged(rows: Iterable[Any], names: tuple[str, ...]) -> list[Any]:
    """Rows of the folder and of the database with one key added up. No day is in both, so by day
    there is nothing to add."""
    if "day" in names:
        return list(rows)
    values: Counter[tuple[Any, ...]] = Counter()
    days: Counter[tuple[Any, ...]] = Counter()
    for row in rows:
        key = tuple(getattr(row, name) for name in names)
        values[key] += row.value
        days[key] += row.days
    made = row_type(names)
    return [made(*key, value, days[key]) for key, value in values.items()]
