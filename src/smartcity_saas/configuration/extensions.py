"""What is installed: services, connectors, channels, payment providers, senders of messages, how
staff of a province sign in.

Configuration knows none of them by name; ``create_app`` registers what it found.
"""

from __future__ import annotations

import hashlib
import importlib
import pkgutil
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from importlib.util import find_spec
from typing import Any

from marshmallow import Schema

from smartcity_saas.configuration.service_kinds import KindOfService
from smartcity_saas.texts import Text

OWN_DATASETS = ("services", "announcements", "performance")
"""The datasets of every city, whatever services are installed."""


class EmptySchema(Schema):
    """Settings of something that has none."""


@dataclass(frozen=True)
class SettingsChange:
    """Other settings of a service in a live city, loaded, that somebody is about to store; days are
    those of ``zone``."""

    city_id: int
    zone: str
    before: Mapping[str, Any]
    after: Mapping[str, Any]
    now: datetime


SettingsEffect = Callable[[SettingsChange], list[Text]]
"""Says in sentences what other settings would do to residents, without saying to whom."""


@dataclass(frozen=True)
class ServiceExtension:
    """What a service adds to documents: its settings and the connectors that it knows.

    ``events`` are the kinds of event that it tells others of, with their names for residents:
    ``utility_bills.paid_in_time``. ``datasets`` are the names of what it gives away as open data.
    ``effect`` says what other settings would do to residents, before they are stored.
    """

    name: str
    settings: type[Schema] = EmptySchema
    connectors: Mapping[str, type[Schema]] = field(default_factory=dict)
    assurance: str = "none"
    events: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    datasets: tuple[str, ...] = ()
    effect: SettingsEffect | None = None


AmountsOf = Callable[[str], tuple[int, int]]
"""Of a currency what a provider charges at least, and in which steps, in ISO 4217's minor unit."""


def any_amount(currency: str) -> tuple[int, int]:
    """Every amount from one of the minor unit."""
    return 1, 1


@dataclass(frozen=True)
class Part:
    """What a channel, a payment provider or a sender adds to documents: the schema of its part.

    ``kind`` is what a sender sends. ``currencies`` are those in which a provider can charge, None
    for all; ``amounts`` says of one of them what a provider charges at least, and in which steps.
    """

    name: str
    settings: type[Schema]
    kind: str = ""
    currencies: frozenset[str] | None = None
    amounts: AmountsOf = any_amount


def declared_parts(
    package: str, path: Iterable[str], own: Callable[[Any], Iterable[Part]]
) -> list[Part]:
    """The parts of every file in a package, without loading those that load much.

    Args:
        package: The package's name.
        path: Its ``__path__``.
        own: The parts of a file that has no declaration beside it: the file itself is loaded.

    A declaration is ``documents/<the file's name>.py`` in the package; it exports ``parts``.
    """
    found: list[Part] = []
    for module in pkgutil.iter_modules(path):
        declaration = f"{package}.documents.{module.name}"
        if module.ispkg or module.name.startswith("_"):
            continue
        if find_spec(declaration) is not None:
            found += importlib.import_module(declaration).parts
        else:
            found += own(importlib.import_module(f"{package}.{module.name}"))
    return found


def same_bytes(city_id: int, address: str, data: bytes) -> bool:
    """Whether some bytes have an address, their SHA-256; where no city keeps pictures."""
    return hashlib.sha256(data).hexdigest() == address


BoundTo = Collection[tuple[str, str]]
"""The uses that a stored secret was entered for: path and destination."""


def no_money_open(document_id: int, provider: str, now: datetime) -> int:
    """No payments at all."""
    return 0


def none_stored(name: str, document_id: int) -> Mapping[str, BoundTo]:
    """No secrets at all."""
    return {}


@dataclass(frozen=True)
class Extensions:
    """Everything installed that a document may name, and what only the layers above can tell.

    ``kinds`` are the kinds of service that documents define themselves.
    ``currencies`` are those in which a payment provider can charge; one that is not named there
    takes all; ``amounts`` tells of a provider what it charges at least. ``same_picture`` tells whether some bytes are the picture that a city keeps at an
    address: what a city keeps and ``export`` writes is a cleaned copy of what was uploaded.
    ``bound_secrets`` tells the secrets that are stored for a document, given its name and key.
    ``open_money`` counts the payments of a city, given its key, on which a provider may still have
    something to say at a moment.
    """

    services: Mapping[str, ServiceExtension] = field(default_factory=dict)
    kinds: Mapping[str, KindOfService] = field(default_factory=dict)
    channels: Mapping[str, type[Schema]] = field(default_factory=dict)
    providers: Mapping[str, type[Schema]] = field(default_factory=dict)
    currencies: Mapping[str, frozenset[str]] = field(default_factory=dict)
    amounts: Mapping[str, AmountsOf] = field(default_factory=dict)
    senders: Mapping[str, Mapping[str, type[Schema]]] = field(default_factory=dict)
    single_sign_on: type[Schema] = EmptySchema
    same_picture: Callable[[int, str, bytes], bool] = same_bytes
    bound_secrets: Callable[[str, int], Mapping[str, BoundTo]] = none_stored
    open_money: Callable[[int, str, datetime], int] = no_money_open

    @property
    def datasets(self) -> tuple[str, ...]:
        """The names of all that a city can open as data: the platform's own, then each service's."""
        return (*OWN_DATASETS, *(name for one in self.services.values() for name in one.datasets))

    @property
    def event_kinds(self) -> dict[str, Mapping[str, str]]:
        """Every kind of event that an installed service tells of, with its name."""
        found: dict[str, Mapping[str, str]] = {}
        for service in self.services.values():
            found |= service.events
        return found
