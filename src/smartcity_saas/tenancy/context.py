"""Entering a tenant context: its own application context and session, both closed on leaving."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from flask import current_app

from smartcity_saas.tenant_context import tenant_cleared, tenant_set


@contextmanager
def tenant_context(city_id: int) -> Iterator[None]:
    """Work for one city inside a block, with a database session of its own.

    Raises:
        TenantIsolationError: There is a tenant context already.
    """
    with tenant_set(city_id), current_app.app_context():
        yield


@contextmanager
def without_tenant() -> Iterator[None]:
    """Leave the tenant context for a block, for a row of the platform's that the request itself names.

    Loud on purpose: a test counts who uses it.
    """
    with tenant_cleared(), current_app.app_context():
        yield
