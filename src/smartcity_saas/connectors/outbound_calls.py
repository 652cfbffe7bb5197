"""What every call to another system goes through, whoever's it is: the city's quota, a bulkhead, a
breaker, a deadline.

A call holds one of this process's threads. So that no owner's systems can hold them all, only so many
calls are under way at one time: in all, of one owner, and of one owner to one host. Whatever does not
answer is left alone for a while, by owner and host.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from flask import has_request_context, request

from smartcity_saas.connectors import address_guard
from smartcity_saas.connectors.circuit_breaker import CircuitBreakers
from smartcity_saas.product import product
from smartcity_saas.tenancy.city_quotas import CALLS
from smartcity_saas.tenancy.current import current_city
from smartcity_saas.tenant_context import current_city_id_or_none
from smartcity_saas.tracing import span

MOST_CALLS, MOST_OF_AN_OWNER, MOST_TO_A_HOST = 24, 12, 8
"""Of 32 threads that serve requests, eight are always left to pages."""
PATIENCE_SECONDS = 1.0
CALL_SECONDS = 8.0
REQUEST_SECONDS = 12.0
"""How long all calls of one request may take together."""
PLATFORM = "platform"
_UNTIL = "smartcity.outbound_until"


class CallRefused(OSError):
    """No call is made: the city has made too many, too many are under way, or the other side has not
    answered lately.

    ``seconds`` says for how long that is so, where it is known.
    """

    def __init__(self, reason: str, seconds: float = 0.0) -> None:
        super().__init__(reason)
        self.reason = reason
        self.seconds = seconds


@dataclass
class Bulkhead:
    """Counts the threads of this process that call, or wait for a moment to call, other systems."""

    most: int = MOST_CALLS
    of_an_owner: int = MOST_OF_AN_OWNER
    to_a_host: int = MOST_TO_A_HOST
    patience: float = PATIENCE_SECONDS
    _held: Counter[Any] = field(default_factory=Counter)
    _changed: threading.Condition = field(default_factory=threading.Condition)

    @contextmanager
    def place(self, owner: str, host: str) -> Iterator[None]:
        """Hold a place for the length of a block.

        Raises:
            CallRefused: There is none: at once where the process or the owner has none left, after
                a moment where the host has none.
        """
        with (
            self._held_by("all", self.most),
            self._held_by(owner, self.of_an_owner),
            self._held_by((owner, host), self.to_a_host, self.patience),
        ):
            yield

    @contextmanager
    def _held_by(self, key: Any, most: int, patience: float = 0.0) -> Iterator[None]:
        with self._changed:
            if not self._changed.wait_for(lambda: self._held[key] < most, patience):
                raise CallRefused("busy")
            self._held[key] += 1
        try:
            yield
        finally:
            with self._changed:
                self._held[key] -= 1
                if not self._held[key]:
                    del self._held[key]
                self._changed.notify_all()


working: ContextVar[threading.Semaphore | None] = ContextVar("working", default=None)
"""The turn to work that the present request has, if a server gives turns."""
breakers = CircuitBreakers()
"""This process's breakers, by owner and origin."""
bulkhead = Bulkhead()


@contextmanager
def outbound(
    url: str,
    owner: str | None = None,
    *,
    seconds: float = CALL_SECONDS,
    answered: tuple[type[BaseException], ...] = (),
) -> Iterator[None]:
    """Make one call, with its repetitions, inside this block.

    Args:
        url: Where it goes; its origin counts.
        owner: Whose system it is (``city:7``, ``province:zhejiang``); the current city by
            default, else the platform.
        seconds: How long it may take in all, names, connections and answers included. Shorter ones
            of one request end together, whatever their number.
        answered: Exceptions that say that the other side did answer. Any other is a failure.

    Raises:
        CallRefused: It is not made.
    """
    key = owner or owner_here(), origin_of(url)
    _refuse_beyond_quota(key[0])
    host = urlsplit(url).hostname or ""
    with (
        span("call", "CLIENT", server__address=host),
        stepping_aside(),
        bulkhead.place(*key),
    ):
        if not breakers.admits(key):
            raise CallRefused("breaker", breakers.seconds_left(key))
        token = address_guard.deadline.set(_until(seconds))
        try:
            yield
        except answered:
            breakers.succeeded(key)
            raise
        except BaseException as error:
            breakers.failed(key, getattr(error, "seconds", 0.0))
            raise
        else:
            breakers.succeeded(key)
        finally:
            address_guard.deadline.reset(token)


def _refuse_beyond_quota(owner: str) -> None:
    """A call of a city's beyond its quota is made later, as where the other side does not answer."""
    if owner == PLATFORM or owner != owner_here():
        return
    if wait := product().quotas.take(current_city(), CALLS):
        raise CallRefused("quota", wait)


@contextmanager
def stepping_aside() -> Iterator[None]:
    """Let another request work while this one waits for somebody else."""
    if (turn := working.get()) is None:
        yield
        return
    turn.release()
    try:
        yield
    finally:
        turn.acquire()


def owner_here() -> str:
    """Whose systems are called from here unless somebody else is named."""
    city_id = current_city_id_or_none()
    return PLATFORM if city_id is None else f"city:{city_id}"


def origin_of(url: str) -> str:
    """Scheme, host and port of an address, by which a system is told from others."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2].lower()}"


def _until(seconds: float) -> float:
    """The end of a call on the monotonic clock."""
    now = time.monotonic()
    if not has_request_context() or seconds > REQUEST_SECONDS:
        return now + seconds
    last: float = request.environ.setdefault(_UNTIL, now + REQUEST_SECONDS)
    return min(now + seconds, last)
