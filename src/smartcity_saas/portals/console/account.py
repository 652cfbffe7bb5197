"""One's own account: password, second factors, recovery codes."""

from __future__ import annotations

import uuid
from typing import Any

from flask import current_app, redirect, render_template, request, session

from smartcity_saas.errors import Invalid
from smartcity_saas.identity import factors, staff
from smartcity_saas.identity.gatekeeper import STAFF, signed_in_member
from smartcity_saas.portals.console.blueprint import blueprint
from smartcity_saas.portals.console.signing_in import set_up_values, take_factor
from smartcity_saas.tenancy.here import present_time

ROOT = "/account"


@blueprint.page(ROOT, permission="own")
def account() -> Any:
    """Name, roles, and how one signs in."""
    return _page()


@blueprint.page(f"{ROOT}/password", permission="own", methods=("POST",))
def change_password() -> Any:
    """Change the password; everywhere else one is signed out."""
    try:
        staff.change_password(
            signed_in_member(),
            request.form.get("old", ""),
            request.form.get("new", ""),
            session.get(STAFF),
            current_app.config["CLOCK"],
        )
    except Invalid as error:
        return _page(password_error=error.detail), 422
    return redirect(f"{ROOT}?done=password")


@blueprint.page(f"{ROOT}/factors", permission="own")
def add_factor_form() -> Any:
    """Set up another factor."""
    return render_template(
        "console/add_factor.html", error=None, **set_up_values(signed_in_member())
    )


@blueprint.page(f"{ROOT}/factors", permission="own", methods=("POST",))
def add_factor() -> Any:
    """Keep it."""
    member = signed_in_member()
    try:
        take_factor(member)
    except Invalid as error:
        values = set_up_values(member)
        return render_template("console/add_factor.html", error=error.detail, **values), 422
    if not factors.recovery_codes_left(member):
        codes = factors.new_recovery_codes(member, present_time())
        return render_template("console/recovery_codes.html", codes=codes)
    return redirect(f"{ROOT}?done=factor")


@blueprint.page(f"{ROOT}/factors/<uuid:factor_id>/remove", permission="own", methods=("POST",))
def remove_factor(factor_id: uuid.UUID) -> Any:
    """Take one away."""
    factors.remove_factor(signed_in_member(), factor_id, present_time())
    return redirect(ROOT)


@blueprint.page(f"{ROOT}/recovery-codes", permission="own", methods=("POST",))
def new_recovery_codes() -> Any:
    """Ten new ones; the older ones are void."""
    codes = factors.new_recovery_codes(signed_in_member(), present_time())
    return render_template("console/recovery_codes.html", codes=codes)


def _page(password_error: Any = None) -> str:
    member = signed_in_member()
    return render_template(
        "console/account.html",
        factors=factors.factors_of(member),
        codes_left=factors.recovery_codes_left(member),
        password_error=password_error,
        done=request.args.get("done"),
    )
