"""Signing in by a number: a one-time code by SMS."""

from __future__ import annotations

from smartcity_saas.configuration.city import City
from smartcity_saas.identity.federation.channels import Channel
from smartcity_saas.identity.federation.channels.documents.phone import PhoneSettings
from smartcity_saas.product import product


def _offered(city: City) -> bool:
    """Where the city has somebody who sends SMS; in demo mode the console does."""
    wanted = city.opens_channel("phone")
    return wanted and bool(city.messages.get("sms") or product().settings.demo)


channel = Channel(
    name="phone",
    title={"zh": "手机号", "en": "Mobile number"},
    icon="phone",
    settings=PhoneSettings,
    offered=_offered,
    template="resident/sign_in_phone.html",
)
