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


class HostState(StrEnum):
    """Whether DNS proves that a host is the city's whose document names it."""

    EXEMPT = "exempt"
    """It stands in a domain that nobody can have (RFC 2606), and needs no proof; never stored."""
    EARLIER = "earlier"
    """It led to the city before proofs were asked for, and goes on to."""
    WAITING = "waiting"
    PROVED = "proved"
    MISSING = "missing"
    """Its record is gone; it leads to the city for some days more."""
    LOST = "lost"
    """Its record stayed away, or another city has proved it."""


class Finding(StrEnum):
    """What a look for the record of a host found."""

    FOUND = "found"
    HELD = "held"
    """It is there, and so is that of the city to which the host leads."""
    ABSENT = "absent"
    OTHER = "other"
    """Other TXT records are there."""
    SERVFAIL = "servfail"
    """The servers of the domain could not be asked, or refused."""
    TIMEOUT = "timeout"
    UNREACHABLE = "unreachable"
    """Our own DNS server could not be reached."""


CONNECTION_STATES = tuple(state.value for state in ConnectionState)
