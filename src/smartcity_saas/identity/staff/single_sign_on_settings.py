"""A province's part of a document that says how its staff sign in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from marshmallow import Schema, ValidationError, validates_schema

from smartcity_saas.configuration.fields import Choice, Credential, Line, Text
from smartcity_saas.configuration.states import CONNECTION_STATES, ConnectionState
from smartcity_saas.connectors.settings import Address
from smartcity_saas.texts import lazy_gettext as _


class SingleSignOnSettings(Schema):
    """A province's OpenID provider for staff."""

    state = Choice(
        CONNECTION_STATES,
        load_default=ConnectionState.OPEN.value,
        metadata={"description": "Whether staff may sign in by it."},
    )
    title = Text(longest=20, metadata={"description": "What its button says."})
    issuer = Address(required=True, metadata={"description": "The provider's issuer, `https://…`."})
    client_id = Line(required=True, metadata={"description": "The console's client there."})
    client_secret = Credential(
        goes_to=("issuer",),
        metadata={
            "description": "Its secret, by name, if it has one: `smartcity secrets set "
            "province:<slug> NAME`."
        },
    )

    @validates_schema
    def check(self, data: Mapping[str, Any], **kwargs: Any) -> None:
        """No layer above completes it, so it is whole where it stands."""
        missing = [n for n, one in self.fields.items() if one.required and n not in data]
        if missing:
            raise ValidationError({n: [_("Enter this too.")] for n in missing})
