"""Signing in on the console: name and password, then a second factor where one is set or needed."""

from __future__ import annotations

import io
import json
from typing import Any

from flask import Response, redirect, render_template, request, session
from flask.typing import ResponseReturnValue
from flask_babel import lazy_gettext as _

from smartcity_saas.errors import Invalid, NotAllowed, NotSignedIn, Throttled
from smartcity_saas.identity.authorization import (
    STAFF,
    current_staff,
    half_signed_in,
    signed_in_member,
)
from smartcity_saas.identity.known_devices import known_device, remember_device
from smartcity_saas.identity.staff import second_factors, sessions
from smartcity_saas.identity.staff.roles import StaffMember
from smartcity_saas.identity.staff.second_factors import PASSKEY
from smartcity_saas.identity.staff.sessions import SignedIn
from smartcity_saas.identity.staff.single_sign_on import offered, offered_by, sign_out_there
from smartcity_saas.identity.user_agents import device
from smartcity_saas.portals.console.blueprint import blueprint
from smartcity_saas.tenancy.current import current_time
from smartcity_saas.texts import Text
from smartcity_saas.web.paths import safe_next

NEXT, TOTP_SECRET, CHALLENGE = "next", "totp", "challenge"


@blueprint.page("/sign-in", permission=None)
def sign_in() -> ResponseReturnValue:
    """The form."""
    if current_staff() is not None:
        return redirect("/")
    return sign_in_form()


@blueprint.page("/sign-in", permission=None, methods=("POST",))
def sign_in_with_password() -> ResponseReturnValue:
    """Sign in by name and password."""
    username = request.form.get("username", "")
    try:
        token = sessions.sign_in(
            username,
            request.form.get("password", ""),
            request.remote_addr or "",
            current_time(),
            known_device=known_device(username.strip().lower()),
            device=device(),
        )
    except Throttled as error:
        return sign_in_form(username, error.detail), 429, {"Retry-After": str(error.retry_after)}
    except Invalid as error:
        return sign_in_form(username, error.detail), 422
    return enter(token, safe_next(request.form.get("next")))


@blueprint.page("/sign-in/second", permission=None)
def second_factor() -> ResponseReturnValue:
    """Ask for the code, or the passkey."""
    return _second_page(_half())


@blueprint.page("/sign-in/second", permission=None, methods=("POST",))
def take_second_factor() -> ResponseReturnValue:
    """Take the code of the app, a recovery code, or a passkey's answer."""
    half, now = _half(), current_time()
    try:
        if "answer" in request.form:
            origin, rp_id = place()
            second_factors.check_passkey(
                half.member, _answer(), session.pop(CHALLENGE, ""), origin, rp_id
            )
        else:
            known = known_device(half.member.username)
            second_factors.check_code(
                half.member, request.form.get("code", ""), now, known_device=known
            )
    except Throttled as error:
        return _second_page(half, {factor_field(): error.detail}), 429
    except Invalid as error:
        return _second_page(half, error.by_field(factor_field())), 422
    return _complete()


@blueprint.page("/sign-in/set-up", permission=None)
def set_up() -> ResponseReturnValue:
    """The role needs a second factor, and there is none yet."""
    return _set_up_page(_without_factor())


@blueprint.page("/sign-in/set-up", permission=None, methods=("POST",))
def take_set_up() -> ResponseReturnValue:
    """Keep the first second factor, and come in."""
    half = _without_factor()
    try:
        take_factor(half.member)
    except Invalid as error:
        return _set_up_page(half, error.by_field(factor_field())), 422
    codes = second_factors.new_recovery_codes(half.member, current_time())
    _complete()
    page = render_template("console/recovery_codes.html", codes=codes, staff=current_staff())
    return remember_device(page, half.member.username)


@blueprint.page("/sign-in/code.svg", permission=None)
def totp_code() -> ResponseReturnValue:
    """The QR code of the secret that is being set up, for its own browser."""
    import segno  # only where one is set up

    half, secret = half_signed_in(), session.get(TOTP_SECRET)
    if half is None or not secret:
        raise NotAllowed(_("Sign in first."))
    image = io.BytesIO()
    segno.make(second_factors.totp_uri(half.member, secret), error="m").save(
        image, kind="svg", scale=5, border=2
    )
    return Response(image.getvalue(), mimetype="image/svg+xml")


@blueprint.page("/sign-out", permission=None, methods=("POST",))
def sign_out() -> ResponseReturnValue:
    """Leave; where one came in by the province's provider, leave there too."""
    token, away = session.get(STAFF), None
    if token:
        half, back = half_signed_in(), f"{request.host_url}sign-in"
        provider = offered_by(half.province) if half else None
        away = provider and sign_out_there(provider, token, back, current_time())
        sessions.sign_out(token)
    session.clear()
    return leave_for(away) if away else redirect("/sign-in")


@blueprint.page("/", permission="own")
def begin() -> ResponseReturnValue:
    """Where each role begins."""
    member = signed_in_member()
    if member.city:
        return redirect(f"/cities/{member.city}/overview")
    if member.province:
        return redirect(f"/provinces/{member.province}")
    return redirect("/platform")


def sign_in_form(username: str = "", error: Text | None = None) -> str:
    """The form for name and password, and the provinces' providers."""
    return render_template(
        "console/sign_in.html",
        username=username,
        error=error,
        providers=offered(),
        next=safe_next(request.values.get("next")),
    )


def enter(token: str, going_to: str) -> ResponseReturnValue:
    """Go in with a new session, or on to the second factor."""
    session.clear()
    session[STAFF] = token
    half = half_signed_in()
    if half is None:
        raise NotSignedIn
    if half.complete:
        return remember_device(redirect(going_to), half.member.username)
    session[NEXT] = going_to
    return redirect("/sign-in/second" if half.has_factor else "/sign-in/set-up")


def leave_for(url: str) -> ResponseReturnValue:
    """A page that goes on to another site by itself: what answers a form may not lead there
    (``form-action``)."""
    return render_template("console/go_on.html", url=url), {"Refresh": f"0; url={url}"}


def place() -> tuple[str, str]:
    """The console's origin, and its host as WebAuthn names it."""
    return request.host_url.rstrip("/"), request.host.partition(":")[0]


def take_factor(member: StaffMember) -> None:
    """Keep the factor that the present form brings: an app's code, or a passkey.

    Raises:
        Invalid: It does not fit.
    """
    now = current_time()
    if "answer" in request.form:
        origin, rp_id = place()
        challenge = session.pop(CHALLENGE, "")
        second_factors.add_passkey(member, _answer(), challenge, origin, rp_id, now)
    else:
        second_factors.add_totp(
            member, session.get(TOTP_SECRET, ""), request.form.get("code", ""), now
        )
        session.pop(TOTP_SECRET, None)


def factor_field() -> str:
    """The field at which a fault of the present form stands: the code's; a passkey has none."""
    return "" if "answer" in request.form else "code"


def set_up_values(member: StaffMember) -> dict[str, Any]:
    """What the page that sets up a factor needs: a secret, and a passkey's options."""
    if TOTP_SECRET not in session:
        session[TOTP_SECRET] = second_factors.new_totp_secret()
    options, session[CHALLENGE] = second_factors.registration_options(member, place()[1])
    return {"secret": session[TOTP_SECRET], "options": options}


def _set_up_page(half: SignedIn, errors: Any = None) -> str:
    return render_template("console/set_up.html", errors=errors or {}, **set_up_values(half.member))


def _second_page(half: SignedIn, errors: Any = None) -> str:
    found, options = second_factors.factors_of(half.member), None
    if any(one.kind == PASSKEY for one in found):
        options, session[CHALLENGE] = second_factors.authentication_options(half.member, place()[1])
    return render_template("console/second.html", errors=errors or {}, options=options)


def _complete() -> ResponseReturnValue:
    token = sessions.complete_session(session[STAFF], current_time())
    going_to = safe_next(session.get(NEXT))
    session.clear()
    return enter(token, going_to)


def _half() -> SignedIn:
    found = half_signed_in()
    if found is None or found.complete:
        raise NotAllowed(_("Sign in first."))
    return found


def _without_factor() -> SignedIn:
    found = _half()
    if found.has_factor:
        raise NotAllowed(_("You have already set up two-step verification. Sign in with it."))
    return found


def _answer() -> ResponseReturnValue:
    try:
        found = json.loads(request.form.get("answer", ""))
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}
