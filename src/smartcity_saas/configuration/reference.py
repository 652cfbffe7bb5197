"""The configuration reference and the JSON Schemas, both walked from the schemas themselves."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from marshmallow import Schema, fields

from smartcity_saas.configuration import fields as kinds
from smartcity_saas.configuration.extensions import Extensions
from smartcity_saas.configuration.schema import (
    CITY,
    PLATFORM,
    PROVINCE,
    OneOf,
    document_schema,
)
from smartcity_saas.configuration.service_kinds import Catalog

DIALECT = "https://json-schema.org/draft/2020-12/schema"
DOCUMENT_KINDS = (CITY, PROVINCE, PLATFORM)


def json_schema(kind: str, extensions: Extensions) -> dict[str, Any]:
    """The JSON Schema (2020-12) of one kind of document, for an editor's completion.

    Args:
        kind: ``city``, ``province`` or ``platform``.
        extensions: What is installed.
    """
    schema = document_schema(kind, extensions)
    required = [name for name, field in schema.fields.items() if field.required]
    return {
        "$schema": DIALECT,
        "title": f"smartcity {kind}",
        **_object(schema),
        "required": required,
    }


def markdown(extensions: Extensions) -> str:
    """The reference of every key of every document, as Markdown."""
    lines = [
        "# Configuration reference",
        "",
        "Made from the schemas by `smartcity schema --markdown`; a test fails when it is stale.",
        "",
        "Everything but a city's first five keys may come from its province's baseline or from",
        "the platform's document. Times are local times of the city.",
    ]
    for kind in DOCUMENT_KINDS:
        lines += [
            "",
            f"## {kind.title()} document",
            "",
            "| key | value | what it is |",
            "| --- | --- | --- |",
        ]
        lines += list(_rows(document_schema(kind, extensions), ""))
    return "\n".join(lines) + "\n"


def every_key(extensions: Extensions) -> set[str]:
    """The dotted name of every key of every document."""
    return {
        row.split("`")[1]
        for kind in DOCUMENT_KINDS
        for row in _rows(document_schema(kind, extensions), "")
    }


def _rows(schema: Schema, prefix: str) -> Iterator[str]:
    for name, field in schema.fields.items():
        dotted = f"{prefix}{name}"
        yield f"| `{dotted}` | {_said(field)} | {_described(field)} |"
        inner = field.inner if isinstance(field, fields.List) else field
        mark = "[]." if isinstance(field, fields.List) else "."
        if isinstance(inner, fields.Nested):
            yield from _rows(inner.schema, dotted + mark)
        if isinstance(inner, Catalog):
            for kind, entry in inner.kinds.items():
                place = f"{dotted}.<name>"
                yield f"| `{place}.kind` | `{kind}` | A service that the document defines itself. |"
                yield from _rows(entry.schema, f"{place}.")
        if isinstance(inner, OneOf):
            for choice, chosen in inner.schemas.items():
                yield from _rows(chosen(), f"{dotted}({choice}).")


def _described(field: Any) -> str:
    """What a field says of itself; a nested schema without words is described by its own."""
    if "description" in field.metadata:
        return str(field.metadata["description"])
    return str(type(field.schema).__doc__ or "").strip() if isinstance(field, fields.Nested) else ""


def _said(field: Any) -> str:
    if isinstance(field, kinds.Choice):
        return " \\| ".join(f"`{word}`" for word in field.choices)
    if isinstance(field, OneOf):
        words = ", ".join(f"`{word}`" for word in sorted(field.schemas)) or "none installed"
        return f"mapping with `{field.key}`: {words}"
    if isinstance(field, fields.List):
        return f"list of {_said(field.inner)}"
    if isinstance(field, kinds.WholeNumber):
        return f"whole number, {field.least} to {field.most}"
    for kind, words in (
        (kinds.Text, "`{zh: …, en: …}`"),
        (kinds.Credential, "`{credential: name}`"),
        (kinds.Line, "text"),
        (fields.Integer, "whole number"),
        (fields.Boolean, "`true` \\| `false`"),
    ):
        if isinstance(field, kind):
            return words
    return "mapping"


def _object(schema: Schema) -> dict[str, Any]:
    return {
        "type": "object",
        "additionalProperties": False,
        "properties": {name: _property(field) for name, field in schema.fields.items()},
    }


def _property(field: Any) -> dict[str, Any]:
    found = _shape(field)
    if description := _described(field):
        found = {**found, "description": description}
    return found


def _defined(field: Catalog) -> dict[str, Any]:
    """What an editor takes for a service of a name that is not installed."""
    return {
        "oneOf": [
            {
                **(entry := _object(found.schema)),
                "properties": {"kind": {"const": kind}, **entry["properties"]},
            }
            for kind, found in field.kinds.items()
        ]
    }


def _shape(field: Any) -> dict[str, Any]:
    if isinstance(field, kinds.Choice):
        return {"enum": list(field.choices)}
    if isinstance(field, OneOf):
        return {"type": "object", "properties": {field.key: {"enum": sorted(field.schemas)}}}
    if isinstance(field, fields.List):
        return {"type": "array", "items": _property(field.inner)}
    if isinstance(field, Catalog):
        return {**_object(field.schema), "additionalProperties": _defined(field)}
    if "shape" in field.metadata:
        return dict(field.metadata["shape"])
    if isinstance(field, fields.Nested):
        return _object(field.schema)
    if isinstance(field, kinds.Text):
        line = {"type": "string", "minLength": 1}
        return {
            "type": "object",
            "additionalProperties": False,
            "properties": {"zh": line, "en": line},
            "required": ["zh", "en"],
        }
    if isinstance(field, kinds.Pattern):
        return {"type": "string", "pattern": f"^(?:{field.pattern.pattern})$"}
    if isinstance(field, kinds.BrandColor):
        return {"type": "string", "pattern": "^#[0-9a-fA-F]{6}$"}
    if isinstance(field, kinds.WholeNumber):
        return {"type": "integer", "minimum": field.least, "maximum": field.most}
    if isinstance(field, fields.Integer):
        return {"type": "integer"}
    if isinstance(field, fields.Boolean):
        return {"type": "boolean"}
    return {"type": "string"} if isinstance(field, kinds.Line) else {"type": "object"}
