"""The operator's console: provinces, the platform's document, accounts, the trail."""

from __future__ import annotations

from collections import Counter
from typing import Any

from flask import current_app, redirect, render_template, request

from smartcity_saas.audit import trail_of
from smartcity_saas.errors import Invalid
from smartcity_saas.identity import staff
from smartcity_saas.identity.access import ROLE_NAMES
from smartcity_saas.identity.gatekeeper import documents, signed_in_member
from smartcity_saas.portals.document_pages import DocumentPages, add_document_pages
from smartcity_saas.readiness import readiness
from smartcity_saas.web.policy import ConsoleBlueprint

ROOT = "/platform"
MOST_EVENTS = 200

blueprint = ConsoleBlueprint("operator", __name__)


def shell() -> dict[str, Any]:
    """Nothing but that this is the platform's own console."""
    return {"console_platform": True}


add_document_pages(
    blueprint,
    DocumentPages(ROOT, lambda: "platform", "platform.see", "platform.change", shell),
)


@blueprint.page(ROOT, permission="platform.see")
def provinces() -> Any:
    """Every province with its cities, and how the platform is."""
    snapshot = current_app.fleet.snapshot  # type: ignore[attr-defined]
    found = documents().all()
    cities = Counter(document.province for document in found if document.kind == "city")
    return render_template(
        "operator/provinces.html",
        provinces=[document for document in found if document.kind == "province"],
        cities=cities,
        issues=[city for city in snapshot.cities.values() if city.flags],
        broken=snapshot.broken,
        checks=readiness(),
        **shell(),
    )


@blueprint.page(f"{ROOT}/staff", permission="staff.manage")
def accounts() -> Any:
    """Every account, and the form for a new one."""
    return _accounts({}, None)


@blueprint.page(f"{ROOT}/staff", permission="staff.manage", methods=("POST",))
def create_account() -> Any:
    """Make an account."""
    member = signed_in_member()
    names = ("username", "name", "role", "password", "province", "city")
    typed = {name: request.form.get(name, "").strip() for name in names}
    try:
        staff.create_staff(
            member.actor,
            typed["username"],
            typed["name"],
            typed["role"],
            typed["password"],
            province=typed["province"] or None,
            city=typed["city"] or None,
            clock=current_app.config["CLOCK"],
        )
    except Invalid as error:
        return _accounts(typed, error.detail), 422
    return redirect(f"{ROOT}/staff")


@blueprint.page(f"{ROOT}/staff/<username>/disable", permission="staff.manage", methods=("POST",))
def disable_account(username: str) -> Any:
    """Close an account; whoever is signed in with it is out at once."""
    member = signed_in_member()
    if username == member.username:
        raise Invalid
    staff.disable_staff(member.actor, username, current_app.config["CLOCK"])
    return redirect(f"{ROOT}/staff")


@blueprint.page(f"{ROOT}/audit", permission="platform.see")
def audit() -> Any:
    """Who did what, on the whole platform."""
    return render_template("operator/audit.html", events=trail_of(None, MOST_EVENTS), **shell())


def _accounts(typed: dict[str, str], error: Any) -> str:
    member = signed_in_member()
    return render_template(
        "operator/staff.html",
        accounts=staff.all_staff(member.actor),
        roles=ROLE_NAMES,
        typed=typed,
        error=error,
        **shell(),
    )
