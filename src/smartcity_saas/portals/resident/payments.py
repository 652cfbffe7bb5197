"""A resident's payments and receipts, and where providers report."""

from __future__ import annotations

import uuid

from flask import Response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import get_locale, gettext
from flask_babel import lazy_gettext as _

from smartcity_saas.catalog.rateable import PAYMENT
from smartcity_saas.errors import NotFound
from smartcity_saas.identity.authorization import signed_in_resident
from smartcity_saas.notifications import mark_read, messages_of
from smartcity_saas.payments.accounts import payable_of
from smartcity_saas.payments.checkout import open_until
from smartcity_saas.payments.disputes import disputes_of, withdrawn_from
from smartcity_saas.payments.models import Payment
from smartcity_saas.payments.providers import ProviderUnreachable
from smartcity_saas.payments.receipts import Receipt
from smartcity_saas.payments.repository import (
    items_of,
    own_payment,
    payments_of_resident,
    refunds_of,
)
from smartcity_saas.payments.settlement import close_page, sync_payment
from smartcity_saas.payments.webhooks import receive
from smartcity_saas.portals.change_labels import METHOD_NAMES
from smartcity_saas.portals.resident.blueprint import blueprint
from smartcity_saas.product import product
from smartcity_saas.ratings.submission import ActReference, rating_prompt
from smartcity_saas.tenancy.city_services import city_service
from smartcity_saas.tenancy.current import current_time, request_city
from smartcity_saas.web.formats import amount, full_moment
from smartcity_saas.web.languages import local
from smartcity_saas.web.policy import Availability, Caller

LARGEST_EVENT = 512 * 1024


@blueprint.page(
    "/me/payments",
    who="resident",
    assisted_service=True,
    availability=Availability.EXISTING_BUSINESS,
)
def payments() -> ResponseReturnValue:
    """Every payment of the resident's, the newest first."""
    return render_template(
        "resident/payments.html", payments=payments_of_resident(signed_in_resident()), tab="me"
    )


@blueprint.page(
    "/me/payments/<uuid:payment_id>",
    who="resident",
    assisted_service=True,
    availability=Availability.EXISTING_BUSINESS,
)
def payment(payment_id: uuid.UUID) -> ResponseReturnValue:
    """One payment. While it is under way the provider is asked, never the browser believed."""
    found = own_payment(signed_in_resident(), payment_id)
    reachable = True
    if found.is_under_way:
        try:
            found = sync_payment(request_city(), payment_id, current_time())
        except ProviderUnreachable:
            reachable = False
    return _payment_page(found, reachable)


@blueprint.page(
    "/me/payments/<uuid:payment_id>/cancel",
    who="resident",
    assisted_service=True,
    methods=("POST",),
    availability=Availability.EXISTING_BUSINESS,
)
def cancel_payment(payment_id: uuid.UUID) -> ResponseReturnValue:
    """Close a pay page that is still open."""
    found = own_payment(signed_in_resident(), payment_id)
    if found.is_under_way:
        close_page(request_city(), payment_id, current_time())
    return redirect(url_for("resident.payment", payment_id=payment_id))


@blueprint.page(
    "/me/payments/<uuid:payment_id>/receipt.pdf",
    who="resident",
    assisted_service=True,
    availability=Availability.EXISTING_BUSINESS,
)
def receipt(payment_id: uuid.UUID) -> ResponseReturnValue:
    """The receipt of money that was received."""
    found = own_payment(signed_in_resident(), payment_id)
    if not found.has_receipt or found.paid_at is None:
        raise NotFound(_("This payment has no receipt."))
    city = request_city()
    facts = [
        (gettext("Payment"), found.number),
        (gettext("Paid on"), full_moment(found.paid_at, city.timezone)),
        (gettext("Paid by"), signed_in_resident().name),
        (gettext("Paid to"), local(city.site.get("operator")) or local(city.name)),
        (gettext("Paid with"), str(METHOD_NAMES.get(found.method or "", found.method or ""))),
    ]
    items = [
        (local(item.title), amount(item.amount, found.currency)) for item in items_of(found.id)
    ]
    came = found.paid_currency
    if not found.is_exact:
        items.append((gettext("What came"), amount(found.received, came)))
    if found.refunded:
        items.append((gettext("Refunded"), amount(-found.refunded, came)))
    withdrawn = withdrawn_from(found.id)
    if withdrawn:
        items.append((gettext("Taken back by your bank"), amount(-withdrawn, came)))
    receipt = Receipt(
        city=local(city.name),
        title=gettext("Receipt"),
        number=found.number,
        language=str(get_locale()),
        color=city.color,
        facts=facts,
        items=items,
        total=(
            gettext("Total"),
            amount(found.received - found.refunded - withdrawn, came),
        ),
        foot=[
            local(city.site.get("operator")),
            gettext("Questions? Call %(number)s.", number=city.site["hotline"]),
        ],
        sample=gettext("Sample") if product().settings.demo else None,
    )
    return Response(
        receipt.pdf(),
        mimetype="application/pdf",
        headers={"Content-Disposition": f'attachment; filename="receipt-{found.number}.pdf"'},
    )


@blueprint.page("/me/messages", who="resident", availability=Availability.EXISTING_BUSINESS)
def messages() -> ResponseReturnValue:
    """What the city told the resident; looking at it marks it as read."""
    found = messages_of(signed_in_resident())
    page = render_template("resident/messages.html", messages=found, tab="me")
    if any(message.read_at is None for message in found):
        mark_read(signed_in_resident(), current_time())
    return page


@blueprint.page(
    "/webhooks/<provider>",
    who="everyone",
    methods=("POST",),
    availability=Availability.EXISTING_BUSINESS,
    caller=Caller.SIGNED,
)
def webhook(provider: str) -> ResponseReturnValue:
    """Take a provider's event. Its signature says who sent it; nothing in it is believed."""
    request.max_content_length = LARGEST_EVENT
    body = request.get_data(cache=False)
    new = receive(request_city(), provider, body, dict(request.headers), current_time())
    return {"received": True, "new": new}


def _payment_page(found: Payment, reachable: bool) -> str:
    resident, now = signed_in_resident(), current_time()
    items = items_of(found.id)
    references = [item.reference for item in items]
    return render_template(
        "resident/payment.html",
        outcome=payable_of(found.service).outcome(references) if found.is_paid else None,
        payment=found,
        open_until=open_until(resident, found, now) if found.is_under_way else None,
        items=items,
        refunds=[one for one in refunds_of(found.id) if not one.is_failed],
        withdrawn=withdrawn_from(found.id),
        due_again=any(one.decision == "due_again" for one in disputes_of(found.id)),
        reachable=reachable,
        method=METHOD_NAMES.get(found.method or "", found.method or ""),
        service=city_service(request_city(), found.service),
        rating=rating_prompt(resident, ActReference(found.service, PAYMENT, found.id), now),
        tab="me",
    )
