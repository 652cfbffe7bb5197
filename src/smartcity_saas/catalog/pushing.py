"""Taking what a back office pushes: the rules of the CSV, an answer for each item."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import marshmallow as ma
from flask import current_app

from smartcity_saas.identity.gatekeeper import signed_in_client
from smartcity_saas.tenancy.here import present_time, site_city
from smartcity_saas.web.api import MOST_ITEMS, Body
from smartcity_saas.web.csv_output import csv_text


class ItemProblemSchema(ma.Schema):
    """What is wrong with a field of an item."""

    pointer = ma.fields.String(metadata={"description": "JSON Pointer into the body."})
    message = ma.fields.String()


class ItemSchema(ma.Schema):
    """What became of one item."""

    index = ma.fields.Integer()
    status = ma.fields.String(validate=ma.validate.OneOf(["stored", "refused"]))
    problems = ma.fields.List(ma.fields.Nested(ItemProblemSchema))


class PushedSchema(ma.Schema):
    """What became of a push: every item, in its order."""

    added = ma.fields.Integer()
    changed = ma.fields.Integer()
    same = ma.fields.Integer()
    results = ma.fields.List(ma.fields.Nested(ItemSchema))


def push_schema(name: str, item: type[ma.Schema]) -> type[ma.Schema]:
    """The body of a push: up to 500 items."""
    lines = ma.fields.List(
        ma.fields.Nested(item), required=True, validate=ma.validate.Length(1, MOST_ITEMS)
    )
    made: type[ma.Schema] = Body.from_dict({"items": lines}, name=name)
    return made


def take_push(service: str, items: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Store what fits, refuse what does not; sent again it changes nothing.

    Raises:
        Invalid: The whole cannot be taken.
    """
    found, client, city = (
        current_app.extensions["services"][service],
        signed_in_client(),
        site_city(),
    )
    columns = list(dict.fromkeys(key for item in items for key in item))
    rows = [[_cell(item.get(column)) for column in columns] for item in items]
    result = found.importer(
        client.actor,
        city,
        csv_text(columns, rows, escape=False).encode(),
        "push",
        present_time(),
    )
    faults: dict[int, list[dict[str, str]]] = {}
    for problem in result.problems:
        line, _slash, column = problem.pointer.lstrip("/").partition("/")
        index = int(line) - 2  # line 1 has the columns
        pointer = f"/items/{index}/{column}".rstrip("/")
        faults.setdefault(index, []).append({"pointer": pointer, "message": str(problem.message)})
    return {
        "added": result.added,
        "changed": result.changed,
        "same": result.same,
        "results": [
            {
                "index": index,
                "status": "refused" if index in faults else "stored",
                "problems": faults.get(index, []),
            }
            for index in range(len(items))
        ],
    }


def _cell(value: Any) -> str:
    return "" if value is None else str(value)
