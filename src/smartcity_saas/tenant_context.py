"""The tenant context: which city the code works for, as one context variable.

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
    """Work for one city for the length of a block.

    Raises:
        TenantIsolationError: There is a tenant context already; they do not nest.
    """
    if _city_id.get() is not None:
        raise TenantIsolationError("already in a city: leave it before entering another")
    token = _city_id.set(int(city_id))
    try:
        yield
    finally:
        _city_id.reset(token)


def current_city_id_or_none() -> int | None:
    """The surrogate key of the current city, or None outside any."""
    return _city_id.get()


def current_city_id() -> int:
    """The surrogate key of the current city.

    Raises:
        TenantIsolationError: There is no tenant context.
    """
    found = _city_id.get()
    if found is None:
        raise TenantIsolationError("in no city: enter one first")
    return found


@contextmanager
def tenant_cleared() -> Iterator[None]:
    """Work for no city for the length of a block."""
    token = _city_id.set(None)
    try:
        yield
    finally:
        _city_id.reset(token)
