"""The contract of a service: what a folder under ``services/`` exports as ``service``."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from flask import Blueprint
from marshmallow import Schema

from smartcity_saas.configuration.city import Localized
from smartcity_saas.configuration.extensions import EmptySchema, ServiceExtension

CATEGORIES: dict[str, Localized] = {
    "bills": {"zh": "缴费", "en": "Bills and payments"},
    "health": {"zh": "看病", "en": "Health"},
    "travel": {"zh": "出行", "en": "Travel"},
    "home": {"zh": "住房和社区", "en": "Home and community"},
}
"""The categories of a catalog, in the order in which they are shown."""


@dataclass(frozen=True)
class Task:
    """A common thing to do in a service. ``endpoint`` with ``arguments`` is its page;
    ``shown`` decides from the service's settings whether a city has it."""

    title: Localized
    icon: str
    endpoint: str
    arguments: Mapping[str, str] = field(default_factory=dict)
    keywords: tuple[str, ...] = ()
    shown: Callable[[Mapping[str, Any]], bool] = lambda settings: True


@dataclass(frozen=True)
class Mine:
    """One line of a resident's own page: what they already have in a service."""

    title: str
    detail: str
    url: str
    icon: str


@dataclass(frozen=True)
class Service:
    """Something residents use.

    ``resident`` holds its pages on a city's site, ``desk`` those of staff on the console.
    ``continues`` says in a sentence what still works while it is paused. ``mine`` lists what
    the resident with a key has. ``demo`` fills a city with sample rows, in demo mode only.
    """

    name: str
    title: Localized
    help: Localized
    icon: str
    category: str
    resident: Blueprint
    continues: Localized
    landing: str
    settings: type[Schema] = EmptySchema
    connectors: Mapping[str, type[Schema]] = field(default_factory=dict)
    desk: Blueprint | None = None
    desk_landing: str | None = None
    keywords: tuple[str, ...] = ()
    tasks: Sequence[Task] = ()
    mine: Callable[[Any], list[Mine]] = lambda resident_id: []
    demo: Callable[[Mapping[str, Any]], None] | None = None

    @property
    def path(self) -> str:
        """The service's name in addresses."""
        return self.name.replace("_", "-")

    @property
    def extension(self) -> ServiceExtension:
        """What the service adds to documents."""
        return ServiceExtension(self.name, self.settings, self.connectors)
