"""A mobile number's part of a document."""

from __future__ import annotations

from smartcity_saas.configuration.extensions import Part
from smartcity_saas.identity.federation.channels import ChannelSettings


class PhoneSettings(ChannelSettings):
    """Codes by SMS, sent by the city's sender of SMS."""


parts = (Part("phone", PhoneSettings),)
