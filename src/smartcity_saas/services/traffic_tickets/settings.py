"""The service's part of a document."""

from __future__ import annotations

from marshmallow import fields

from smartcity_saas.configuration.fields import Text, WholeNumber
from smartcity_saas.configuration.schema import ServiceSettings

DEFAULT_SETTLE_DAYS = 30


class TrafficTicketsSettings(ServiceSettings):
    """Settings of the service."""

    dispute_days = WholeNumber(
        0,
        365,
        load_default=60,
        metadata={"description": "For how many days a ticket can be disputed; 0 for never."},
    )
    settle_days = WholeNumber(
        1,
        365,
        load_default=DEFAULT_SETTLE_DAYS,
        metadata={"description": "For how many days paying a ticket counts as on time."},
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
        metadata={"description": "Whether tickets can be looked up without signing in."},
    )
    authority = Text(
        longest=60,
        load_default={"zh": "公安交管部门", "en": "Traffic Police"},
        metadata={"description": "The authority that decides on tickets and answers disputes."},
    )
