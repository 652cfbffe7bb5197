"""Baidu's part of a document."""

from __future__ import annotations

from smartcity_saas.configuration.extensions import Part
from smartcity_saas.configuration.fields import Credential, Line
from smartcity_saas.identity.federation.channels import ChannelSettings


class BaiduSettings(ChannelSettings):
    """An application on Baidu's open platform."""

    client_id = Line(required=True, longest=32, metadata={"description": "Its API Key."})
    client_secret = Credential(
        goes_to=(), required=True, metadata={"description": "Its Secret Key, by name."}
    )


parts = (Part("baidu", BaiduSettings),)
