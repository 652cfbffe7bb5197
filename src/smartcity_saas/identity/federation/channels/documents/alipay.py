"""Alipay's part of a document."""

from __future__ import annotations

from typing import Any

from marshmallow import ValidationError, fields, validates

from smartcity_saas.configuration.extensions import Part
from smartcity_saas.configuration.fields import Credential, Line
from smartcity_saas.identity.federation.channels import ChannelSettings
from smartcity_saas.texts import lazy_gettext as _


class AlipaySettings(ChannelSettings):
    """An application on Alipay's open platform."""

    app_id = Line(required=True, longest=32, metadata={"description": "The application's id."})
    private_key = Credential(
        goes_to=(),
        required=True,
        metadata={"description": "The application's private key (RSA2), by name."},
    )
    alipay_public_key = Line(
        required=True,
        longest=2000,
        metadata={"description": "Alipay's public key, as its console shows it (base64)."},
    )
    real_name = fields.Boolean(
        load_default=False,
        metadata={"description": "Whether Alipay has granted the application verified names."},
    )

    @validates("alipay_public_key")
    def check_public_key(self, value: str, **kwargs: Any) -> None:
        """Refuse what is no RSA key."""
        from smartcity_saas.identity.federation.channels._rsa import read_public_key  # cryptography

        try:
            read_public_key(value)
        except ValueError:
            raise ValidationError(
                _("This is not an RSA public key. Copy all of it, without line breaks.")
            ) from None


parts = (Part("alipay", AlipaySettings),)
