"""What all staff share on the console: signing in and out, and where to begin."""

from __future__ import annotations

from typing import Any

from flask import current_app, redirect, render_template, request, session

from smartcity_saas.errors import Invalid, Throttled
from smartcity_saas.identity import staff
from smartcity_saas.identity.access import CITY_STAFF, PROVINCE_ADMIN
from smartcity_saas.identity.gatekeeper import STAFF, current_staff, safe_next, signed_in_member
from smartcity_saas.web.policy import ConsoleBlueprint

blueprint = ConsoleBlueprint("console", __name__)


@blueprint.page("/sign-in", permission=None)
def sign_in() -> Any:
    """The form."""
    if current_staff() is not None:
        return redirect("/")
    return _form()


@blueprint.page("/sign-in", permission=None, methods=("POST",))
def sign_in_with_password() -> Any:
    """Sign in by name and password."""
    username = request.form.get("username", "")
    try:
        token = staff.sign_in(
            username,
            request.form.get("password", ""),
            request.remote_addr or "",
            current_app.config["CLOCK"],
        )
    except Throttled as error:
        return _form(username, error.detail), 429, {"Retry-After": str(error.retry_after)}
    except Invalid as error:
        return _form(username, error.detail), 422
    session.clear()
    session[STAFF] = token
    return redirect(safe_next(request.form.get("next")))


@blueprint.page("/sign-out", permission=None, methods=("POST",))
def sign_out() -> Any:
    """Leave."""
    if token := session.get(STAFF):
        staff.sign_out(token)
    session.clear()
    return redirect("/sign-in")


@blueprint.page("/", permission="city.see")
def begin() -> Any:
    """Where each role begins."""
    member = signed_in_member()
    if member.role == CITY_STAFF:
        return redirect(f"/cities/{member.city}")
    if member.role == PROVINCE_ADMIN:
        return redirect(f"/provinces/{member.province}")
    return redirect("/platform")


def _form(username: str = "", error: Any = None) -> str:
    return render_template(
        "console/sign_in.html",
        username=username,
        error=error,
        next=safe_next(request.values.get("next")),
    )
