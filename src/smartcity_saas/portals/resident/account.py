"""A resident's own page: what is theirs, the ways in, merging, consent, and being surer of them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Any
from urllib.parse import urlsplit

from flask import abort, current_app, redirect, render_template, request, session
from flask.typing import ResponseReturnValue
from flask_babel import lazy_gettext as _
from werkzeug.exceptions import HTTPException
from werkzeug.routing import RoutingException

from smartcity_saas.catalog.service import DashboardItem
from smartcity_saas.clock import today_in
from smartcity_saas.configuration.city import CatalogEntry
from smartcity_saas.errors import FieldErrors
from smartcity_saas.identity.authorization import BROWSER, signed_in_resident
from smartcity_saas.identity.federation import login_requests
from smartcity_saas.identity.federation.channels import AuthenticatedIdentity, Channel
from smartcity_saas.identity.federation.login_requests import MERGE
from smartcity_saas.identity.residents import accounts
from smartcity_saas.identity.residents.assurance import (
    LEVEL_NAMES,
    NumberTaken,
    masked_contact,
    suffices,
    verify_contact,
    verify_real_name,
)
from smartcity_saas.identity.residents.consents import (
    MESSAGES,
    PRIVACY,
    PURPOSES,
    REAL_NAME,
    agrees,
    give,
)
from smartcity_saas.identity.residents.identity_numbers import read_real_name
from smartcity_saas.identity.residents.merging import merge
from smartcity_saas.notifications import unread_count
from smartcity_saas.portals.resident.blueprint import blueprint
from smartcity_saas.portals.resident.sign_in import (
    begin_link,
    link_or_ask,
    offered_channel,
    offered_channels,
    phone_page,
    phone_step,
)
from smartcity_saas.product import product
from smartcity_saas.tenancy.current import current_time, request_city
from smartcity_saas.web.languages import language, sentences
from smartcity_saas.web.paths import safe_next
from smartcity_saas.web.policy import Availability, policy_of, service_of

LINK_PHONE = "/me/ways-in/phone/verify"
VERIFY = "/me/verify"
"""Where a verification leads back to, unless something waited for it: it says what is done."""


def _by_day(lines: Iterable[DashboardItem]) -> list[DashboardItem]:
    """Some lines by their day, so that what is late stands first; without one last."""
    return sorted(lines, key=lambda line: line.by or date.max)


@blueprint.page("/me", who="resident", availability=Availability.EXISTING_BUSINESS)
def me() -> ResponseReturnValue:
    """What is the resident's own, service by service; closed services are listed too."""
    resident = signed_in_resident()
    mine = [(service, service.dashboard_items(resident)) for service in product().parts]
    lines = [line for _service, found in mine for line in found]
    return render_template(
        "resident/me.html",
        waiting=_by_day(line for line in lines if line.waits_for_resident),
        coming=_by_day(line for line in lines if line.by and not line.waits_for_resident),
        today=today_in(request_city().timezone, current_time()),
        mine=[found for found in mine if found[1]],
        unread=unread_count(resident),
        level=LEVEL_NAMES[resident.assurance],
        tab="me",
        title=_("My account"),
    )


@blueprint.page(
    "/me/consent", who="resident", availability=Availability.EXISTING_BUSINESS, before_consent=True
)
def consent() -> ResponseReturnValue:
    """The question that stands before everything else: may we keep an account?"""
    return render_template(
        "resident/consent.html",
        purpose=PURPOSES[PRIVACY],
        next=safe_next(request.args.get("next"), "/me"),
        tab="me",
    )


@blueprint.page(
    "/me/consent",
    who="resident",
    methods=("POST",),
    availability=Availability.EXISTING_BUSINESS,
    before_consent=True,
)
def agree() -> ResponseReturnValue:
    """Agree."""
    give(signed_in_resident().id, PRIVACY, current_time())
    return redirect(safe_next(request.form.get("next"), "/me"))


@blueprint.page("/me/ways-in", who="resident", availability=Availability.EXISTING_BUSINESS)
def ways_in() -> ResponseReturnValue:
    """By which channels the resident comes in, and those that could be linked."""
    ways = accounts.identities_of(signed_in_resident())
    channels = product().channels
    return render_template(
        "resident/ways_in.html",
        ways={name: rows for name, rows in ways.items() if name in channels},
        channels=channels,
        others=[
            one for one in offered_channels(request_city()) if one.name not in ways and not one.demo
        ],
        linked=channels.get(request.args.get("linked", "")),
        tab="me",
    )


@blueprint.page(
    "/me/ways-in/<channel>/link",
    who="resident",
    methods=("POST",),
    availability=Availability.EXISTING_BUSINESS,
)
def link_channel(channel: str) -> ResponseReturnValue:
    """Begin to link another channel."""
    found = offered_channel(channel)
    return redirect(begin_link(found) if found.begin else f"/me/ways-in/{found.name}/link")


@blueprint.page(
    "/me/ways-in/<channel>/link", who="resident", availability=Availability.EXISTING_BUSINESS
)
def link_form(channel: str) -> ResponseReturnValue:
    """The form that links a number."""
    if offered_channel(channel).template != "resident/sign_in_phone.html":
        abort(404)
    return phone_page("resident/link_phone.html", "/me/ways-in", LINK_PHONE)


@blueprint.page(
    LINK_PHONE, who="resident", methods=("POST",), availability=Availability.EXISTING_BUSINESS
)
def link_phone() -> ResponseReturnValue:
    """Send a code to the number to link, or take it."""
    return phone_step(
        offered_channel("phone"), "/me/ways-in", "resident/link_phone.html", _linked_phone
    )


@blueprint.page(
    "/me/ways-in/<channel>/unlink",
    who="resident",
    methods=("POST",),
    availability=Availability.EXISTING_BUSINESS,
)
def unlink_channel(channel: str) -> ResponseReturnValue:
    """Let a channel lead here no longer."""
    accounts.unlink(signed_in_resident(), channel, current_time())
    return redirect("/me/ways-in")


@blueprint.page("/me/merge", who="resident", availability=Availability.EXISTING_BUSINESS)
def merge_question() -> ResponseReturnValue:
    """Another account comes in by the channel that was to be linked: are both yours?"""
    waiting = session.get(MERGE) or abort(404)
    return render_template(
        "resident/merge.html",
        channel=product().channels[waiting["channel"]],
        tab="me",
    )


@blueprint.page(
    "/me/merge", who="resident", methods=("POST",), availability=Availability.EXISTING_BUSINESS
)
def merge_accounts() -> ResponseReturnValue:
    """Make one account of the two, or leave them as they are."""
    waiting = session.pop(MERGE, None) or abort(404)
    resident, now = signed_in_resident(), current_time()
    _hand, purpose = login_requests.use(
        waiting["state"], waiting["channel"], session.get(BROWSER), now
    )
    if "merge" in request.form and purpose.other_id and purpose.resident_id == resident.id:
        merge(resident, purpose.other_id, now)
    return redirect("/me/ways-in")


@blueprint.page("/me/verify", who="resident", availability=Availability.EXISTING_BUSINESS)
def verify() -> ResponseReturnValue:
    """The next step to where the city is sure enough of the resident."""
    return _verify_page({}, {})


@blueprint.page(
    "/me/verify", who="resident", methods=("POST",), availability=Availability.EXISTING_BUSINESS
)
def verify_name() -> ResponseReturnValue:
    """Take a real name and a resident number."""
    typed = {name: request.form.get(name, "") for name in ("real_name", "number", "agree")}
    now, errors = current_time(), {}
    try:
        if "agree" in request.form:
            verify_real_name(signed_in_resident(), typed["real_name"], typed["number"], now)
        else:
            errors["agree"] = _(
                "Tick the box to agree, or go to the counter with your identity card."
            )
            read_real_name(
                typed["real_name"], typed["number"], today_in(request_city().timezone, now)
            )
    except FieldErrors as error:
        errors = {**error.fields, **errors}
    except NumberTaken as error:
        return _verify_page(typed, {"number": sentences(error.title, error.detail)}), 409
    if errors:
        return _verify_page(typed, errors), 422
    return redirect(safe_next(request.form.get("next"), VERIFY))


@blueprint.page("/me/verify/phone", who="resident", availability=Availability.EXISTING_BUSINESS)
def verify_phone_form() -> ResponseReturnValue:
    """The form for a number to reach the resident by."""
    going_to = safe_next(request.args.get("next"), VERIFY)
    return phone_page("resident/verify_phone.html", going_to, request.path)


@blueprint.page(
    "/me/verify/phone",
    who="resident",
    methods=("POST",),
    availability=Availability.EXISTING_BUSINESS,
)
def verify_phone() -> ResponseReturnValue:
    """Send a code, or take it."""
    going_to = safe_next(request.form.get("next"), VERIFY)
    return phone_step(_phone(), going_to, "resident/verify_phone.html", _verified)


def _verified(found: Channel, number: str, going_to: str) -> ResponseReturnValue:
    resident, now = signed_in_resident(), current_time()
    verify_contact(resident.id, "sms", number, language(), now)
    if "messages" in request.form:
        give(resident.id, MESSAGES, now)
    return redirect(going_to)


def _linked_phone(found: Channel, number: str, going_to: str) -> ResponseReturnValue:
    resident, now = signed_in_resident(), current_time()
    shown = masked_contact("sms", number)
    vouched = AuthenticatedIdentity((accounts.subject_of_number(number, now),), shown, phone=number)
    taken = link_or_ask(found, vouched)
    if taken is not None:
        return taken
    verify_contact(resident.id, "sms", number, language(), now)
    return redirect(f"{going_to}?linked={found.name}")


def _verify_page(typed: dict[str, str], errors: dict[str, Any]) -> str:
    resident = signed_in_resident()
    return render_template(
        "resident/verify.html",
        contact=suffices(resident.assurance, "contact"),
        named=suffices(resident.assurance, "real_name"),
        purpose=PURPOSES[REAL_NAME],
        agreed=agrees(resident.id, REAL_NAME),
        service=_led_from(safe_next(request.values.get("next"), VERIFY)),
        typed=typed,
        errors=errors,
        next=safe_next(request.values.get("next"), VERIFY),
        tab="me",
    )


def _led_from(path: str) -> CatalogEntry | None:
    """The service from whose page one was led here, as the city offers it."""
    adapter = current_app.create_url_adapter(request)
    if adapter is None:
        return None
    try:
        endpoint, _arguments = adapter.match(urlsplit(path).path, method="GET")
    except (HTTPException, RoutingException):
        return None
    policy = policy_of(endpoint)
    name = service_of(policy, _arguments) if policy is not None else None
    return request_city().catalog.get(name) if name is not None else None


def _phone() -> Channel:
    return product().channels["phone"]
