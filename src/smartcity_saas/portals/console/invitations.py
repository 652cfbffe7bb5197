"""Taking up an invitation: a user name and a password, then signing in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import render_template, request
from flask.typing import ResponseReturnValue

from smartcity_saas.addresses import network_of
from smartcity_saas.errors import Invalid
from smartcity_saas.identity.rate_limits import count_attempt
from smartcity_saas.identity.staff import accounts, invitations, sessions
from smartcity_saas.identity.staff.models import StaffAttempt
from smartcity_saas.identity.staff.roles import title_of
from smartcity_saas.identity.staff.single_sign_on import offered_by
from smartcity_saas.identity.user_agents import device
from smartcity_saas.portals.console.blueprint import blueprint
from smartcity_saas.portals.console.sign_in import enter
from smartcity_saas.tenancy.current import current_time

MOST_TRIES = 30


@blueprint.page("/invitations/<token>", permission=None)
def invitation(token: str) -> ResponseReturnValue:
    """What one is invited to, and the form."""
    return invitation_page(token)


@blueprint.page("/invitations/<token>", permission=None, methods=("POST",))
def accept_invitation(token: str) -> ResponseReturnValue:
    """Make the account; only name and password are one's own to choose."""
    count_attempt(
        StaffAttempt, f"invitation:{network_of(request.remote_addr)}", MOST_TRIES, current_time()
    )
    username = request.form.get("username", "")
    try:
        member = invitations.accept(
            token, username, request.form.get("password", ""), current_time()
        )
    except Invalid as error:
        return invitation_page(token, username, error.by_field()), 422
    made = sessions.begin_session(member, current_time(), device=device())
    return enter(made, "/")


def invitation_page(token: str, username: str = "", errors: Mapping[str, Any] | None = None) -> str:
    """What one is invited to, and the form."""
    found = invitations.open_invitation(token, current_time())
    return render_template(
        "console/invitation.html",
        found=found,
        title=title_of(found.roles),
        provider=offered_by(accounts.province_at(found.province, found.city)),
        username=username,
        errors=errors or {},
    )
