"""Open data on a city's site: a page for each dataset, its files, and catalogues of them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from math import ceil
from typing import Any

from flask import Response, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import lazy_gettext as _

from smartcity_saas.catalog.datasets import Column, ColumnType, Dataset, Frequency, Row
from smartcity_saas.configuration.city import City
from smartcity_saas.open_data.data_package import data_package, table_schema
from smartcity_saas.open_data.dcat import CatalogedDataset, catalogue
from smartcity_saas.open_data.formats import FORMATS, DataFile, make_file, written
from smartcity_saas.open_data.publication import (
    published_dataset,
    published_datasets,
    read_days,
    read_table,
)
from smartcity_saas.portals.resident.blueprint import blueprint
from smartcity_saas.product import product
from smartcity_saas.request.site import site_address
from smartcity_saas.tenancy.current import request_city, time_of_reading
from smartcity_saas.web.languages import local
from smartcity_saas.web.policy import Availability

Days = tuple[date, date]
"""The first and the last day of a file, both included."""
OPEN = Availability.EXISTING_BUSINESS
"""What a city has published stays there while it is suspended."""
SHOWN_ROWS = 20
KEPT = timedelta(minutes=1)
"""How long what was read may be told again."""
FREQUENCIES = {
    Frequency.CONTINUOUS: _("at any time"),
    Frequency.DAILY: _("every day"),
    Frequency.IRREGULAR: _("when something changes"),
}
TYPES = {
    ColumnType.TEXT: _("text"),
    ColumnType.INTEGER: _("whole number"),
    ColumnType.DECIMAL: _("decimal number"),
    ColumnType.NUMBER: _("number"),
    ColumnType.BOOLEAN: _("true or false"),
    ColumnType.DATE: _("date"),
    ColumnType.MOMENT: _("date and time"),
}
ENDINGS = ",".join(FORMATS)


@blueprint.page("/data", who="everyone", availability=OPEN, kept=KEPT)
def open_data() -> ResponseReturnValue:
    """Every dataset of the city, with its licence."""
    city = request_city()
    found = [(one, one.changed(city, _now())) for one in published_datasets(city)]
    return render_template("resident/open_data.html", datasets=found, tab="services")


@blueprint.page("/data/<name>", who="everyone", availability=OPEN, kept=KEPT)
def dataset(name: str) -> ResponseReturnValue:
    """One dataset: what it is, its columns, its first rows, its addresses."""
    city, now = request_city(), _now()
    found = published_dataset(city, name)
    days = _days(city, found)
    table = read_table(found, city, now, days)
    query = request.query_string.decode()
    other = "_en" if local({"zh": "_zh", "en": "_en"}) == "_zh" else "_zh"
    first = table.rows[: -SHOWN_ROWS - 1 : -1] if found.by_day else table.rows[:SHOWN_ROWS]
    shown = [one for one in found.columns if not one.name.endswith(other)]
    return render_template(
        "resident/dataset.html",
        dataset=found,
        table=table,
        headings=[(local(one.title), _class(one)) for one in shown],
        rows=[_cells(found, row, shown) for row in first],
        files=[(one, _size(city, found, ending, days)) for ending, one in FORMATS.items()],
        query=f"?{query}" if found.by_day and query else "",
        frequencies=FREQUENCIES,
        types=TYPES,
        address=f"{site_address(city.slug)}/data/{found.path}",
        now=now,
        tab="services",
    )


@blueprint.page(
    f"/data/<name>.<any({ENDINGS}):ending>", who="everyone", availability=OPEN, kept=KEPT
)
def data_file(name: str, ending: str) -> ResponseReturnValue:
    """One dataset as a file, with an ETag: the SHA-256 of its bytes."""
    city = request_city()
    found = published_dataset(city, name)
    made = _file(city, found, ending, _days(city, found))
    response = Response(made.body, content_type=_content_type(made))
    changed = found.changed(city, _now())
    if changed is not None:
        response.last_modified = changed
    page = f"{site_address(city.slug)}/data"
    response.headers["Link"] = (
        f'<{city.data_licence.url}>; rel="license", <{page}/{found.path}.schema.json>; '
        f'rel="describedby", <{page}/{found.path}.{ending}>; rel="canonical"'
    )
    response.headers["Content-Disposition"] = (
        f'attachment; filename="{city.slug}-{found.path}.{ending}"'
    )
    return _for_everyone(response, made.sha256)


@blueprint.page("/data/<name>.schema.json", who="everyone", availability=OPEN, kept=KEPT)
def data_schema(name: str) -> ResponseReturnValue:
    """A dataset's columns as a Table Schema."""
    return _document(
        table_schema(published_dataset(request_city(), name)), "application/schema+json"
    )


@blueprint.page("/data/datapackage.json", who="everyone", availability=OPEN, kept=KEPT)
def data_package_file() -> ResponseReturnValue:
    """Every dataset as one Data Package: the files without a window, whatever the address says."""
    city = request_city()
    days = _standing_days(city)
    described = []
    for one in published_datasets(city):
        made = None if one.is_live else _file(city, one, "csv", days)
        described.append((one, made.sha256 if made else "", len(made.body) if made else 0))
    address = f"{site_address(city.slug)}/data"
    return _document(data_package(city, address, described), "application/json")


@blueprint.page("/data/catalog.jsonld", who="everyone", availability=OPEN, kept=KEPT)
def data_catalog() -> ResponseReturnValue:
    """Every dataset in the vocabulary of data catalogues (DCAT)."""
    city = request_city()
    days = _standing_days(city)
    described = [
        CatalogedDataset(
            one,
            {} if one.is_live else {ending: _file(city, one, ending, days) for ending in FORMATS},
            one.changed(city, _now()),
            days,
        )
        for one in published_datasets(city)
    ]
    made = catalogue(city, site_address(city.slug), described)
    return _document(made, "application/ld+json")


def _cells(found: Dataset, row: Row, shown: Sequence[Column]) -> list[tuple[str, str]]:
    """The cells of a row as they stand in the files, each with the class of its column."""
    return [
        (str(written(column, value)), _class(column))
        for column, value in zip(found.columns, row, strict=True)
        if column in shown
    ]


def _class(column: Column) -> str:
    counted = column.type in (ColumnType.INTEGER, ColumnType.DECIMAL, ColumnType.NUMBER)
    return "num" if counted else ""


def _size(city: City, found: Dataset, ending: str, days: Days) -> str:
    """How large a file is; empty for other days than usual, of which none is made until it is asked for."""
    if days != _standing_days(city):
        return ""
    return f"{ceil(len(_file(city, found, ending, days).body) / 1024):,} KB"


def _standing_days(city: City) -> Days:
    """The days of a file whose address names none."""
    return read_days(city, _now(), "", "")


def _days(city: City, found: Dataset) -> Days:
    """The days that the address asks for, of a dataset by day.

    Raises:
        Invalid: As ``read_days`` says, of any dataset.
    """
    since, until = request.args.get("from", ""), request.args.get("to", "")
    asked = read_days(city, _now(), since, until)
    return asked if found.by_day else _standing_days(city)


def _file(city: City, found: Dataset, ending: str, days: Days) -> DataFile:
    """A file; that of the usual days as this process remembers it for a minute, by everything that it
    is made of. Of other days there are so many that they would drive the others out."""
    now = _now()
    if days != _standing_days(city):
        return make_file(read_table(found, city, now, days), ending)
    key = (city.id, city.fingerprint, city.content_version, found.name, ending, days)
    cache = product().file_cache
    kept = cache.get(key)
    if kept is None:
        kept = cache.put(key, make_file(read_table(found, city, now, days), ending).body)
    return DataFile(kept.body, kept.etag, FORMATS[ending].media_type)


def _now() -> datetime:
    return time_of_reading(KEPT)


def _document(made: dict[str, Any], media_type: str) -> Response:
    body = json.dumps(made, ensure_ascii=False, indent=1).encode()
    response = Response(body, content_type=media_type)
    return _for_everyone(response, hashlib.sha256(body).hexdigest())


def _for_everyone(response: Response, etag: str) -> Response:
    """What any page and program may read and keep, from wherever it comes; of a draft, whoever
    previews it alone, and nobody keeps it."""
    if request_city().is_draft:
        response.headers["Cache-Control"] = "private, no-store"
        return response
    response.set_etag(etag)
    response.headers["Cache-Control"] = f"public, max-age={KEPT.seconds}"
    response.headers["Access-Control-Allow-Origin"] = "*"
    response.make_conditional(request)
    return response


def _content_type(file: DataFile) -> str:
    return f"{file.media_type}; charset=utf-8" if "csv" in file.media_type else file.media_type
