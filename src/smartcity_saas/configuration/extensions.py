"""What is installed: services, connectors, channels, payment providers, senders of messages, how
staff of a province sign in.

Configuration knows none of them by name; ``create_app`` registers what it found.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field

from marshmallow import Schema


class EmptySchema(Schema):
    """Settings of something that has none."""


@dataclass(frozen=True)
class ServiceExtension:
    """What a service adds to documents: its settings and the connectors that it knows."""

    name: str
    settings: type[Schema] = EmptySchema
    connectors: Mapping[str, type[Schema]] = field(default_factory=dict)
    assurance: str = "none"


def same_bytes(city_id: int, address: str, data: bytes) -> bool:
    """Whether some bytes have an address, their SHA-256; where no city keeps pictures."""
    return hashlib.sha256(data).hexdigest() == address


BoundTo = Collection[tuple[str, str]]
"""The uses that a stored secret was entered for: path and destination."""


def none_stored(name: str, document_id: int) -> Mapping[str, BoundTo]:
    """No secrets at all."""
    return {}


@dataclass(frozen=True)
class Extensions:
    """Everything installed that a document may name, and what only the layers above can tell.

    ``currencies`` are those in which a payment provider can charge; one that is not named there
    takes all. ``same_picture`` tells whether some bytes are the picture that a city keeps at an
    address: what a city keeps and ``export`` writes is a cleaned copy of what was uploaded.
    ``bound_secrets`` tells the secrets that are stored for a document, given its name and key.
    """

    services: Mapping[str, ServiceExtension] = field(default_factory=dict)
    channels: Mapping[str, type[Schema]] = field(default_factory=dict)
    providers: Mapping[str, type[Schema]] = field(default_factory=dict)
    currencies: Mapping[str, frozenset[str]] = field(default_factory=dict)
    senders: Mapping[str, Mapping[str, type[Schema]]] = field(default_factory=dict)
    single_sign_on: type[Schema] = EmptySchema
    same_picture: Callable[[int, str, bytes], bool] = same_bytes
    bound_secrets: Callable[[str, int], Mapping[str, BoundTo]] = none_stored
