"""The part of a document that names a hospital's FHIR R4 server."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from marshmallow import Schema, ValidationError, validates_schema

from smartcity_saas.configuration.fields import (
    Choice,
    Credential,
    Line,
    ListOf,
    Pattern,
    WholeNumber,
)
from smartcity_saas.connectors.settings import Address
from smartcity_saas.services.hospital_appointments.names import CLINICS
from smartcity_saas.texts import lazy_gettext as _

FHIR = "fhir"
"""The connector's kind."""
_CLIENT = ("oauth_url", "client_id", "client_secret")


def _fhir_id(**options: Any) -> Pattern:
    """The id of a resource (FHIR R4, datatype ``id``): letters, digits, ``-`` and ``.``."""
    says = _("Write the resource's id alone, such as “orthopaedics-1”: letters, digits, - and .")
    return Pattern(r"[A-Za-z0-9\-.]{1,64}", says, **options)


class FhirConnectorSettings(Schema):
    """A hospital's system that speaks FHIR R4 (docs/connectors/fhir.md)."""

    base_url = Address(
        required=True,
        metadata={
            "description": "The server's base address, where `/metadata` stands. `http://` only to "
            "networks that the operator allows."
        },
    )
    token = Credential(
        goes_to=("base_url",),
        metadata={"description": "The bearer token that it takes, by name."},
    )
    oauth_url = Address(
        metadata={
            "description": "In place of `token`: where a token is fetched with the client's own "
            "credentials (OAuth 2.0)."
        },
    )
    client_id = Line(metadata={"description": "The client's name there."})
    client_secret = Credential(
        goes_to=("oauth_url", "base_url"),
        metadata={"description": "The client's secret, by name."},
    )
    scope = Line(metadata={"description": "The scope that is asked for, if the server wants one."})
    organization = _fhir_id(
        metadata={"description": "Only services that this Organization provides, by its id."}
    )
    healthcare_services = ListOf(
        _fhir_id(), most=200, metadata={"description": "Only these HealthcareServices, by id."}
    )
    page_size = WholeNumber(
        1,
        500,
        load_default=100,
        metadata={"description": "How many resources one page is asked for (`_count`)."},
    )
    days_ahead = WholeNumber(
        1,
        60,
        load_default=14,
        metadata={"description": "The slots of how many days ahead are read."},
    )
    fresh_minutes = WholeNumber(
        1,
        24 * 60,
        load_default=10,
        metadata={"description": "After how many minutes the server is asked again what changed."},
    )
    clinic = Choice(
        CLINICS,
        load_default=CLINICS[0],
        metadata={"description": "As what clinics are shown: FHIR has no word for it."},
    )
    fee = WholeNumber(
        0,
        10_000_000,
        load_default=0,
        metadata={
            "description": "What a visit costs, in the currency's minor unit (5000 for 50.00): "
            "FHIR's slots have no fee."
        },
    )

    @validates_schema
    def check(self, data: Mapping[str, Any], **kwargs: Any) -> None:
        """One way to sign in, and the whole of it; on the merged document only."""
        if kwargs.get("partial"):
            return
        client = [name for name in _CLIENT if name in data]
        if "token" in data and client:
            raise ValidationError(
                _("Name a token or a client of OAuth 2.0, not both."), field_name=client[0]
            )
        if "token" not in data and not client:
            raise ValidationError(
                _("Name the token, or oauth_url, client_id and client_secret."), field_name="token"
            )
        for name in _CLIENT:
            if client and name not in data:
                raise ValidationError(
                    _("A client of OAuth 2.0 also needs %(name)s.", name=name), field_name=name
                )
