"""Kinds of value in a document."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from marshmallow import Schema, ValidationError, fields

from smartcity_saas.configuration.fields import WholeNumber
from smartcity_saas.configuration.schema import OneOf, document_schema, effective_schema
from tests.support.documents import installed


def _fields(schema: Schema, path: str = "") -> Iterator[tuple[str, fields.Field]]:
    """Every field of a schema and of those inside it, with its path."""
    for name, field in schema.fields.items():
        yield from _inside(field, f"{path}.{name}")


def _inside(field: fields.Field, path: str) -> Iterator[tuple[str, fields.Field]]:
    yield path, field
    if isinstance(field, fields.Nested):
        yield from _fields(field.schema, path)
    elif isinstance(field, fields.List):
        yield from _inside(field.inner, f"{path}[]")
    elif isinstance(field, OneOf):
        for name, schema in field.schemas.items():
            yield from _fields(schema(), f"{path}.{name}")


def test_every_message_of_a_document_is_ours() -> None:
    """Promise: faults are told in the reader's language. marshmallow's own validators speak English,
    so no field of a document has one."""
    extensions = installed()
    schemas = [document_schema(kind, extensions) for kind in ("platform", "province", "city")]
    found = [one for schema in (*schemas, effective_schema(extensions)) for one in _fields(schema)]
    assert len(found) > 200
    assert [path for path, field in found if field.validators] == []


@pytest.mark.parametrize("number", [0, 11, -1, 10**30])
def test_a_number_out_of_its_bounds_names_them(number: int) -> None:
    """Promise: the message says from what to what one may write."""
    with pytest.raises(ValidationError, match="from 1 to 10"):
        WholeNumber(1, 10).deserialize(number)


@pytest.mark.parametrize("value", ["5", 5.5, True, None])
def test_what_is_no_whole_number_is_refused(value: object) -> None:
    """Promise: nothing is guessed: text, a fraction or a switch is no number."""
    with pytest.raises(ValidationError):
        WholeNumber(1, 10).deserialize(value)
