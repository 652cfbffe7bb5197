"""``/healthz`` and ``/readyz`` on every well-formed host, known or not."""

from __future__ import annotations

from flask import Response, jsonify
from sqlalchemy.exc import SQLAlchemyError

from smartcity_saas.configuration.models import Installation
from smartcity_saas.credentials.master_key import refuse_stray_key
from smartcity_saas.database import db, without_statement_guard
from smartcity_saas.errors import NotReady, SettingsError
from smartcity_saas.identity.staff.accounts import has_demo_staff
from smartcity_saas.migrations import parents_of_migrations
from smartcity_saas.product import product
from smartcity_saas.tenancy.flask_app import SiteFlask
from smartcity_saas.tenancy.hosts import ALL_HOSTS
from smartcity_saas.web.policy import allow_everyone


def init_probes(app: SiteFlask) -> None:
    """Add both probes to every site."""
    for host in ALL_HOSTS:
        app.add_url_rule("/healthz", "healthz", healthz, host=host)
        app.add_url_rule("/readyz", "readyz", readyz, host=host)
    allow_everyone(app, "healthz")
    allow_everyone(app, "readyz")


def healthz() -> Response:
    """The process lives."""
    return jsonify(status="ok")


def readyz() -> tuple[Response, int]:
    """The database answers, its migrations are these, the city registry is loaded, the master key is the
    database's."""
    checks = readiness()
    ready = all(checks.values())
    body = {"status": "ready" if ready else "not ready", "checks": checks}
    return jsonify(body), 200 if ready else 503


def readiness() -> dict[str, bool]:
    """Each check with its outcome."""
    checks = {
        "database": False,
        "migrations": False,
        "city_registry": product().registry.loaded,
        "master_key": False,
    }
    try:
        found = applied_migrations()
        checks["database"] = True
        checks["migrations"] = is_migrated(found)
        refuse_stray_key(product().keyring)
        checks["master_key"] = True
    except (SQLAlchemyError, NotReady, SettingsError):
        pass
    return checks


def applied_migrations() -> frozenset[str]:
    """The heads that the database has. Asked on a connection of its own, outside any city."""
    with db.engine.connect() as connection:
        rows = connection.execute(
            without_statement_guard(
                "SELECT version_num FROM alembic_version", "Alembic's own table"
            )
        )
        return frozenset(row[0] for row in rows)


def expected_migrations() -> frozenset[str]:
    """Every migration that this version of the product needs."""
    return frozenset(parents_of_migrations())


def is_migrated(heads: frozenset[str]) -> bool:
    """Whether this version can work with a database that stands at some heads: every migration that
    it needs is there, or a newer version has migrated it.

    A rolling upgrade migrates first, while nodes of the version before serve on: what they do not
    know may only be a later migration of a line, whose earlier ones Alembic does not store. Where
    one of those that they know is still a head, its line has not come as far as they need.
    """
    missing = expected_migrations() - _implied(heads)
    newer = heads - expected_migrations()
    behind = heads & _implied(frozenset(missing))
    return not missing or bool(newer and not behind)


def _implied(heads: frozenset[str]) -> set[str]:
    """Applied heads with all that they build on, which Alembic does not store."""
    found: set[str] = set()
    waiting, parents = list(heads), parents_of_migrations()
    while waiting:
        revision = waiting.pop()
        if revision not in found:
            found.add(revision)
            waiting += parents.get(revision, ())
    return found


def holds_demo_rows() -> bool:
    """Whether the database was ever filled by the demo."""
    installation = db.session.get(Installation, 1)
    return bool(installation and installation.demo) or has_demo_staff()
