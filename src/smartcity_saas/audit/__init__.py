"""Who did what to which document, account or row: append-only, held by the database and by chains
of hashes."""

from smartcity_saas.audit.actor import PLATFORM_REACH, Actor, system
from smartcity_saas.audit.hash_chain import ChainReport, Checkpoint, newest_link
from smartcity_saas.audit.log import (
    MOST_KEYS,
    AuditEvent,
    AuditQuery,
    AuditReason,
    CityAuditEvent,
    city_audit_events,
    cursor_of,
    place_audit_events,
    reasons_of,
    record,
    verify_city_chain,
    verify_place_chain,
)

__all__ = [
    "MOST_KEYS",
    "PLATFORM_REACH",
    "Actor",
    "AuditEvent",
    "AuditQuery",
    "AuditReason",
    "ChainReport",
    "Checkpoint",
    "CityAuditEvent",
    "city_audit_events",
    "cursor_of",
    "newest_link",
    "place_audit_events",
    "reasons_of",
    "record",
    "system",
    "verify_city_chain",
    "verify_place_chain",
]
