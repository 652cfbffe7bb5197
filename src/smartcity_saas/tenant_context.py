"""The city we are in: one context variable, nothing else.

A new thread, job or command starts outside any city, because a context variable does.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from smartcity_saas.errors import TenantIsolationError

_city_id: ContextVar[int | None] = ContextVar("city_id", default=None)


@contextmanager
def tenant_set(city_id: int) -> Iterator[None]:
    """Be in one city for the length of a block.

    Raises:
        TenantIsolationError: We are in a city already; scopes do not nest.
    """
    if _city_id.get() is not None:
        raise TenantIsolationError("already in a city: leave it before entering another")
    token = _city_id.set(int(city_id))
    try:
        yield
    finally:
        _city_id.reset(token)


def current_city_id_or_none() -> int | None:
    """The surrogate key of the city that we are in, or None outside any."""
    return _city_id.get()


def current_city_id() -> int:
    """The surrogate key of the city that we are in.

    Raises:
        TenantIsolationError: We are in no city.
    """
    found = _city_id.get()
    if found is None:
        raise TenantIsolationError("in no city: enter one first")
    return found


@contextmanager
def tenant_cleared() -> Iterator[None]:
    """Be in no city for the length of a block, and back afterwards."""
    token = _city_id.set(None)
    try:
        yield
    finally:
        _city_id.reset(token)
