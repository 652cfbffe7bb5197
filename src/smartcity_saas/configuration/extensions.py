"""What is installed: services, connectors, channels, payment providers, senders of messages, how
staff of a province sign in.

Configuration knows none of them by name; ``create_app`` registers what it found.
"""

from __future__ import annotations

from collections.abc import Mapping
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


@dataclass(frozen=True)
class Extensions:
    """Everything installed that a document may name. ``currencies`` are those in which a payment
    provider can charge; one that is not named there takes all."""

    services: Mapping[str, ServiceExtension] = field(default_factory=dict)
    channels: Mapping[str, type[Schema]] = field(default_factory=dict)
    providers: Mapping[str, type[Schema]] = field(default_factory=dict)
    currencies: Mapping[str, frozenset[str]] = field(default_factory=dict)
    senders: Mapping[str, Mapping[str, type[Schema]]] = field(default_factory=dict)
    single_sign_on: type[Schema] = EmptySchema
