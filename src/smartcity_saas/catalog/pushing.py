"""Taking what a back office pushes: the rules of the CSV, an answer for each item."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import marshmallow as ma
from flask import current_app

from smartcity_saas.identity.gatekeeper import signed_in_client
from smartcity_saas.tenancy.here import present_time, site_city
from smartcity_saas.web.api import MOST_ITEMS, Body, BodyProblem, FieldProblemSchema
from smartcity_saas.web.csv_output import csv_text
from smartcity_saas.web.money import plain_money


class ItemSchema(ma.Schema):
    """What became of one item."""

    index = ma.fields.Integer()
    status = ma.fields.String(validate=ma.validate.OneOf(["stored", "refused"]))
    problems = ma.fields.List(ma.fields.Nested(FieldProblemSchema))


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


def take_push(service: str, items: Sequence[Mapping[str, Any]], amount: str) -> dict[str, Any]:
    """Store what fits, refuse what does not; sent again it changes nothing.

    Args:
        service: Whose importer takes them.
        items: As sent.
        amount: Which column is an amount, in the minor unit of the city's currency.

    Raises:
        Invalid: The whole cannot be taken.
    """
    found, client, city = (
        current_app.extensions["services"][service],
        signed_in_client(),
        site_city(),
    )
    columns = list(dict.fromkeys(key for item in items for key in item))
    priced = [{**item, amount: plain_money(item[amount], city.currency)} for item in items]
    rows = [[item.get(column) for column in columns] for item in priced]
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
        faults.setdefault(index, []).append(BodyProblem(pointer, problem.message).as_dict())
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
