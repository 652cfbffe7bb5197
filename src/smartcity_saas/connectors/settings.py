"""The part of a document that names a back office."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from marshmallow import Schema, ValidationError

from smartcity_saas.configuration.fields import Credential, WholeNumber, Word
from smartcity_saas.texts import lazy_gettext as _


class Address(Word):
    """An address without query or sign-in: ``https://billing.city.example/api``."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        import httpx  # costs more than the rest of a document's check

        text = super()._deserialize(value, attr, data, **kwargs)
        try:
            parts = urlsplit(text)
            httpx.URL(text)
            fits = parts.scheme in ("https", "http") and parts.hostname and parts.port != 0
        except (ValueError, httpx.InvalidURL):
            fits = False
        if not fits or parts.username or parts.query or parts.fragment:
            raise ValidationError(_('Write an address such as "https://billing.city.example/api".'))
        return text.rstrip("/")


class HttpConnectorSettings(Schema):
    """A back office that speaks the service's HTTP contract (docs/connectors)."""

    base_url = Address(
        required=True,
        metadata={
            "description": "Where the contract's paths begin. `http://` only to networks that the "
            "operator allows."
        },
    )
    token = Credential(
        goes_to=("base_url",),
        required=True,
        metadata={"description": "The bearer token that it takes, by name."},
    )
    fresh_minutes = WholeNumber(
        1,
        24 * 60,
        load_default=10,
        metadata={
            "description": "For how many minutes an answer is kept before it is fetched again."
        },
    )
