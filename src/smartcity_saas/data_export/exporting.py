"""Writing cities' days: only what is not there as it stands, each file whole, each city for itself."""

from __future__ import annotations

import fcntl
import hashlib
import hmac
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import groupby
from typing import Any

from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

from smartcity_saas.clock import today_in
from smartcity_saas.configuration.city import City
from smartcity_saas.data_export.datasets import MEASURES, WORD
from smartcity_saas.data_export.suppression import DayRow, suppress_day
from smartcity_saas.database import db
from smartcity_saas.errors import Conflict, SmartCityError
from smartcity_saas.logs import get_logger
from smartcity_saas.measures import CityMeasure, CityMeasureDay, fold_all
from smartcity_saas.measures.export_folder import (
    ExportFolder,
    Level,
    Manifest,
    Partition,
    Values,
)
from smartcity_saas.open_data.parquet import arrow_table
from smartcity_saas.product import product

ROWS_AT_ONCE = 2_000
KEPT_AFTER = 200
"""Files after which the manifest is written: a run that is killed repeats no more than these."""


@dataclass(frozen=True)
class ExportedCity:
    """What became of one city: files written and those that were there already, the rows written; or
    the ``problem``, in a sentence, for which it was given up."""

    city: str
    written: int = 0
    same: int = 0
    rows: int = 0
    problem: str = ""


def export_cities(
    folder: ExportFolder,
    cities: Sequence[City],
    now: datetime,
    *,
    first: date | None = None,
    last: date | None = None,
) -> Iterator[ExportedCity]:
    """Bring a folder up to date, city by city, outside any city. Whatever is wrong with one of them
    is told, and the others go on.

    Args:
        folder: Where to.
        cities: Which.
        now: The time.
        first: The first day; by default the first that is known. Of months the whole month counts.
        last: The last day; by default that before the present one of each city. A day that is not
            over is left out of suppressed figures.

    Raises:
        Conflict: Another run is writing to the folder.
    """
    with _alone_in(folder):
        folder.clear_partial()
        fold_all()
        for city in cities:
            try:
                yield _export_city(folder, city, now, first, last)
            except (OSError, ValueError, SmartCityError, SQLAlchemyError) as error:
                ours = None if isinstance(error, (OSError, SmartCityError)) else error
                get_logger(__name__).warning(
                    "data_export.city_failed",
                    city=city.slug,
                    error=type(error).__name__,
                    exc_info=ours,
                )
                yield ExportedCity(city.slug, problem=_said(error, folder))
            finally:
                db.session.rollback()


def _export_city(
    folder: ExportFolder, city: City, now: datetime, first: date | None, last: date | None
) -> ExportedCity:
    manifest = folder.manifest(city.province, city.slug)
    if manifest.city_id != city.id:
        manifest = Manifest(city.id)
    wanted = _wanted(folder, city, _days(folder, city, now, first, last))
    stale = {key for key, days in wanted.items() if not _stands(folder, city, manifest, key, days)}
    rows = 0
    for number, (key, found) in enumerate(_partitions(folder, city, wanted, stale), start=1):
        made = _write(folder, city, key, wanted[key], found)
        manifest.partitions[key] = made
        rows += made.rows
        if number % KEPT_AFTER == 0:
            folder.keep_manifest(city.province, city.slug, manifest)
    if stale:
        folder.keep_manifest(city.province, city.slug, manifest)
    return ExportedCity(city.slug, len(stale), len(wanted) - len(stale), rows)


def _days(
    folder: ExportFolder, city: City, now: datetime, first: date | None, last: date | None
) -> tuple[date | None, date]:
    """The first and the last day of a city, both included; whole months where files are of months."""
    today = today_in(city.timezone, now)
    yesterday = today - timedelta(days=1)
    latest = today if folder.values is Values.EXACT and last is not None else yesterday
    if folder.level is Level.MONTH:
        first = first and first.replace(day=1)
        last = last and (last.replace(day=1) + timedelta(days=31)).replace(day=1) - timedelta(
            days=1
        )
    return first, min(last or yesterday, latest)


def _wanted(
    folder: ExportFolder, city: City, days: tuple[date | None, date]
) -> dict[str, dict[date, str]]:
    """The partitions of a city, each with its days and the mark of how they stand, in order. The marks
    are read before the rows: whatever is added in between is written again the next time."""
    first, last = days
    query = select(CityMeasureDay.day, CityMeasureDay.version).where(
        CityMeasureDay.city_id == city.id, CityMeasureDay.day <= last
    )
    if first is not None:
        query = query.where(CityMeasureDay.day >= first)
    found: dict[str, dict[date, str]] = {}
    for day, version in db.session.execute(query.order_by(CityMeasureDay.day)).all():
        mark = _mark(folder, city, day, version)
        found.setdefault(folder.level.key(day), {})[day] = mark
    return found


def _mark(folder: ExportFolder, city: City, day: date, version: int) -> str:
    """How a day stood. Of what is given away it is no more than another one when the day is: the
    number of times that a day was added to tells how much there was on it."""
    if folder.values is Values.EXACT:
        return str(version)
    told = f"data-export {city.id} {day.isoformat()} {version}".encode()
    return hmac.new(product().settings.secret_key.encode(), told, hashlib.sha256).hexdigest()[:16]


def _stands(
    folder: ExportFolder, city: City, manifest: Manifest, key: str, days: Mapping[date, str]
) -> bool:
    """Whether a partition is there as it stands in the database, and whole."""
    there = manifest.partitions.get(key)
    if there is None or there.days != days:
        return False
    try:
        return folder.file(city.province, city.slug, key).stat().st_size == there.bytes
    except OSError:
        return False


def _partitions(
    folder: ExportFolder, city: City, wanted: Mapping[str, Any], stale: set[str]
) -> Iterator[tuple[str, list[DayRow]]]:
    """The rows of each partition that is to be written; one at a time is in memory."""
    for is_stale, keys in groupby(wanted, lambda key: key in stale):
        if not is_stale:
            continue
        days = [day for key in keys for day in wanted[key]]
        rows = db.session.execute(
            select(*(getattr(CityMeasure, name) for name in DayRow._fields))
            .where(CityMeasure.city_id == city.id, CityMeasure.day.between(days[0], days[-1]))
            .order_by(*(getattr(CityMeasure, name) for name in DayRow._fields[:-1]))
            .execution_options(yield_per=ROWS_AT_ONCE)
        )
        for key, found in groupby(rows, lambda row: folder.level.key(row.day)):
            if key in stale:
                yield key, [DayRow(*row) for row in found]


def _write(
    folder: ExportFolder, city: City, key: str, days: Mapping[date, str], rows: list[DayRow]
) -> Partition:
    import pyarrow.parquet

    told = list(_told(folder, rows))
    columns = MEASURES.columns
    if folder.level is Level.DAY:  # the day stands in the folder's name
        columns, told = columns[1:], [row[1:] for row in told]
    facts = {
        "dataset": MEASURES.name,
        "province": city.province,
        "city": city.slug,
        "values": folder.values.value,
    }
    out = io.BytesIO()
    pyarrow.parquet.write_table(arrow_table(columns, told, facts), out, compression="zstd")
    content = out.getvalue()
    folder.write(folder.file(city.province, city.slug, key), content)
    return Partition(len(told), len(content), hashlib.sha256(content).hexdigest(), days)


def _told(folder: ExportFolder, rows: Iterable[DayRow]) -> Iterator[tuple[Any, ...]]:
    """Rows as the folder has them.

    Raises:
        ValueError: A word is none of a short list, so nobody knows what it says.
    """
    for _day, group in groupby(rows, lambda row: row.day):
        day = list(group)
        for row in day:
            for word in row[1:-1]:
                if not WORD.fullmatch(word):
                    raise ValueError(
                        f"a row of {row.service}, {row.measure} on {row.day} has a detail or a "
                        "channel that is no word of a short list. It is not exported, and what "
                        "counted it is to be put right."
                    )
        if folder.values is Values.EXACT:
            yield from ((*row, False) for row in day)
        else:
            yield from suppress_day(day)


@contextmanager
def _alone_in(folder: ExportFolder) -> Iterator[None]:
    """Hold the folder; whoever is killed lets it go."""
    with (folder.root / ".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise Conflict(
                f"Another export is writing to {folder.root}. Wait until it is done."
            ) from None
        yield


def _said(error: Exception, folder: ExportFolder) -> str:
    """Why a city was given up, in a sentence, without a statement or its values."""
    if isinstance(error, OSError):
        return f"{error.strerror or error}: {error.filename or folder.root}."
    if isinstance(error, SmartCityError):
        return str(error.detail)
    if isinstance(error, SQLAlchemyError):
        return f"The database does not answer as it should ({type(error).__name__})."
    return str(error)
