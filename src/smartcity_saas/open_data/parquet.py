"""Parquet of declared columns, whoever brings the rows.

``pyarrow`` is loaded by the first file that is written, not with the application: it takes longer to
load than all of a page, and tens of megabytes.
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from smartcity_saas.catalog.datasets import Column, ColumnType, Row

if TYPE_CHECKING:
    import pyarrow

    from smartcity_saas.open_data.publication import Table


def parquet_bytes(table: Table) -> bytes:
    """A table of a city as one Parquet file, with the columns' dictionary in its metadata."""
    import pyarrow.parquet

    city, dataset = table.city, table.dataset
    facts = {
        "dataset": dataset.path,
        "title": json.dumps(dict(dataset.title), ensure_ascii=False),
        "city": city.division_code,
        "licence": city.data_licence.url,
        "complete": json.dumps(table.complete),
    }
    out = io.BytesIO()
    made = arrow_table(dataset.columns, table.rows, facts)
    pyarrow.parquet.write_table(made, out, compression="zstd")
    return out.getvalue()


def arrow_table(
    columns: Sequence[Column], rows: Iterable[Row], facts: Mapping[str, str]
) -> pyarrow.Table:
    """Rows as a table of Arrow, each column of its declared type.

    Args:
        columns: Their declarations.
        rows: Values in the order of the columns; None is null.
        facts: What the file says of itself.
    """
    import pyarrow

    schema = arrow_schema(columns, facts)
    values: list[list[Any]] = [[] for _column in columns]
    for row in rows:
        for place, value in enumerate(row):
            values[place].append(_arrow_value(value))
    return pyarrow.table(
        [pyarrow.array(found, one.type) for found, one in zip(values, schema, strict=True)],
        schema=schema,
    )


def arrow_schema(columns: Sequence[Column], facts: Mapping[str, str]) -> pyarrow.Schema:
    """Declared columns as a schema of Arrow: titles, descriptions and units are its metadata."""
    import pyarrow

    types = {
        ColumnType.TEXT: pyarrow.string(),
        ColumnType.INTEGER: pyarrow.int64(),
        ColumnType.DECIMAL: pyarrow.decimal128(18, 4),
        ColumnType.NUMBER: pyarrow.float64(),
        ColumnType.BOOLEAN: pyarrow.bool_(),
        ColumnType.DATE: pyarrow.date32(),
        ColumnType.MOMENT: pyarrow.timestamp("us", tz="UTC"),
    }
    return pyarrow.schema(
        [
            pyarrow.field(one.name, types[one.type], nullable=one.empty, metadata=_said(one))
            for one in columns
        ],
        metadata=dict(facts),
    )


def _said(column: Column) -> dict[str, str]:
    """What a column says of itself, in both languages."""
    said = {
        **{f"title_{language}": text for language, text in column.title.items()},
        **{f"description_{language}": text for language, text in column.description.items()},
    }
    return said | ({"unit": column.unit} if column.unit else {})


def _arrow_value(value: Any) -> Any:
    """A moment without parts of a second, as the other formats have it."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).replace(microsecond=0)
    return value
