"""Signing in by the ways that the city offers, and out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import abort, redirect, render_template, request, session
from flask.typing import ResponseReturnValue
from flask_babel import lazy_gettext as _
from flask_babel import lazy_ngettext

from smartcity_saas.addresses import network_of
from smartcity_saas.configuration.city import City
from smartcity_saas.configuration.secret_uses import uses_in
from smartcity_saas.credentials import usable_secrets
from smartcity_saas.errors import Conflict, FieldErrors, NotSignedIn, Throttled
from smartcity_saas.identity.assisted_service.sessions import open_counter
from smartcity_saas.identity.authorization import (
    BROWSER,
    RESIDENT,
    browser_mark,
    current_resident,
    signed_in_resident,
)
from smartcity_saas.identity.federation import login_requests
from smartcity_saas.identity.federation.channels import AuthenticatedIdentity, Cancelled, Channel
from smartcity_saas.identity.federation.login_requests import (
    LINK,
    MERGE,
    SIGN_IN,
    LoginPurpose,
    StaleLoginRequest,
)
from smartcity_saas.identity.known_devices import known_device, remember_device
from smartcity_saas.identity.rate_limits import count_attempt
from smartcity_saas.identity.residents import accounts, one_time_codes
from smartcity_saas.identity.residents.assurance import (
    masked_contact,
    verify_contact,
    verify_real_name,
)
from smartcity_saas.identity.residents.models import ResidentAttempt
from smartcity_saas.identity.user_agents import channel_in_app, device, on_phone
from smartcity_saas.measures import Measure, count
from smartcity_saas.portals.resident.blueprint import blueprint
from smartcity_saas.product import product
from smartcity_saas.tenancy.current import current_time, request_city
from smartcity_saas.web.languages import language
from smartcity_saas.web.paths import safe_next
from smartcity_saas.web.policy import Availability

MOST_SIGN_INS = 60
PHONE = "phone"
SHOWN_CODE = "shown_code"
"""In the demo's session: the code that an SMS would bring."""


@blueprint.page("/sign-in", who="everyone", availability=Availability.EXISTING_BUSINESS)
def sign_in() -> ResponseReturnValue:
    """The ways in that the city offers; inside an app, the app's own first."""
    if current_resident() is not None:
        return redirect(safe_next(request.args.get("next"), "/me"))
    return _page()


@blueprint.page(
    "/sign-in/<channel>", who="everyone", availability=Availability.EXISTING_BUSINESS, writes=True
)
def sign_in_at(channel: str) -> ResponseReturnValue:
    """Go to a channel at another site, or show the form of one of this site."""
    found, going_to = offered_channel(channel), safe_next(request.args.get("next"), "/me")
    if current_resident() is not None:
        return redirect(going_to)
    if found.name == PHONE and waiting_code(request.path) is not None:
        return phone_page("resident/sign_in_phone_page.html", going_to, request.path)
    if found.begin is None:
        return _page(found, next=going_to)
    return redirect(_begin(found, SIGN_IN, going_to))


@blueprint.page(
    "/sign-in/<channel>",
    who="everyone",
    methods=("POST",),
    availability=Availability.EXISTING_BUSINESS,
)
def sign_in_by(channel: str) -> ResponseReturnValue:
    """Begin, by a form: at another site, with a number, or as one of the demo's residents."""
    found, going_to = offered_channel(channel), safe_next(request.form.get("next"), "/me")
    if found.begin is not None:
        return redirect(_begin(found, SIGN_IN, going_to))
    if found.name == PHONE:
        return phone_step(found, going_to, "resident/sign_in_phone_page.html", _by_phone)
    _throttle()
    vouched = found.vouch(request_city(), request.form.get("subject", "")) or abort(404)
    return enter(found, vouched, going_to)


@blueprint.page(
    "/sign-in/<channel>/callback",
    who="everyone",
    availability=Availability.EXISTING_BUSINESS,
    writes=True,
)
def sign_in_callback(channel: str) -> ResponseReturnValue:
    """Where a channel at another site sends the browser back to."""
    found = offered_channel(channel)
    if found.finish is None:
        abort(404)
    try:
        vouched, purpose = login_requests.finish(
            request_city(), found, request.args, session.get(BROWSER), current_time()
        )
    except Cancelled as error:
        return _page(cancelled=error)
    if purpose.kind == LINK:
        return _link(found, vouched, purpose)
    if purpose.kind != SIGN_IN:
        raise StaleLoginRequest
    return enter(found, vouched, purpose.next)


@blueprint.page("/counter/<token>", who="everyone", availability=Availability.EXISTING_BUSINESS)
def counter(token: str) -> ResponseReturnValue:
    """Ask whether to open the site as a resident who stands at the counter."""
    return render_template("resident/counter.html", token=token)


@blueprint.page(
    "/counter/<token>",
    who="everyone",
    methods=("POST",),
    availability=Availability.EXISTING_BUSINESS,
)
def take_counter(token: str) -> ResponseReturnValue:
    """Open the site as a resident who stands at the counter."""
    made = open_counter(token, current_time())
    session.clear()
    session[RESIDENT] = made
    return redirect("/")


@blueprint.page(
    "/sign-out", who="everyone", methods=("POST",), availability=Availability.EXISTING_BUSINESS
)
def sign_out() -> ResponseReturnValue:
    """Leave; where the resident came in by an OpenID provider, leave there too."""
    token = session.get(RESIDENT)
    away = _sign_out_there(token) if token else None
    if token:
        accounts.sign_out(token)
    session.clear()
    return redirect(away or "/")


def enter(found: Channel, vouched: AuthenticatedIdentity, going_to: str) -> ResponseReturnValue:
    """Sign somebody in, in a session that begins anew (no fixation), and keep what the channel
    says is verified."""
    now = current_time()
    token = accounts.sign_in(found.name, vouched, now=now, device=device())
    session.clear()
    session[RESIDENT] = token
    count("", Measure.SIGN_IN, now, channel=found.name)
    resident = accounts.signed_in(token, now)
    if resident is None:
        raise NotSignedIn
    _keep_claims(resident, found, vouched)
    return redirect(going_to)


def begin_link(found: Channel) -> str:
    """The address that begins to link a channel to the signed-in resident."""
    return _begin(found, LINK, "/me/ways-in")


def link_or_ask(found: Channel, vouched: AuthenticatedIdentity) -> ResponseReturnValue | None:
    """Link a channel to the signed-in resident; where another account comes in by it, go and ask
    whether both are theirs. Returns the redirect to that question, None if it is linked."""
    resident, now = signed_in_resident(), current_time()
    try:
        accounts.link(resident, found.name, vouched, now)
    except accounts.TakenIdentity as error:
        question = login_requests.new_login_request()
        purpose = LoginPurpose(MERGE, resident_id=resident.id, other_id=error.other)
        login_requests.keep(question, browser_mark(), found.name, purpose, now)
        session[MERGE] = {"state": question.state, "channel": found.name}
        return redirect("/me/merge")
    return None


def phone_step(
    found: Channel,
    going_to: str,
    template: str,
    done: Callable[[Channel, str, str], ResponseReturnValue],
) -> ResponseReturnValue:
    """Send a code, or take one: ``done`` gets the number. A code that was sent stays on the page
    until it is used or too old, whatever else is refused."""
    now, mark, purpose = current_time(), browser_mark(), request.path
    typed = {name: request.form.get(name, "") for name in ("phone", "code")}
    address = request.remote_addr or ""
    try:
        if "code" in request.form:
            proven = one_time_codes.use_code(
                purpose, typed["code"], mark, address, now, known_device
            )
            return remember_device(
                done(found, proven, going_to), one_time_codes.mark_of(proven, now)
            )
        _number, code = one_time_codes.send_code(
            request_city(), purpose, typed["phone"], mark, address, language(), now, known_device
        )
    except FieldErrors as error:
        errors = error.fields
        return phone_page(template, going_to, purpose, typed, errors, asks="phone" in errors), 422
    except (Throttled, one_time_codes.NotSent) as error:
        if waiting_code(purpose) is None:
            raise
        page = phone_page(template, going_to, purpose, typed, {"code": _still_good(error)})
        wait = {"Retry-After": str(error.retry_after)} if isinstance(error, Throttled) else {}
        return page, error.status, wait
    if product().settings.demo:
        session[SHOWN_CODE] = code
    return phone_page(template, going_to, purpose, typed)


def phone_page(
    template: str,
    going_to: str,
    purpose: str,
    typed: dict[str, str] | None = None,
    errors: dict[str, Any] | None = None,
    *,
    asks: bool = False,
) -> str:
    """The form for the code that was sent, or for a number where none is good, or where ``asks``
    says so; the demo shows the code."""
    waiting = None if asks or "another" in request.args else waiting_code(purpose)
    return render_template(
        template,
        waiting=waiting,
        typed=typed or {},
        errors=errors or {},
        shown_code=session.get(SHOWN_CODE) if product().settings.demo else None,
        next=going_to,
        tab="me",
    )


def waiting_code(purpose: str) -> one_time_codes.Waiting | None:
    """The code that this browser was sent for a purpose, while it is good."""
    return one_time_codes.waiting_for(purpose, session.get(BROWSER), current_time())


def _still_good(error: Throttled | one_time_codes.NotSent) -> Any:
    """What to do with the code that was sent, now that no new one is."""
    if "code" in request.form:
        return error.detail
    if isinstance(error, one_time_codes.NotSent):
        return _("We could not send a new code. The one we sent before still works.")
    return lazy_ngettext(
        "Enter the code we sent: it is still valid. You can get a new one in %(num)s minute.",
        "Enter the code we sent: it is still valid. You can get a new one in %(num)s minutes.",
        -(-error.retry_after // 60),
    )


def offered_channels(city: City) -> list[Channel]:
    """The ways in that work here and now: open, usable in this browser, their secrets stored."""
    here, usable = channel_in_app(), usable_secrets()
    found = [
        one
        for one in product().channels.values()
        if one.open_at(city)
        and one.usable(one.values(city), here is not None and one.name == here.name)
        and not _out_of_reach(one)
        and all(use in usable for use in uses_in(one.values(city)))
    ]
    return sorted(found, key=lambda one: (one.demo, one is not here, one.begin is None))


def in_app_only(city: City) -> list[Channel]:
    """The ways in for which this telephone must open the page in another app."""
    channels = product().channels.values()
    return [one for one in channels if one.open_at(city) and _out_of_reach(one)]


def _out_of_reach(channel: Channel) -> bool:
    """Whether one would have to scan, on a telephone, what that telephone shows."""
    return channel.by_scanning and channel is not channel_in_app() and on_phone()


def offered_channel(name: str) -> Channel:
    """One of the ways in that work here and now; the page is not there (404) without it."""
    found = next((one for one in offered_channels(request_city()) if one.name == name), None)
    return found or abort(404)


def _by_phone(found: Channel, number: str, going_to: str) -> ResponseReturnValue:
    now = current_time()
    subject = accounts.subject_of_number(number, now)
    shown = masked_contact("sms", number)
    return enter(found, AuthenticatedIdentity((subject,), shown, phone=number), going_to)


def _begin(found: Channel, kind: str, going_to: str) -> str:
    _throttle()
    resident, here = current_resident(), channel_in_app()
    whose = resident.id if resident and kind == LINK else None
    purpose = LoginPurpose(kind, going_to, whose)
    return login_requests.begin(
        request_city(),
        found,
        browser_mark(),
        f"{request.host_url}sign-in/{found.name}/callback",
        purpose,
        current_time(),
        in_app=here is not None and here.name == found.name,
    )


def _link(
    found: Channel, vouched: AuthenticatedIdentity, purpose: LoginPurpose
) -> ResponseReturnValue:
    resident = signed_in_resident()
    if resident.id != purpose.resident_id:
        raise StaleLoginRequest
    taken = link_or_ask(found, vouched)
    if taken is not None:
        return taken
    _keep_claims(resident, found, vouched)
    return redirect(f"/me/ways-in?linked={found.name}")


def _keep_claims(
    resident: accounts.SignedInResident, found: Channel, vouched: AuthenticatedIdentity
) -> None:
    """Keep the contacts and the real name that a channel vouches for. A name that belongs to
    another account is left alone: the resident is led through it where it is needed."""
    now = current_time()
    for kind, address in (
        ("sms", one_time_codes.read_phone(vouched.phone or "")),
        ("mail", vouched.mail),
    ):
        if address:
            verify_contact(resident.id, kind, address, language(), now)
    if vouched.real_name and vouched.number:
        try:
            verify_real_name(resident, vouched.real_name, vouched.number, now, by=found.name)
        except (Conflict, FieldErrors):
            return


def _sign_out_there(token: str) -> str | None:
    row = accounts.session_of(token)
    found = product().channels.get(row.channel) if row else None
    if row is None or found is None or found.end is None or not found.open_at(request_city()):
        return None
    id_token = accounts.id_token_of(row, current_time())
    values = found.values(request_city())
    away: str | None = found.end(values, id_token, request.host_url) if id_token else None
    return away


def _page(only: Channel | None = None, **values: Any) -> str:
    channels = [only] if only else offered_channels(request_city())
    values.setdefault("next", safe_next(request.args.get("next"), "/me"))
    return render_template(
        "resident/sign_in.html",
        channels=channels,
        in_app_only=[] if only else in_app_only(request_city()),
        app=channel_in_app(),
        tab="me",
        **values,
    )


def _throttle() -> None:
    count_attempt(
        ResidentAttempt, f"sign-in:{network_of(request.remote_addr)}", MOST_SIGN_INS, current_time()
    )
