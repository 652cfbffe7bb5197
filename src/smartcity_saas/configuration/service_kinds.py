"""Kinds of service that a document defines itself, and the catalog that holds them.

A service that is installed has its name in the catalog. Any other name is one of a *kind*
(``kind: form``): the document says what it is, and no code is added for it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from marshmallow import Schema, ValidationError, fields

from smartcity_saas.configuration.kept_nested import KeptNested
from smartcity_saas.configuration.problems import Path
from smartcity_saas.texts import Text
from smartcity_saas.texts import lazy_gettext as _

SERVICE_NAME = re.compile(r"[a-z](?:_?[a-z0-9])*")
"""How a document may call a service of its own: it stands in addresses with hyphens for ``_``."""
LONGEST_NAME = 48

Fault = tuple[Path, Any, Any]
"""Where below an entry, what is wrong with it, and what to do."""


@dataclass(frozen=True)
class CityTerms:
    """In which currency a city bills, and what its payment provider charges, in the minor unit:
    ``least`` at least and in steps of ``step``. ``said`` writes an amount."""

    currency: str
    provider: str | None = None
    least: int = 1
    step: int = 1
    said: Callable[[int], str] = str


@dataclass(frozen=True)
class KindOfService:
    """What documents may say of every service of a kind.

    ``entry`` is the schema of an entry in the catalog, without ``kind``. ``faults`` finds what a
    complete entry, as written, contradicts. ``reserved`` are names that no service of the kind has:
    what they share has them. ``removed`` says in sentences what residents of a city notice when
    a service, given by its name, is defined no longer.
    """

    name: str
    entry: type[Schema]
    faults: Callable[[Mapping[str, Any], CityTerms], list[Fault]] = lambda entry, terms: []
    reserved: frozenset[str] = frozenset()
    removed: Callable[[int, str], list[Text]] = lambda city_id, service: []


class Catalog(fields.Nested):
    """The services of a document: the installed ones by name, and those that it defines itself.

    In a layer an entry may leave its ``kind`` to the document that defines it; in the merged
    values each name is installed or says its kind.
    """

    def __init__(
        self,
        installed: type[Schema],
        kinds: Mapping[str, KindOfService],
        **options: Any,
    ) -> None:
        super().__init__(installed, **options)
        self.reserved = frozenset().union(*(kind.reserved for kind in kinds.values()))
        self.kinds = {name: KeptNested(kind.entry) for name, kind in kinds.items()}

    def _deserialize(
        self, value: Any, attr: str | None, data: Any, partial: Any = None, **kwargs: Any
    ) -> Any:
        if not isinstance(value, Mapping) or not self.kinds:
            return super()._deserialize(value, attr, data, partial, **kwargs)
        installed = {name: value[name] for name in value if name in self.schema.fields}
        errors: dict[str, Any] = {}
        try:
            loaded = dict(super()._deserialize(installed, attr, data, partial, **kwargs))
        except ValidationError as error:
            errors, loaded = dict(error.messages_dict), {}
        for name in value:
            if name in installed:
                continue
            try:
                loaded[name] = self._defined(str(name), value[name], partial)
            except ValidationError as error:
                errors[name] = error.messages
        if errors:
            raise ValidationError(errors)
        return loaded

    def _defined(self, name: str, entry: Any, partial: Any) -> Any:
        """An entry of a name that is not installed."""
        if not isinstance(entry, Mapping):
            raise ValidationError("Unknown field.")
        kind = entry.get("kind")
        if kind is None and not partial:
            raise ValidationError("Unknown field.")
        if kind is not None and not (isinstance(kind, str) and kind in self.kinds):
            raise ValidationError(
                {"kind": [_("Enter one of: %(words)s.", words=", ".join(self.kinds))]}
            )
        if not SERVICE_NAME.fullmatch(name) or len(name) > LONGEST_NAME:
            raise ValidationError(
                _(
                    "A service's name can only have lowercase letters, digits and single “_”, at most %(most)s.",
                    most=LONGEST_NAME,
                )
            )
        if name in self.reserved:
            raise ValidationError(
                _(
                    "“%(name)s” means something else here. Call the service something else.",
                    name=name,
                )
            )
        rest = {key: entry[key] for key in entry if key != "kind"}
        field = self.field_of(kind)
        loaded = field.deserialize(rest, name, None, partial=partial)
        return loaded if kind is None else {"kind": kind, **loaded}

    def field_of(self, kind: str | None) -> KeptNested:
        """The field that loads entries of a kind; of the only kind for one that says none."""
        return self.kinds[kind or next(iter(self.kinds))]
