"""SMTP's part of a document."""

from __future__ import annotations

from marshmallow import Schema

from smartcity_saas.configuration.extensions import Part
from smartcity_saas.configuration.fields import Choice, Credential, Line, Pattern, WholeNumber
from smartcity_saas.texts import lazy_gettext as _


class SmtpSettings(Schema):
    """A mail server that takes submissions."""

    host = Line(required=True, metadata={"description": "The server's name."})
    port = WholeNumber(
        1,
        65535,
        load_default=587,
        metadata={"description": "587 with STARTTLS, 465 with TLS from the start."},
    )
    security = Choice(
        ("starttls", "tls", "none"),
        load_default="starttls",
        metadata={"description": "`none` only where the operator allows the server's network."},
    )
    sender = Pattern(
        r"[^@\s<>]+@[^@\s<>]+",
        _('Write an email address: "no-reply@city.example".'),
        required=True,
        metadata={"description": "The address that mail comes from."},
    )
    username = Line(metadata={"description": "The account's name, if the server asks for one."})
    password = Credential(
        goes_to=("security", "host", "port"),
        metadata={"description": "The account's password, by name."},
    )


parts = (Part("smtp", SmtpSettings, kind="mail"),)
