"""Authorization: policies are checked here, before any view. What declares none is refused."""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import urlencode

from flask import g, redirect, request, session
from flask.typing import ResponseReturnValue
from flask_babel import lazy_gettext as _

from smartcity_saas.configuration.documents import Documents
from smartcity_saas.errors import NotAllowed, NotFound, NotSignedIn
from smartcity_saas.identity.api_clients.clients import SignedInClient, client_of_token
from smartcity_saas.identity.residents import accounts
from smartcity_saas.identity.residents.accounts import Acting, SignedInResident
from smartcity_saas.identity.residents.assurance import NotAssured, suffices
from smartcity_saas.identity.residents.consents import PRIVACY, PURPOSES
from smartcity_saas.identity.staff import sessions
from smartcity_saas.identity.staff.roles import StaffMember
from smartcity_saas.identity.staff.sessions import SignedIn
from smartcity_saas.identity.tokens import new_token
from smartcity_saas.product import product, request_site
from smartcity_saas.tenancy.context import without_tenant
from smartcity_saas.tenancy.current import current_time
from smartcity_saas.web.paths import page_of_form
from smartcity_saas.web.policy import Availability, Caller, Policy, service_of

STAFF, RESIDENT, BROWSER = "staff", "resident", "browser"
"""Names in the session: the token of each population, and the mark of the browser, to which codes
and sign-ins under way are bound."""
COUNTER = "city.counter"
"""The permission of whoever acts for residents, and of pages on which they say why."""


def authorize(policy: Policy) -> ResponseReturnValue | None:
    """Let the request through to its view, or answer it.

    Returns:
        A redirect to the sign-in page, or None.

    Raises:
        NotFound: What the address names is beyond the actor's reach.
        NotAllowed: The role lacks the permission.
        NotSignedIn: A program asks for what is somebody's, as nobody.
        NotAssured: A program asks for what needs to be surer of the resident.
    """
    if policy.who == "staff":
        return _enforce_staff(policy)
    if policy.who == "resident":
        return _enforce_resident(policy)
    if policy.who == "client":
        _enforce_client(policy)
    if policy.who == "everyone" and RESIDENT in session and (name := service_of(policy)):
        _refuse_another_desk(name)  # a first page shows what the resident has there
    return None


def current_staff() -> StaffMember | None:
    """Who is signed in on the console."""
    if "staff_member" not in g:
        token = session.get(STAFF)
        g.staff_member = sessions.signed_in(token, current_time()) if token else None
    found: StaffMember | None = g.staff_member
    return found


def bearer() -> str | None:
    """The bearer token of a call of the API (RFC 6750). Where there is one, no cookie counts."""
    kind, _space, token = request.headers.get("Authorization", "").partition(" ")
    if kind.lower() != "bearer" or not request.path.startswith("/api/"):
        return None
    return token.strip()


def current_client() -> SignedInClient | None:
    """The back office that makes the present call of the API."""
    if "api_client" not in g:
        token = bearer()
        g.api_client = client_of_token(token, current_time()) if token else None
    found: SignedInClient | None = g.api_client
    return found


def signed_in_client() -> SignedInClient:
    """The back office whom the policy of the operation has let in.

    Raises:
        NotSignedIn: None has.
    """
    client = current_client()
    if client is None:
        raise NotSignedIn
    return client


def half_signed_in() -> SignedIn | None:
    """Who has given a password on the console, a second factor still to come or not."""
    token = session.get(STAFF)
    return sessions.session_of(token, current_time()) if token else None


def current_resident() -> SignedInResident | None:
    """Who is signed in at this city's site."""
    if "resident" not in g:
        token = bearer()
        if token is None:
            token = session.get(RESIDENT)
        found = accounts.signed_in(token, current_time()) if token else None
        if found is not None and found.acting is not None:
            member = _who_acts(found.acting)
            found = (  # whoever began it may be out by now
                replace(found, services=member.services_with(COUNTER)) if member else None
            )
        g.resident = found
    resident: SignedInResident | None = g.resident
    return resident


def signed_in_member() -> StaffMember:
    """The member of staff whom the policy of the page has let in.

    Raises:
        NotAllowed: Nobody is signed in.
    """
    member = current_staff()
    if member is None:
        raise NotAllowed(_("Sign in first."))
    return member


def signed_in_resident() -> SignedInResident:
    """The resident whom the policy of the page has let in.

    Raises:
        NotSignedIn: Nobody is.
    """
    resident = current_resident()
    if resident is None:
        raise NotSignedIn
    return resident


def documents() -> Documents:
    """Documents as the signed-in member of staff sees them.

    Raises:
        NotAllowed: Nobody is signed in.
    """
    member = signed_in_member()
    registry = product().registry
    return Documents(
        member.actor,
        registry.extensions,
        registry.platform_host,
        current_time(),
        told=request.form.get("told", ""),
    )


def browser_mark() -> str:
    """The random mark of the present browser, made when it is first needed."""
    if BROWSER not in session:
        session[BROWSER] = new_token()
    return str(session[BROWSER])


def _enforce_staff(policy: Policy) -> ResponseReturnValue | None:
    member = current_staff()
    if member is None:
        return _to("/sign-in")
    reading = request.method in ("GET", "HEAD")
    if not member.may(policy.permission or "", service=service_of(policy), reading=reading):
        raise NotAllowed(_("Your role does not allow this. Ask the person who manages accounts."))
    if policy.recent_auth:
        found = half_signed_in()
        if found is None or not found.has_just_proved(current_time()):
            return _to("/account/prove", "/account")
    arguments = request.view_args or {}
    if "city" in arguments:
        g.console_city = documents().live(arguments["city"])
        if g.console_city.kind != "city":
            raise NotFound
    if "province" in arguments:
        g.console_province = documents().live(f"province:{arguments['province']}")
    return None


def _enforce_resident(policy: Policy) -> ResponseReturnValue | None:
    """Signed in, agreed to the account's purpose, and as sure as the service needs."""
    resident = current_resident()
    if resident is None:
        if policy.caller is Caller.API:
            raise NotSignedIn
        return _to("/sign-in")
    if resident.acting and policy.service is None and not policy.assisted_service:
        raise NotAllowed(_("Only the resident can do this. It cannot be done at the counter."))
    if (service := service_of(policy)) is not None:
        _refuse_another_desk(service)
    if policy.before_consent:
        return None
    if resident.consented != PURPOSES[PRIVACY].version:
        if policy.caller is Caller.API:
            raise NotAllowed(_("Sign in on the website and agree to the privacy notice first."))
        return _to("/me/consent")
    needs = _needed(policy)
    if not suffices(resident.assurance, needs):
        if policy.caller is Caller.API:
            raise NotAssured(needs)
        return _to("/me/verify")
    return None


def _refuse_another_desk(service: str) -> None:
    resident = current_resident()
    installed = product().services.get(service)
    if (
        resident is not None
        and resident.acting
        and installed is not None
        and not installed.assisted_service
    ):
        raise NotAllowed(_("Only the resident can do this. It cannot be done at the counter."))
    if resident is not None and not resident.sees(service):
        raise NotAllowed(
            _(
                "Another counter handles this service. Ask there, or ask the person who manages accounts."
            )
        )


def _who_acts(acting: Acting) -> StaffMember | None:
    """Who acts at the counter, while their own session on the console lives and lets them.

    It is the platform's row, asked for outside the city by the hash that the session itself holds.
    """
    city = request_site().city
    with without_tenant():
        member = sessions.signed_in_by(acting.session_hash, current_time())
    if member is None or city is None or not member.may(COUNTER):
        return None
    return member if member.actor.reaches_city(city.slug, city.province) else None


def _enforce_client(policy: Policy) -> None:
    client = current_client()
    if client is None:
        raise NotSignedIn(_("Send a token from /oauth/token as a bearer token."))
    if policy.scope not in client.scopes:
        raise NotAllowed(_("This token lacks the scope %(scope)s.", scope=policy.scope or ""))


def _needed(policy: Policy) -> str:
    """The level of assurance that new business with the page's service needs."""
    city = request_site().city
    name = service_of(policy)
    if city is None or name is None or policy.availability is Availability.EXISTING_BUSINESS:
        return "none"
    return city.catalog[name].assurance


def _to(page: str, after_form: str | None = None) -> ResponseReturnValue:
    """Lead to a page that leads back: to the page that was asked for, or on which the form stood
    that was sent. A form is not sent again; ``ended`` lets the page say that nothing was sent."""
    if request.method == "GET":
        here = {"next": request.full_path.rstrip("?")}
    else:
        here = {"next": after_form or page_of_form(), "ended": "1"}
    return redirect(f"{page}?{urlencode(here, safe='/')}")
