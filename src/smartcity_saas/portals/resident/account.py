"""Signing in and out, and a resident's own page."""

from __future__ import annotations

from typing import Any

from flask import abort, current_app, redirect, render_template, request, session
from flask_babel import lazy_gettext as _

from smartcity_saas.identity import residents
from smartcity_saas.identity.gatekeeper import (
    RESIDENT,
    current_resident,
    safe_next,
    signed_in_resident,
)
from smartcity_saas.identity.models import ResidentAttempt
from smartcity_saas.identity.throttle import attempt
from smartcity_saas.messages import unread_count
from smartcity_saas.portals.resident.blueprint import blueprint
from smartcity_saas.tenancy.counts import count
from smartcity_saas.tenancy.here import present_time, site_city

MOST_SIGN_INS = 60


@blueprint.page("/sign-in", who="everyone", continues=True)
def sign_in() -> Any:
    """The ways in that the city offers."""
    if current_resident() is not None:
        return redirect(safe_next(request.args.get("next"), "/me"))
    return render_template(
        "resident/sign_in.html",
        channels=_offered(),
        next=safe_next(request.args.get("next"), "/me"),
        tab="me",
    )


@blueprint.page("/sign-in/<channel>", who="everyone", methods=("POST",), continues=True)
def sign_in_by(channel: str) -> Any:
    """Come in through a channel that vouches for whoever is named."""
    city, now = site_city(), present_time()
    found = next((one for one in _offered() if one.name == channel), None) or abort(404)
    attempt(ResidentAttempt, f"sign-in:{request.remote_addr}", MOST_SIGN_INS, now)
    subject = request.form.get("subject", "")
    name = found.vouch(city, subject) or abort(404)
    token = residents.sign_in(
        channel, subject, name, demo=found.demo, clock=current_app.config["CLOCK"]
    )
    session.clear()
    session[RESIDENT] = token
    count("sign_ins", now)
    return redirect(safe_next(request.form.get("next"), "/me"))


@blueprint.page("/sign-out", who="everyone", methods=("POST",), continues=True)
def sign_out() -> Any:
    """Leave."""
    if token := session.get(RESIDENT):
        residents.sign_out(token)
    session.clear()
    return redirect("/")


@blueprint.page("/me", who="resident", continues=True)
def me() -> Any:
    """What is the resident's own, service by service; closed services are listed too."""
    resident = signed_in_resident()
    mine = [
        (service, service.mine(resident)) for service in current_app.extensions["services"].values()
    ]
    return render_template(
        "resident/me.html",
        mine=[found for found in mine if found[1]],
        unread=unread_count(resident),
        tab="me",
        title=_("My account"),
    )


def _offered() -> list[Any]:
    city = site_city()
    return [c for c in current_app.extensions["channels"].values() if c.offered(city)]
