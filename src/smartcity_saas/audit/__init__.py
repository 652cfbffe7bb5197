"""Who did what to which document, account or row: append-only, held by the database and by chains
of hashes."""

from smartcity_saas.audit.actor import PLATFORM_REACH, Actor, system
from smartcity_saas.audit.hash_chain import ChainReport, Checkpoint, newest_link
from smartcity_saas.audit.log import (
    MOST_KEYS,
    AuditEvent,
    AuditReason,
    CityAuditEvent,
    TrailQuery,
    city_trail,
    cursor_of,
    reasons_of,
    record,
    trail_of,
    verify_place,
    verify_trail,
)

__all__ = [
    "MOST_KEYS",
    "PLATFORM_REACH",
    "Actor",
    "AuditEvent",
    "AuditReason",
    "ChainReport",
    "Checkpoint",
    "CityAuditEvent",
    "TrailQuery",
    "city_trail",
    "cursor_of",
    "newest_link",
    "reasons_of",
    "record",
    "system",
    "trail_of",
    "verify_place",
    "verify_trail",
]
