"""A world whose rows are served by processes of their own: what they must know to serve it."""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from smartcity_saas.app import create_app
from smartcity_saas.cli.operations import upgrade_database
from smartcity_saas.database.transactions import db
from smartcity_saas.sandboxes.stripe.server import create_sandbox
from smartcity_saas.sandboxes.stripe.state import Sandbox
from smartcity_saas.settings import Settings
from smartcity_saas.tenancy.flask_app import SiteFlask
from tests.support.documents import KEY
from tests.support.loopback import serving
from tests.support.postgres import TestDatabase
from tests.support.sandboxes import Sandboxes
from tests.support.world import MovableClock, World


@contextmanager
def served_world(database: TestDatabase) -> Iterator[World]:
    """An empty, migrated PostgreSQL with Stripe's sandbox beside it, inside its application."""
    sandbox = Sandbox()
    with serving(lambda base: create_sandbox(sandbox, base)) as base:
        settings = Settings(
            demo=True,
            secret_key=KEY,
            master_key=KEY,
            database_url=database.application,
            owner_url=database.owner,
            stripe_api_base=base,
            allowed_networks=(ipaddress.ip_network("127.0.0.0/8"),),
        )
        app = create_app(settings, serving=False)
        with app.app_context():
            upgrade_database(settings)
            sandboxes = Sandboxes(sandbox, base, None, "")  # type: ignore[arg-type]
            yield World(app, MovableClock(), "postgresql", None, sandboxes)  # type: ignore[arg-type]
            db.session.remove()
            db.engine.dispose()


def environment_of(settings: Settings) -> dict[str, str]:
    """How a process comes to the same database, keys and sandbox."""
    return {
        **os.environ,
        "DATABASE_URL": settings.database_url,
        "STRIPE_API_BASE": settings.stripe_api_base,
        "SMARTCITY_SECRET_KEY": settings.secret_key,
        "SMARTCITY_MASTER_KEY": settings.master_key,
        "SMARTCITY_ALLOWED_NETWORKS": "127.0.0.0/8",
        "SMARTCITY_DEMO": "1",
    }


def session_cookie(app: SiteFlask, host: str, values: Mapping[str, Any]) -> str:
    """The ``Cookie`` header of a session at a site."""
    with app.test_request_context("/", base_url=f"http://{host}"):
        serializer = app.session_interface.get_signing_serializer(app)  # type: ignore[attr-defined]
        return f"session={serializer.dumps(dict(values))}"
