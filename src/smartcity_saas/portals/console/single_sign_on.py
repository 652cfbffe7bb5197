"""Coming in by a province's own OpenID provider, and coming back from it."""

from __future__ import annotations

from flask import abort, redirect, request, session
from flask.typing import ResponseReturnValue
from flask_babel import lazy_gettext as _

from smartcity_saas.addresses import network_of
from smartcity_saas.database import transaction
from smartcity_saas.errors import Invalid, NotAllowed
from smartcity_saas.identity.authorization import STAFF, current_staff, signed_in_member
from smartcity_saas.identity.federation.channels import Cancelled
from smartcity_saas.identity.rate_limits import count_attempt, give_back
from smartcity_saas.identity.staff import accounts, invitations, sessions, single_sign_on
from smartcity_saas.identity.staff.models import StaffAttempt
from smartcity_saas.identity.staff.single_sign_on import (
    ACCEPT,
    LINK,
    SIGN_IN,
    NotLinked,
    Provider,
    Told,
    offered_by,
)
from smartcity_saas.identity.user_agents import device
from smartcity_saas.portals.console.blueprint import blueprint
from smartcity_saas.portals.console.invitations import invitation_page
from smartcity_saas.portals.console.sign_in import enter, leave_for, sign_in_form
from smartcity_saas.tenancy.current import current_time
from smartcity_saas.web.paths import safe_next

ROOT = "/sign-in/with/<province>"
BEGUN = "single_sign_on"
MOST_BEGUN = 60


@blueprint.page(ROOT, permission=None)
def sign_in_with(province: str) -> ResponseReturnValue:
    """Go to a province's provider."""
    if current_staff() is not None:
        return redirect("/")
    provider = offered_by(province) or abort(404)
    return redirect(_begin(SIGN_IN, provider, next=safe_next(request.args.get("next"))))


@blueprint.page(f"{ROOT}/callback", permission=None)
def sign_in_with_callback(province: str) -> ResponseReturnValue:
    """Where a province's provider sends the browser back to."""
    provider, begun = offered_by(province) or abort(404), session.pop(BEGUN, None)
    try:
        told = single_sign_on.finish(provider, begun, request.args, current_time())
    except Cancelled as error:
        return sign_in_form(error=error.detail) if current_staff() is None else redirect("/account")
    give_back(StaffAttempt, _counted())
    if told.purpose == ACCEPT:
        return _accept(told)
    if told.purpose == SIGN_IN:
        return _sign_in(told)
    return _link(told) if told.purpose == LINK else _prove(told)


@blueprint.page("/invitations/<token>/with-province", permission=None, methods=("POST",))
def accept_with_province(token: str) -> ResponseReturnValue:
    """Take an invitation up as somebody whom the province's provider knows."""
    place = invitations.open_invitation(token, current_time())
    provider = offered_by(accounts.province_at(place.province, place.city)) or abort(404)
    username = request.form.get("username", "")
    try:
        if place.staff_id is None:
            accounts.read_username(username)
    except Invalid as error:
        return invitation_page(token, username, error.by_field()), 422
    return go_on(ACCEPT, provider, invitation=token, username=username)


def go_on(purpose: str, provider: Provider, **kept: str) -> ResponseReturnValue:
    """Answer a form by going on to a provider."""
    return leave_for(_begin(purpose, provider, **kept))


def _begin(purpose: str, provider: Provider, **kept: str) -> str:
    now = current_time()
    count_attempt(StaffAttempt, _counted(), MOST_BEGUN, now)
    back = f"{request.host_url}sign-in/with/{provider.province}/callback"
    url, session[BEGUN] = single_sign_on.begin(provider, purpose, back, now, **kept)
    return url


def _counted() -> str:
    return f"provider:{network_of(request.remote_addr)}"


def _sign_in(told: Told) -> ResponseReturnValue:
    try:
        token = single_sign_on.sign_in(told, current_time(), device=device())
    except NotLinked as error:
        return sign_in_form(error=error.detail), 422
    return enter(token, safe_next(told.kept["next"]))


def _accept(told: Told) -> ResponseReturnValue:
    token, username = told.kept["invitation"], told.kept["username"]
    try:
        with transaction():
            member = invitations.accept(token, username, None, current_time())
            single_sign_on.link(member, told, current_time())
    except Invalid as error:
        return invitation_page(token, username, error.by_field()), 422
    made = sessions.begin_session(member, current_time(), device=device(), provided=told.provided)
    return enter(made, "/")


def _link(told: Told) -> ResponseReturnValue:
    member = signed_in_member()
    if member.username != told.kept["username"]:
        raise NotAllowed(_("You have since signed in as somebody else. Start again."))
    single_sign_on.link(member, told, current_time())
    return redirect("/account?done=linked")


def _prove(told: Told) -> ResponseReturnValue:
    if not single_sign_on.proves(signed_in_member(), told):
        raise NotAllowed(_("That is not the account yours is linked with."))
    sessions.note_proof(session[STAFF], current_time())
    return redirect(safe_next(told.kept["next"], "/account"))
