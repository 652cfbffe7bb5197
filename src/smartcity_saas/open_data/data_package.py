"""The datasets of a city as a Data Package, and each as a Table Schema (version 1 of both).

Written by the specifications at specs.frictionlessdata.io; the tests let their own validator,
``frictionless``, read what is made, and the data with it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from smartcity_saas.catalog.datasets import Column, ColumnType, Dataset
from smartcity_saas.configuration.city import City

TYPES = {
    ColumnType.TEXT: "string",
    ColumnType.INTEGER: "integer",
    ColumnType.DECIMAL: "number",
    ColumnType.NUMBER: "number",
    ColumnType.BOOLEAN: "boolean",
    ColumnType.DATE: "date",
    ColumnType.MOMENT: "datetime",
}


def table_schema(dataset: Dataset) -> dict[str, Any]:
    """A dataset's columns as a Table Schema. Titles are English; ``title_zh`` beside them Chinese."""
    return {
        "fields": [_field(column) for column in dataset.columns],
        "missingValues": [""],
        "primaryKey": list(dataset.key),
    }


def _field(column: Column) -> dict[str, Any]:
    made: dict[str, Any] = {
        "name": column.name,
        "type": TYPES[column.type],
        "title": column.title["en"],
        "description": column.description["en"],
        "title_zh": column.title["zh"],
        "description_zh": column.description["zh"],
    }
    if column.unit:
        made["unit"] = column.unit
    constraints: dict[str, Any] = {} if column.empty else {"required": True}
    if column.words:
        constraints["enum"] = list(column.words)
        made["words"] = {code: dict(words) for code, words in column.words.items()}
    return made | ({"constraints": constraints} if constraints else {})


def data_package(
    city: City, address: str, datasets: Iterable[tuple[Dataset, str, int]]
) -> dict[str, Any]:
    """The package of a city: every dataset as its CSV.

    Args:
        city: Whose they are.
        address: Of the city's page of open data.
        datasets: Each with SHA-256 and size in bytes of its CSV; no size (0) of what is another
            file each time.
    """
    licence = city.data_licence
    return {
        "profile": "tabular-data-package",
        "name": f"{city.slug}-open-data",
        "title": f"{city.name['en']}: open data",
        "title_zh": f"{city.name['zh']}公开数据",
        "homepage": address,
        "licenses": [{"name": licence.id, "title": licence.name, "path": licence.url}],
        "sources": [{"title": city.name["en"], "path": address}],
        "resources": [_resource(*found) for found in datasets],
    }


def _resource(dataset: Dataset, sha256: str, size: int) -> dict[str, Any]:
    made: dict[str, Any] = {
        "profile": "tabular-data-resource",
        "name": dataset.path,
        "path": f"{dataset.path}.csv",
        "format": "csv",
        "mediatype": "text/csv",
        "encoding": "utf-8",
        "title": dataset.title["en"],
        "description": dataset.description["en"],
        "title_zh": dataset.title["zh"],
        "description_zh": dataset.description["zh"],
        "schema": table_schema(dataset),
    }
    return made | ({"hash": f"sha256:{sha256}", "bytes": size} if size else {})
