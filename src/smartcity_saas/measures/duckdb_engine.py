"""Questions to exported files, answered by DuckDB within this process.

``duckdb`` is loaded by the first question, not with the application: an installation without a folder
never has it in memory.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import date
from functools import cache
from typing import TYPE_CHECKING, Any

from smartcity_saas.errors import SmartCityError
from smartcity_saas.measures.questions import Question, row_type

if TYPE_CHECKING:
    import duckdb

MEMORY = "512MB"
THREADS = 2
_COLUMNS = frozenset({"service", "measure", "channel", "detail", "day"})


class EngineFault(SmartCityError):
    """The files cannot be read: one is gone, or is none of ours."""


def sum_files(
    files: Sequence[str], cities: Mapping[str, int], days: Collection[date], question: Question
) -> list[Any]:
    """Sums over some days by the columns that are asked for, with the number of days behind each.

    Args:
        files: Parquet files of an export, whose folders name ``city`` (and ``day``).
        cities: Their keys, by slug.
        days: The only days that count.
        question: What of them, and by what; its cities and window do not matter here.

    Raises:
        EngineFault: A file cannot be read.
    """
    import duckdb

    by = [name for name in question.names if name != "city_id"]
    if not _COLUMNS.issuperset(by):
        raise ValueError(f"the files have no such columns: {by}")
    columns = ", ".join(["city", *by])
    wanted, values = [], [list(files), sorted(days)]
    for name, only in (("service", question.services), ("measure", question.measures)):
        if only or (only is not None and name == "service"):
            values.append(list(only))
            wanted.append(f" AND {name} IN (SELECT unnest(${len(values)}::VARCHAR[]))")
    # The names are those of _COLUMNS; whatever came from outside is a parameter.
    sql = (
        f"SELECT {columns}, sum(value)::BIGINT, count(DISTINCT day)"  # noqa: S608
        " FROM (SELECT * REPLACE (day::DATE AS day) FROM read_parquet($1, hive_partitioning = true))"
        f" WHERE day IN (SELECT unnest($2::DATE[])){''.join(wanted)} GROUP BY {columns}"
    )
    try:
        found = _engine().cursor().execute(sql, values).fetchall()
    except duckdb.Error as error:
        raise EngineFault(str(error).splitlines()[0]) from None
    row = row_type(["city_id", *by])
    return [row(cities[slug], *rest) for slug, *rest in found]


@cache
def _engine() -> duckdb.DuckDBPyConnection:
    """One engine a process, which holds no data; each question has a cursor of its own."""
    import duckdb

    return duckdb.connect(
        config={
            "memory_limit": MEMORY,
            "threads": THREADS,
            "temp_directory": "",  # nothing spills: beyond its memory the database answers
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
        }
    )
