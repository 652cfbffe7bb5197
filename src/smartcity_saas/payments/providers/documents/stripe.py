"""Stripe's part of a document."""

from __future__ import annotations

from marshmallow import Schema

from smartcity_saas.configuration.extensions import Part
from smartcity_saas.configuration.fields import Choice, Credential, ListOf
from smartcity_saas.configuration.states import CONNECTION_STATES
from smartcity_saas.payments.stripe_amounts import CURRENCIES, limits

METHODS = ("card", "alipay", "wechat_pay")


class StripeSettings(Schema):
    """Stripe, on the city's own account."""

    secret_key = Credential(
        goes_to=(), required=True, metadata={"description": "The account's secret key, by name."}
    )
    webhook_secret = Credential(
        goes_to=(),
        required=True,
        metadata={"description": "The signing secret of the endpoint `/webhooks/stripe`, by name."},
    )
    state = Choice(
        CONNECTION_STATES,
        metadata={
            "description": "`closed` takes no new payments; refunds, disputes and webhooks of those "
            "that were made go on. `open` by default."
        },
    )
    methods = ListOf(
        Choice(METHODS),
        required=True,
        metadata={"description": "How residents may pay: `card`, `alipay`, `wechat_pay`."},
    )


def _amounts(currency: str) -> tuple[int, int]:
    found = limits(currency)
    return found.least, found.step


parts = (Part("stripe", StripeSettings, currencies=CURRENCIES, amounts=_amounts),)
