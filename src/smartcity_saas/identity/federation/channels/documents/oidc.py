"""An OpenID provider's part of a document."""

from __future__ import annotations

from marshmallow import Schema, fields

from smartcity_saas.configuration.extensions import Part
from smartcity_saas.configuration.fields import Credential, Line
from smartcity_saas.connectors.settings import Address
from smartcity_saas.identity.federation.channels import ChannelSettings


class ClaimsSchema(Schema):
    """Which claims hold a verified real name. Name them only if the provider verifies them."""

    real_name = Line(required=True, metadata={"description": "The claim with the name."})
    number = Line(
        required=True, metadata={"description": "The claim with the resident number (GB 11643)."}
    )


class OidcSettings(ChannelSettings):
    """An OpenID provider."""

    issuer = Address(required=True, metadata={"description": "The provider's issuer, `https://…`."})
    client_id = Line(required=True, metadata={"description": "The city's client there."})
    client_secret = Credential(
        goes_to=("issuer",), metadata={"description": "Its secret, by name, if it has one."}
    )
    scopes = Line(
        load_default="openid profile",
        metadata={"description": "The scopes that are requested: `openid profile phone`."},
    )
    claims = fields.Nested(
        ClaimsSchema,
        metadata={"description": "Claims with a verified real name, if there are any."},
    )


parts = (Part("oidc", OidcSettings),)
