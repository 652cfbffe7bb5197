"""Entering a city: its own application context and session, both closed on leaving."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from flask import current_app

from smartcity_saas import tenant_context


@contextmanager
def city_scope(city_id: int) -> Iterator[None]:
    """Be in one city, with a session of its own.

    Raises:
        WallError: We are in a city already.
    """
    with tenant_context.entered(city_id), current_app.app_context():
        yield


@contextmanager
def outside_city() -> Iterator[None]:
    """Leave the city for a block, for a row of the platform's that the request itself names.

    Loud on purpose: a test counts who uses it.
    """
    with tenant_context.left(), current_app.app_context():
        yield
