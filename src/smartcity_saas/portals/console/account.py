"""One's own account: password, second factors, recovery codes, the province's provider. What
changes how one signs in wants a fresh proof of who one is."""

from __future__ import annotations

import uuid
from typing import Any

from flask import abort, redirect, render_template, request, session
from flask.typing import ResponseReturnValue

from smartcity_saas.errors import FieldErrors, Invalid, Throttled
from smartcity_saas.identity.authorization import STAFF, documents, signed_in_member
from smartcity_saas.identity.staff import accounts, second_factors
from smartcity_saas.identity.staff import sessions as staff_sessions
from smartcity_saas.identity.staff.single_sign_on import (
    LINK,
    PROVE,
    Provider,
    identity_of,
    offered_by,
    unlink,
)
from smartcity_saas.identity.tokens import token_hash
from smartcity_saas.portals.console.blueprint import blueprint
from smartcity_saas.portals.console.sign_in import factor_field, set_up_values, take_factor
from smartcity_saas.portals.console.single_sign_on import go_on
from smartcity_saas.tenancy.current import current_time
from smartcity_saas.web.paths import safe_next

ROOT = "/account"


@blueprint.page(ROOT, permission="own")
def account() -> ResponseReturnValue:
    """Name, roles, and how one signs in."""
    return _page()


@blueprint.page(f"{ROOT}/password", permission="own", methods=("POST",))
def change_password() -> ResponseReturnValue:
    """Change the password; everywhere else one is signed out."""
    try:
        accounts.change_password(
            signed_in_member(),
            request.form.get("old_password", ""),
            request.form.get("new_password", ""),
            session.get(STAFF),
            current_time(),
        )
    except accounts.WrongPassword as error:
        return _page({"old_password": error.detail}), 422
    except FieldErrors as error:
        return _page({"new_password": error.fields["password"]}), 422
    return redirect(f"{ROOT}?done=password")


@blueprint.page(f"{ROOT}/factors", permission="own", recent_auth=True)
def add_factor_form() -> ResponseReturnValue:
    """Set up another factor."""
    return render_template(
        "console/add_factor.html", errors={}, **set_up_values(signed_in_member()), **_shell()
    )


@blueprint.page(f"{ROOT}/factors", permission="own", methods=("POST",), recent_auth=True)
def add_factor() -> ResponseReturnValue:
    """Keep it."""
    member = signed_in_member()
    try:
        take_factor(member)
    except Invalid as error:
        values = set_up_values(member)
        return render_template(
            "console/add_factor.html", errors=error.by_field(factor_field()), **values, **_shell()
        ), 422
    if not second_factors.recovery_codes_left(member):
        codes = second_factors.new_recovery_codes(member, current_time())
        return render_template("console/recovery_codes.html", codes=codes, **_shell())
    return redirect(f"{ROOT}?done=factor")


@blueprint.page(
    f"{ROOT}/factors/<uuid:factor_id>/remove", permission="own", methods=("POST",), recent_auth=True
)
def remove_factor(factor_id: uuid.UUID) -> ResponseReturnValue:
    """Take one away."""
    second_factors.remove_factor(signed_in_member(), factor_id, current_time())
    return redirect(ROOT)


@blueprint.page(f"{ROOT}/recovery-codes", permission="own", methods=("POST",), recent_auth=True)
def new_recovery_codes() -> ResponseReturnValue:
    """Ten new ones; the older ones are void."""
    codes = second_factors.new_recovery_codes(signed_in_member(), current_time())
    return render_template("console/recovery_codes.html", codes=codes, **_shell())


@blueprint.page(f"{ROOT}/sessions", permission="own")
def sessions() -> ResponseReturnValue:
    """Where one is signed in."""
    member, here = signed_in_member(), token_hash(session.get(STAFF, ""))
    found = staff_sessions.sessions_of(member, current_time())
    return render_template("console/sessions.html", found=found, here=here, **_shell())


@blueprint.page(f"{ROOT}/sessions/end", permission="own", methods=("POST",))
def end_sessions() -> ResponseReturnValue:
    """End one of them, or all but this one."""
    member, now = signed_in_member(), current_time()
    here = token_hash(session.get(STAFF, ""))
    chosen = [one.token_hash for one in staff_sessions.sessions_of(member, now)]
    if "session" in request.form:
        chosen = [one for one in chosen if one == request.form["session"]]
    staff_sessions.end_sessions(member, [one for one in chosen if one != here], now)
    return redirect(f"{ROOT}/sessions")


@blueprint.page(f"{ROOT}/prove", permission="own")
def prove_form() -> ResponseReturnValue:
    """Prove anew who one is: by the password, or at the province's provider."""
    return _proof_page()


@blueprint.page(f"{ROOT}/prove", permission="own", methods=("POST",))
def prove() -> ResponseReturnValue:
    """Take the password."""
    member, now = signed_in_member(), current_time()
    try:
        staff_sessions.prove(member, request.form.get("password", ""), session.get(STAFF, ""), now)
    except Throttled as error:
        return _proof_page({"password": error.detail}), 429
    except Invalid as error:
        return _proof_page(error.by_field("password")), 422
    return redirect(safe_next(request.form.get("next"), ROOT))


@blueprint.page(f"{ROOT}/prove/with-province", permission="own", methods=("POST",))
def prove_there() -> ResponseReturnValue:
    """Prove it at the province's provider."""
    return go_on(PROVE, _provider(), next=safe_next(request.form.get("next"), ROOT))


@blueprint.page(f"{ROOT}/single-sign-on", permission="own", methods=("POST",), recent_auth=True)
def link_province() -> ResponseReturnValue:
    """Go to the province's provider to link one's account there."""
    return go_on(LINK, _provider(), username=signed_in_member().username)


@blueprint.page(
    f"{ROOT}/single-sign-on/unlink", permission="own", methods=("POST",), recent_auth=True
)
def unlink_province() -> ResponseReturnValue:
    """Come in by it no longer."""
    unlink(signed_in_member(), current_time())
    return redirect(ROOT)


def _provider() -> Provider:
    return offered_by(accounts.province_of(signed_in_member())) or abort(404)


def _proof_page(errors: dict[str, Any] | None = None) -> str:
    member = signed_in_member()
    provider = offered_by(accounts.province_of(member))
    return render_template(
        "console/prove.html",
        errors=errors or {},
        by_password=accounts.has_password(member),
        provider=provider if identity_of(member, provider) else None,
        next=safe_next(request.values.get("next"), ROOT),
        **_shell(),
    )


def _page(errors: dict[str, Any] | None = None) -> str:
    member = signed_in_member()
    provider = offered_by(accounts.province_of(member))
    return render_template(
        "console/account.html",
        provider=provider,
        linked=identity_of(member, provider),
        by_password=accounts.has_password(member),
        factors=second_factors.factors_of(member),
        codes_left=second_factors.recovery_codes_left(member),
        errors=errors or {},
        done=request.args.get("done"),
        **_shell(),
    )


def _shell() -> dict[str, Any]:
    """The navigation of the place where one's roles are held: the way back to work."""
    member = signed_in_member()
    if member.city:
        return {"console_city": documents().live(member.city)}
    if member.province:
        return {"console_province": documents().live(f"province:{member.province}")}
    return {"console_platform": True}
