"""What a schema refuses in a document, as problems: in our own words, quoting what was written."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from typing import Any

from marshmallow import Schema, ValidationError, fields

from smartcity_saas.configuration.problems import Path, Problem, dotted
from smartcity_saas.configuration.secrets import looks_secret, names_secret
from smartcity_saas.configuration.service_kinds import Catalog
from smartcity_saas.configuration.yaml_hints import full_width_hint
from smartcity_saas.configuration.yaml_source import Source
from smartcity_saas.texts import lazy_gettext as _

LONGEST_QUOTED = 60
"""Characters of a value that a message repeats."""
_REQUIRED = "Missing data for required field."
_MARSHMALLOW = {
    "Field may not be null.": _("This has no value."),
    "Not a valid integer.": _("This must be a whole number."),
    "Not a valid number.": _("This must be a number."),
    "Not a valid boolean.": _("This must be true or false."),
    "Not a valid string.": _("This must be text. Put it in quotes."),
    "Not a valid list.": _("This must be a list: [first, second]."),
    "Not a valid mapping type.": _("This must be a mapping of keys to values."),
    "Invalid input type.": _("This must be a mapping of keys to values."),
    "Invalid type.": _("This must be a mapping of keys to values."),
}


def schema_problems(schema: Schema, values: Mapping[str, Any]) -> list[tuple[Path, Any, Any]]:
    """Path, message and hint of everything that a schema refuses."""
    try:
        schema.load(values)
    except ValidationError as error:
        return [
            (path, _quoting(message, values, path), _not_indented(schema, values, path) or hint)
            for path, message, hint in _flattened(error.messages, schema, ())
        ]
    return []


def located(source: Source, found: list[tuple[Path, Any, Any]]) -> list[Problem]:
    """Problems at the positions of a source, with a hint of the source's own where it was read otherwise
    than somebody meant it."""
    return [
        source.problem(
            path,
            message,
            full_width_hint(source.written(path)) or hint,
            at_key=bool(path) and str(message) == str(_unknown_key(path)),
        )
        for path, message, hint in found
    ]


def _flattened(messages: Any, schema: Any, path: Path) -> Iterator[tuple[Path, Any, Any]]:
    if isinstance(messages, dict):
        for key, inner in messages.items():
            step = path if key == "_schema" else (*path, key)
            yield from _flattened(inner, schema, step)
        return
    for message in messages if isinstance(messages, list) else [messages]:
        if isinstance(message, dict):
            yield from _flattened(message, schema, path)
            continue
        hint: Any = ""
        if message == _REQUIRED:
            message, hint = _missing(schema, path)
        if message == "Unknown field.":
            message, hint = _unknown_key(path), _suggestion(schema, path)
        yield (
            path,
            _MARSHMALLOW.get(message, message) if isinstance(message, str) else message,
            hint,
        )


def _missing(schema: Schema, path: Path) -> tuple[Any, Any]:
    """What is said of a compulsory key that is missing; with an example where its field has one."""
    inside = _schema_at(schema, path[:-1])
    field = inside.fields.get(str(path[-1])) if isinstance(inside, Schema) else None
    if field is not None and "example" in field.metadata:
        example = f"{path[-1]}: {field.metadata['example']}"
        return _("“%(key)s” is missing.", key=path[-1]), _("Write %(example)s", example=example)
    return _("“%(key)s” is missing, here and in the baseline.", key=dotted(path)), ""


def _not_indented(schema: Schema, values: Mapping[str, Any], path: Path) -> Any:
    """What to do about a service that stands beside the catalog in place of below it."""
    value = values.get(str(path[0])) if len(path) == 1 else None
    if not isinstance(value, Mapping) or "kind" not in value or str(path[0]) in schema.fields:
        return ""
    for name, field in schema.fields.items():
        if isinstance(field, Catalog):
            return _(
                "A service stands below “%(key)s”. Indent it by two spaces, with all that is below it.",
                key=name,
            )
    return ""


def _unknown_key(path: Path) -> Any:
    key = "…" if looks_secret(path[-1]) else str(path[-1])[:60]
    return _("You cannot use the key “%(key)s” here.", key=key)


def _quoting(message: Any, values: Any, path: Path) -> Any:
    """A message with the value that it is about, unless that is a secret, or no single value."""
    if any(names_secret(str(step)) for step in path):
        return message
    for step in path:
        inside = isinstance(values, (Mapping, list))
        values = _at(values, step) if inside else None
    if isinstance(values, bool):
        values = "true" if values else "false"
    if not isinstance(values, (str, int, float)) or not str(values) or looks_secret(values):
        return message
    text = str(values)
    written = f"{text[:LONGEST_QUOTED]}…" if len(text) > LONGEST_QUOTED else text
    if str(message) == str(_unknown_key(path)):
        return message
    return _("“%(written)s”: %(message)s", written=written, message=message)


def _at(values: Any, step: str | int) -> Any:
    try:
        return values[step]
    except (KeyError, IndexError, TypeError):
        return None


def _suggestion(schema: Schema, path: Path) -> Any:
    known = keys_at(schema, path[:-1])
    close = difflib.get_close_matches(str(path[-1]), known, n=1, cutoff=0.6)
    if close:
        return _("Did you mean “%(key)s”?", key=close[0])
    if not known:
        return _("None are installed.")
    return _("You can use: %(keys)s.", keys=", ".join(sorted(known)))


def keys_at(schema: Any, path: Path) -> list[str]:
    """The keys that a schema knows at a path."""
    found = _schema_at(schema, path)
    return list(found.fields) if isinstance(found, Schema) else []


def _schema_at(schema: Any, path: Path) -> Schema | None:
    """The schema of the mapping at a path; None where there is none."""
    for step in path:
        field = schema.fields.get(str(step)) if isinstance(schema, Schema) else None
        if isinstance(schema, Catalog):
            field = schema.schema.fields.get(str(step)) or schema.field_of(None)
        if isinstance(field, (fields.List, Catalog)):
            schema = field
            continue
        if isinstance(schema, fields.List):
            field = schema.inner
        if isinstance(field, fields.Nested):
            schema = field.schema
        else:
            return None
    if isinstance(schema, Catalog):
        schema = schema.schema
    return schema if isinstance(schema, Schema) else None
