"""The service's part of a document."""

from __future__ import annotations

from marshmallow import fields, validate

from smartcity_saas.configuration.fields import Text
from smartcity_saas.configuration.schema import ServiceSettings


class TrafficTicketsSettings(ServiceSettings):
    """Settings of the service."""

    dispute_days = fields.Integer(
        strict=True,
        load_default=60,
        validate=validate.Range(0, 365),
        metadata={"description": "So many days after it a ticket can be disputed; 0 never."},
    )
    points_need_licence = fields.Boolean(
        load_default=True,
        metadata={
            "description": "A ticket with points is paid here only by whoever linked the licence "
            "that takes them."
        },
    )
    look_up = fields.Boolean(
        load_default=True,
        metadata={"description": "Whether one can look up without signing in."},
    )
    authority = Text(
        longest=60,
        load_default={"zh": "公安交管部门", "en": "Traffic Police"},
        metadata={"description": "Who decides, and answers disputes."},
    )
