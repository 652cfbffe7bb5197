"""Who did what to which document, account or row: append-only, held by the database."""

from smartcity_saas.audit.actor import PLATFORM_REACH, Actor, system
from smartcity_saas.audit.trail import (
    AuditEvent,
    CityAuditEvent,
    city_trail,
    record,
    trail_of,
)

__all__ = [
    "PLATFORM_REACH",
    "Actor",
    "AuditEvent",
    "CityAuditEvent",
    "city_trail",
    "record",
    "system",
    "trail_of",
]
