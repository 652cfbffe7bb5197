"""The operator's console: provinces, the platform's document, accounts, the audit log."""

from __future__ import annotations

from collections import Counter
from typing import Any

from flask import render_template
from flask.typing import ResponseReturnValue
from flask_babel import lazy_gettext as _

from smartcity_saas.audit import place_audit_events
from smartcity_saas.configuration.host_ownership import own_hosts
from smartcity_saas.health import readiness
from smartcity_saas.identity.authorization import documents
from smartcity_saas.portals.document_pages import DocumentPages, add_document_pages
from smartcity_saas.portals.host_words import host_row
from smartcity_saas.portals.overviews.across import across
from smartcity_saas.portals.overviews.answer import page_or_json
from smartcity_saas.portals.readiness_list import Check
from smartcity_saas.portals.staff_pages import StaffPages, add_staff_pages
from smartcity_saas.product import product
from smartcity_saas.tenancy.current import current_time
from smartcity_saas.web.policy import ConsoleBlueprint

ROOT = "/platform"
MOST_EVENTS = 200
MOST_HOSTS = 200
CHECKS: dict[str, tuple[Any, Any]] = {
    "database": (_("Database responds"), _("The database is not responding")),
    "migrations": (
        _("Tables are up to date"),
        _("Tables are not up to date: run smartcity db upgrade"),
    ),
    "city_registry": (_("Cities are loaded"), _("Cities are not loaded")),
    "master_key": (
        _("Master key is the right one"),
        _(
            "We could not confirm that this is the master key used to encrypt the secrets: run smartcity doctor"
        ),
    ),
}
"""What each check of readiness says when it is fine, and when it is not."""

blueprint = ConsoleBlueprint("operator", __name__)


def shell() -> dict[str, Any]:
    """Nothing but that this is the platform's own console."""
    return {"console_platform": True}


add_document_pages(
    blueprint,
    DocumentPages(
        ROOT, lambda: "platform", "platform.see", "platform.change", "platform.change", shell
    ),
)
add_staff_pages(blueprint, StaffPages(ROOT, None, "platform.staff", shell))


@blueprint.page(ROOT, permission="platform.see")
def provinces() -> ResponseReturnValue:
    """Every province with its cities, and how the platform is."""
    snapshot = product().registry.snapshot
    found = documents().all()
    cities = Counter(document.province for document in found if document.kind == "city")
    return render_template(
        "operator/provinces.html",
        provinces=[document for document in found if document.kind == "province"],
        cities=cities,
        issues=[city for city in snapshot.cities.values() if city.flags],
        broken=snapshot.broken,
        checks=[Check.of(fine, *CHECKS[name]) for name, fine in readiness().items()],
        **shell(),
    )


@blueprint.page(f"{ROOT}/overview", permission="platform.see")
def overview() -> ResponseReturnValue:
    """Everything at a glance, by rows that may leave a city; as JSON for programs."""
    snapshot = product().registry.snapshot
    cities = list(snapshot.cities.values())
    found = across(cities, snapshot.broken, current_time(), ROOT, with_processes=True)
    return page_or_json(
        found.data(), lambda: render_template("operator/overview.html", found=found, **shell())
    )


@blueprint.page(f"{ROOT}/hosts", permission="platform.see")
def hosts() -> ResponseReturnValue:
    """The hosts of all cities, those first that need somebody."""
    rows = sorted(map(host_row, own_hosts()), key=lambda row: row.order)
    needing = sum(row.needs_record for row in rows)
    shown = rows[: max(MOST_HOSTS, needing)]
    return render_template(
        "operator/hosts.html",
        rows=shown,
        cities=product().registry.snapshot.cities,
        left_out=len(rows) - len(shown),
        **shell(),
    )


@blueprint.page(f"{ROOT}/audit", permission="platform.see")
def audit() -> ResponseReturnValue:
    """Who did what, on the whole platform."""
    return render_template(
        "operator/audit.html", events=place_audit_events(None, MOST_EVENTS), **shell()
    )
