"""The files of a dataset: CSV, JSON and Parquet, each with the bytes' own SHA-256."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from smartcity_saas.catalog.datasets import Column, ColumnType
from smartcity_saas.open_data.data_package import table_schema
from smartcity_saas.open_data.parquet import parquet_bytes
from smartcity_saas.open_data.publication import Table
from smartcity_saas.web.csv_output import csv_text


@dataclass(frozen=True)
class Format:
    """A kind of file: its ending, its media type as IANA registers it, and how it is written."""

    ending: str
    name: str
    media_type: str
    write: Callable[[Table], bytes]


@dataclass(frozen=True)
class DataFile:
    """A file as it is served. ``sha256`` is that of its bytes, in hexadecimal."""

    body: bytes
    sha256: str
    media_type: str


def make_file(table: Table, ending: str) -> DataFile:
    """Write a table in a format. The same rows are the same bytes, whenever they are written."""
    found = FORMATS[ending]
    body = found.write(table)
    return DataFile(body, hashlib.sha256(body).hexdigest(), found.media_type)


def _csv(table: Table) -> bytes:
    """UTF-8 with a mark and RFC 4180, as every CSV of the product."""
    header = [column.name for column in table.dataset.columns]
    rows = (
        [written(column, value) for column, value in zip(table.dataset.columns, row, strict=True)]
        for row in table.rows
    )
    return ("\ufeff" + csv_text(header, rows)).encode()


def _json(table: Table) -> bytes:
    """One object: what the dataset is, then its records."""
    city, dataset = table.city, table.dataset
    names = [column.name for column in dataset.columns]
    made = {
        "dataset": dataset.path,
        "city": {"name": dict(city.name), "division_code": city.division_code},
        "title": dict(dataset.title),
        "licence": {"id": city.data_licence.id, "url": city.data_licence.url},
        "complete": table.complete,
        "schema": table_schema(dataset),
        "records": [
            dict(
                zip(
                    names,
                    (_plain(c, value) for c, value in zip(dataset.columns, row, strict=True)),
                    strict=True,
                )
            )
            for row in table.rows
        ],
    }
    return json.dumps(made, ensure_ascii=False, indent=1).encode()


def written(column: Column, value: Any) -> Any:
    """A value as a cell of a CSV: days and moments by ISO 8601, moments in UTC."""
    if value is None:
        return ""
    if column.type is ColumnType.BOOLEAN:
        return "true" if value else "false"
    if isinstance(value, datetime):
        return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    if isinstance(value, date):
        return value.isoformat()
    return f"{value:f}" if isinstance(value, Decimal) else value


def _plain(column: Column, value: Any) -> Any:
    """A value as JSON has it."""
    if value is None or column.type is ColumnType.BOOLEAN:
        return value
    return float(value) if isinstance(value, Decimal) else written(column, value)


FORMATS = {
    one.ending: one
    for one in (
        Format("csv", "CSV", "text/csv", _csv),
        Format("json", "JSON", "application/json", _json),
        Format("parquet", "Parquet", "application/vnd.apache.parquet", parquet_bytes),
    )
}
