"""The HTTP gateway's part of a document."""

from __future__ import annotations

from marshmallow import Schema

from smartcity_saas.configuration.extensions import Part
from smartcity_saas.configuration.fields import Credential, Line
from smartcity_saas.connectors.settings import Address


class HttpGatewaySettings(Schema):
    """A gateway that takes ``{to, text, id}`` and answers 2xx."""

    url = Address(
        required=True, metadata={"description": "Where messages are posted, `https://…`."}
    )
    token = Credential(
        goes_to=("url",), required=True, metadata={"description": "The bearer token, by name."}
    )
    signature = Line(longest=20, metadata={"description": "The signature before each text: 【…】."})


parts = (Part("http", HttpGatewaySettings, kind="sms"),)
