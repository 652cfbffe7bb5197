"""Who did what to which document, account or row: append-only, held by the database, and for a
city's own rows by a chain of hashes."""

from smartcity_saas.audit.actor import PLATFORM_REACH, Actor, system
from smartcity_saas.audit.chain import Checkpoint, Verdict, checkpoint
from smartcity_saas.audit.trail import (
    AuditEvent,
    CityAuditEvent,
    TrailQuery,
    city_trail,
    record,
    trail_of,
    verify_trail,
)

__all__ = [
    "PLATFORM_REACH",
    "Actor",
    "AuditEvent",
    "Checkpoint",
    "CityAuditEvent",
    "TrailQuery",
    "Verdict",
    "checkpoint",
    "city_trail",
    "record",
    "system",
    "trail_of",
    "verify_trail",
]
