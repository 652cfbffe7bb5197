"""Paying for a service's things from its own pages and its API."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import marshmallow as ma
from flask import request

from smartcity_saas.identity.authorization import signed_in_resident
from smartcity_saas.payments.checkout import Place, begin_payment
from smartcity_saas.payments.models import Payment
from smartcity_saas.tenancy.current import current_time, request_city
from smartcity_saas.web.api import moment, money
from smartcity_saas.web.languages import language


def begin_checkout(service: str, references: Iterable[object]) -> Payment:
    """Begin to pay as the signed-in resident, to come back to the present site.

    Raises:
        NotFound, Conflict, PaymentsClosed, ProviderUnreachable: As ``begin_payment`` does.
    """
    place = Place(request.host_url.rstrip("/"), language())
    keys = [str(one) for one in references]
    return begin_payment(request_city(), signed_in_resident(), service, keys, place, current_time())


class PaymentBegunSchema(ma.Schema):
    """A payment that has begun, and the page to pay on."""

    payment = ma.fields.UUID()
    state = ma.fields.String()
    amount = ma.fields.Integer()
    currency = ma.fields.String()
    checkout_url = ma.fields.String(allow_none=True)
    expires_at = ma.fields.String()


def begun(payment: Payment) -> dict[str, Any]:
    """The API's answer to a payment that has begun."""
    return {
        "payment": str(payment.id),
        "state": payment.state,
        **money(payment.amount, payment.currency),
        "checkout_url": payment.checkout_url,
        "expires_at": moment(payment.expires_at),
    }
