"""Taking what a back office pushes: the rules of the service's table, an answer for each item."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import marshmallow as ma

from smartcity_saas.catalog.service import ImportRequest
from smartcity_saas.configuration.csv_input import Line, Table, mark_of
from smartcity_saas.configuration.problems import Problem
from smartcity_saas.errors import NotFound
from smartcity_saas.identity.authorization import signed_in_client
from smartcity_saas.product import product
from smartcity_saas.tenancy.current import current_time, request_city
from smartcity_saas.web.api import (
    MOST_ITEMS,
    Body,
    BodyProblem,
    CheckedApart,
    FieldProblemSchema,
    problems_of,
)
from smartcity_saas.web.money import plain_money


class ItemSchema(ma.Schema):
    """What became of one item. ``notes`` say what its sender should know of it."""

    index = ma.fields.Integer()
    status = ma.fields.String(validate=ma.validate.OneOf(["stored", "refused"]))
    problems = ma.fields.List(ma.fields.Nested(FieldProblemSchema))
    notes = ma.fields.List(ma.fields.Nested(FieldProblemSchema))


class PushedSchema(ma.Schema):
    """What became of a push: every item, in its order."""

    added = ma.fields.Integer()
    changed = ma.fields.Integer()
    same = ma.fields.Integer()
    paid_differs = ma.fields.Integer()
    holders_changed = ma.fields.Integer()
    results = ma.fields.List(ma.fields.Nested(ItemSchema))


@dataclass(frozen=True)
class Item:
    """One item as it was sent: what it says, or why that cannot be read. A key that is null and
    need not be there is absent."""

    values: Mapping[str, Any]
    problems: tuple[BodyProblem, ...] = ()


class Items(CheckedApart):
    """A list whose items are checked one by one: a malformed one holds up no other."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> list[Any]:
        if not isinstance(value, list):
            raise self.make_error("invalid")
        return [self._item(index, one) for index, one in enumerate(value)]

    def _item(self, index: int, sent: Any) -> Item:
        inner: Any = self.inner
        schema: ma.Schema = inner.schema
        if isinstance(sent, Mapping):
            optional = {key for key, field in schema.fields.items() if not field.required}
            sent = {k: v for k, v in sent.items() if v is not None or k not in optional}
        try:
            return Item(schema.load(sent))
        except ma.ValidationError as error:
            return Item({}, tuple(problems_of(error.messages, ("items", index))))


def push_schema(name: str, item: type[ma.Schema]) -> type[ma.Schema]:
    """The body of a push: up to 500 items."""
    lines = Items(ma.fields.Nested(item), required=True, validate=ma.validate.Length(1, MOST_ITEMS))
    made: type[ma.Schema] = Body.from_dict({"items": lines}, name=name)
    return made


def take_push(service: str, items: Sequence[Item], amount: str | None = None) -> dict[str, Any]:
    """Store what fits, refuse what does not; sent again it changes nothing.

    Args:
        service: Whose importer takes them.
        items: As sent.
        amount: Which key is an amount, in the minor unit of the city's currency, if any is.

    Raises:
        NotFound: The service takes no rows.
        Invalid: The whole cannot be taken.
    """
    take = product().services[service].importer
    if take is None:
        raise NotFound
    client, city = signed_in_client(), request_city()
    lines = [
        Line(index + 1, _cells(item.values, amount, city.currency))
        for index, item in enumerate(items)
        if not item.problems
    ]
    sent = json.dumps([dict(line.values) for line in lines], ensure_ascii=False)
    table = Table(lines, mark_of(sent.encode()))
    result = take(ImportRequest(client.actor, city, table, "push", current_time()))
    return {
        "added": result.added,
        "changed": result.changed,
        "same": result.same,
        "paid_differs": result.paid_differs,
        "holders_changed": result.holders_changed,
        "results": _results(items, _by_item(result.problems), _by_item(result.notes)),
    }


def _cells(values: Mapping[str, Any], amount: str | None, currency: str) -> dict[str, str]:
    """An item in the cells of the service's table; a key that was not sent has none."""
    priced = dict(values)
    if amount is not None:
        priced[amount] = plain_money(values[amount], currency)
    return {key: str(value).strip() for key, value in priced.items()}


def _results(
    items: Sequence[Item],
    faults: Mapping[int, list[BodyProblem]],
    notes: Mapping[int, list[BodyProblem]],
) -> list[dict[str, Any]]:
    results = []
    for index, item in enumerate(items):
        problems = [*item.problems, *faults.get(index, ())]
        results.append(
            {
                "index": index,
                "status": "refused" if problems else "stored",
                "problems": [one.as_dict() for one in problems],
                "notes": [one.as_dict() for one in notes.get(index, ())],
            }
        )
    return results


def _by_item(problems: Iterable[Problem]) -> dict[int, list[BodyProblem]]:
    """What was said of the rows of a push, by the item that each was."""
    found: dict[int, list[BodyProblem]] = {}
    for problem in problems:
        index = problem.line - 1
        column = problem.pointer.lstrip("/").partition("/")[2]
        pointer = f"/items/{index}/{column}".rstrip("/")
        said = f"{problem.message} {problem.hint}".strip()
        found.setdefault(index, []).append(BodyProblem(pointer, said))
    return found
