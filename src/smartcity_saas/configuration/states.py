"""The states of cities and of their services, as documents spell them."""

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
