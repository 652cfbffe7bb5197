"""The states of cities, of their services and of what they are connected to, as documents spell
them."""

from __future__ import annotations

from enum import StrEnum


class CityState(StrEnum):
    """Whether a city is served."""

    DRAFT = "draft"
    """To be looked at; nothing is written there."""
    LIVE = "live"
    SUSPENDED = "suspended"
    """Its site says so, and nothing else."""


class ServiceState(StrEnum):
    """Whether a city offers a service."""

    OPEN = "open"
    PAUSED = "paused"
    """Shown with a notice; what has begun goes on."""
    CLOSED = "closed"
    """Not there."""


class ConnectionState(StrEnum):
    """Whether a channel, a payment provider or a province's single sign-on is used."""

    OPEN = "open"
    CLOSED = "closed"
    """Nothing new begins by it."""


CONNECTION_STATES = tuple(state.value for state in ConnectionState)
