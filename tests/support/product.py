"""An application with other parts: another clock, another keyring, other settings."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from smartcity_saas.tenancy.flask_app import SiteFlask


@contextmanager
def other_parts(app: SiteFlask, **parts: Any) -> Iterator[None]:
    """Replace parts of an application's product for the length of a block."""
    before = app.product
    app.product = replace(before, **parts)
    try:
        yield
    finally:
        app.product = before


@contextmanager
def other_settings(app: SiteFlask, **settings: Any) -> Iterator[None]:
    """Replace some of an application's settings for the length of a block."""
    with other_parts(app, settings=replace(app.product.settings, **settings)):
        yield
