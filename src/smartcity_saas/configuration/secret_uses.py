"""What a secret is for: the place in a document that names it, and where it is sent from there.

A secret is entered for its uses and serves no other: whoever may edit a document, but not read its
secrets, must not be able to send one elsewhere by naming it there (as in CVE-2024-5967).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from typing import Any
from urllib.parse import urlsplit

from marshmallow import Schema, ValidationError, fields

from smartcity_saas.configuration.fields import Credential
from smartcity_saas.configuration.problems import Path, dotted
from smartcity_saas.configuration.schema import OneOf
from smartcity_saas.errors import Invalid
from smartcity_saas.texts import lazy_gettext as _

PAYMENTS = "payments."
_PORTS = {"http": ":80", "https": ":443"}


@dataclass(frozen=True, order=True)
class SecretUse:
    """One use of a secret.

    ``name`` is what documents call the secret, ``path`` the dotted place that names it, and
    ``destination`` where it goes: the provider or kind that the place has chosen, then the
    addresses beside it, in one spelling; empty where the path alone decides.
    """

    name: str
    path: str
    destination: str = ""

    @property
    def pays(self) -> bool:
        """Whether it is a payment account's."""
        return self.path.startswith(PAYMENTS)

    @property
    def bound(self) -> list[str]:
        """How a stored secret keeps it."""
        return [self.path, self.destination]

    def __str__(self) -> str:
        return f"{self.path} → {self.destination}" if self.destination else self.path


def secret_uses(schema: Schema, values: Any, path: Path = ()) -> list[SecretUse]:
    """Every use that values make of secrets; ``path`` is where they stand in their document.

    Values need not be whole: what a schema does not know names no secret.
    """
    return [use for _steps, use in _walked(schema, values, path, "")]


def with_uses(schema: Schema, loaded: Any, path: Path = ()) -> Any:
    """Loaded values, each reference to a secret in place replaced by its ``SecretUse``: made of the
    same values by which it will be sent."""
    place_uses(schema, loaded, path)
    return loaded


def place_uses(schema: Schema, loaded: Any, path: Path = ()) -> list[SecretUse]:
    """Put the uses in place as ``with_uses`` does; returns them."""
    found = list(_walked(schema, loaded, path, ""))
    for steps, use in found:
        first, *rest = steps[len(path) :]
        loaded[first] = _placed(loaded[first], rest, use)
    return [use for _steps, use in found]


def _placed(value: Any, steps: Sequence[Any], use: SecretUse) -> Any:
    """A value with a use in place: what lies on the way to it is a copy, as other cities may share it."""
    if not steps:
        return use
    first, *rest = steps
    made = dict(value) if isinstance(value, Mapping) else list(value)
    made[first] = _placed(value[first], rest, use)
    return made


def secret_places(schema: Schema, path: Path = ()) -> Iterator[str]:
    """Every dotted path at which a document of a schema may name a secret; items of a list are
    ``[]``."""
    for key, field in schema.fields.items():
        here, inner = (*path, key), field
        if isinstance(field, fields.List):
            here, inner = (*here, "[]"), field.inner
        if isinstance(inner, Credential):
            yield dotted(here)
        elif isinstance(inner, fields.Nested):
            yield from secret_places(inner.schema, here)
        elif isinstance(inner, OneOf):
            for chosen in inner.schemas.values():
                yield from secret_places(chosen(), here)


def future_use(schema: Schema, name: str, path: str, destination: str) -> SecretUse:
    """A use that a document is going to make of a secret, as somebody has typed it.

    Raises:
        Invalid: No document of the schema may name a secret there.
    """
    places = sorted(set(secret_places(schema)))
    if re.sub(r"\.\d+(?=\.|\Z)", ".[]", path) not in places:
        raise Invalid(
            _(
                "“%(path)s” cannot hold a secret. These can: %(places)s.",
                path=path,
                places=", ".join(places),
            )
        )
    return SecretUse(name, path, " ".join(_spelled(word) for word in destination.split()))


def uses_in(values: Any) -> Iterator[SecretUse]:
    """The uses that stand in values from ``with_uses``."""
    if isinstance(values, SecretUse):
        yield values
    elif isinstance(values, Mapping):
        for inner in values.values():
            yield from uses_in(inner)
    elif isinstance(values, list):
        for inner in values:
            yield from uses_in(inner)


def _walked(
    schema: Schema, values: Any, path: Path, chosen: str
) -> Iterator[tuple[Path, SecretUse]]:
    """``chosen`` is the provider or kind that values are of."""
    for key, field in schema.fields.items():
        if isinstance(values, Mapping) and key in values:
            yield from _field(schema, field, values, (*path, key), chosen)


def _field(
    schema: Schema, field: Any, values: Mapping[str, Any], path: Path, chosen: str
) -> Iterator[tuple[Path, SecretUse]]:
    value = values[path[-1]]  # type: ignore[index]
    if isinstance(field, Credential):
        if isinstance(value, Mapping) and "credential" in value:
            goes_to = _destination(schema, field, values, chosen)
            yield path, SecretUse(str(value["credential"]), dotted(path), goes_to)
        return
    if isinstance(field, fields.List):
        for place, item in enumerate(value if isinstance(value, list) else []):
            yield from _part(field.inner, item, (*path, place), chosen)
        return
    yield from _part(field, value, path, chosen)


def _part(field: Any, value: Any, path: Path, chosen: str) -> Iterator[tuple[Path, SecretUse]]:
    if isinstance(field, fields.Nested):
        if _may_name(type(field.schema)):
            yield from _walked(field.schema, value, path, chosen)
    elif isinstance(field, OneOf) and isinstance(value, Mapping):
        chosen = str(value.get(field.key))
        if chosen in field.schemas:
            yield from _walked(field.schema(chosen), value, path, chosen)


@cache
def _may_name(schema: type[Schema]) -> bool:
    """Whether there is a place for a secret in what a schema describes: most have none."""
    return any(secret_places(schema()))


def _destination(schema: Schema, field: Credential, values: Mapping[str, Any], chosen: str) -> str:
    said = [chosen] if chosen else []
    for key in field.goes_to:
        beside = schema.fields[key]
        value = values.get(key, beside.load_default)
        with suppress(ValidationError):  # what does not fit is refused by the schema
            value = beside.deserialize(value)
        said.append(_spelled(str(value)))
    return " ".join(said)


def _spelled(text: str) -> str:
    """An address or a host in one spelling (RFC 3986, 6.2.2.1 and 6.2.3): scheme and host in small
    letters, no port that the scheme has anyway, no slash at the end."""
    try:
        parts = urlsplit(text)
    except ValueError:
        return text
    if not parts.netloc:
        return text.lower()
    scheme, host = parts.scheme.lower(), parts.netloc.lower()
    host = host.removesuffix(_PORTS.get(scheme, " "))
    return f"{scheme}://{host}{parts.path.rstrip('/')}"
