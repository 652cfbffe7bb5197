"""The two trails: of documents and staff (platform), and of a city's own rows (city)."""

from __future__ import annotations

import ipaddress
import json
import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import uuid_utils.compat
from flask import has_request_context, request
from sqlalchemy import Index, Uuid, func, or_, select
from sqlalchemy.orm import Mapped, mapped_column

from smartcity_saas import scope
from smartcity_saas.audit.actor import Actor
from smartcity_saas.audit.chain import Checkpoint, Link, Verdict, append, verify
from smartcity_saas.clock import read_day, start_of_day, utc_now
from smartcity_saas.database import CityModel, PlatformModel, db

PAGE = 100
_LONG_NUMBER = re.compile(r"[0-9]{7,}[0-9Xx]?")


class _Act:
    """What both trails keep of an act."""

    at: Mapped[datetime]
    actor: Mapped[str]
    action: Mapped[str]
    subject: Mapped[str]
    detail: Mapped[dict[str, Any]]


class AuditEvent(_Act, PlatformModel):
    """One act on a document or an account of staff."""

    __tablename__ = "audit_event"
    __table_args__ = (Index("ix_audit_event_subject_at", "subject", "at"),)

    id: Mapped[uuid.UUID] = mapped_column(Uuid, primary_key=True, default=uuid_utils.compat.uuid7)
    actor_label: Mapped[str]


class CityAuditEvent(_Act, Link, CityModel):
    """One act on a city's own rows, a link of the city's chain. It holds no personal data:
    people stand in it by their keys, staff by their accounts."""

    __tablename__ = "city_audit_event"
    __table_args__ = (
        Index("ix_city_audit_event_city_id_at", "city_id", "at"),
        Index("uq_city_audit_event_city_id_number", "city_id", "number", unique=True),
    )

    origin: Mapped[str]
    reason: Mapped[str]


def record(
    actor: Actor,
    action: str,
    subject: str,
    detail: dict[str, Any] | None = None,
    at: datetime | None = None,
    *,
    reason: str = "",
) -> None:
    """Note an act, in the transaction of the act itself: in the trail of the city that we are
    in, or outside any in that of documents and accounts.

    Args:
        actor: Who.
        action: What, as ``part.verb``.
        subject: On what: a key, a name, a number.
        detail: More of it, as JSON without fractions; nobody's personal data.
        at: When; now by default.
        reason: Why, where somebody has said so. Long numbers are taken out of it.
    """
    at = at or utc_now()
    if scope.city_id_or_none() is None:
        event = AuditEvent(at=at, actor=actor.name, actor_label=actor.label)
        event.action, event.subject, event.detail = action, subject, detail or {}
        db.session.add(event)
        return
    append(
        db.session(),
        CityAuditEvent(
            at=at,
            actor=actor.name,
            action=action,
            subject=subject,
            detail=json.loads(json.dumps(detail or {})),
            origin=_origin(actor),
            reason=_LONG_NUMBER.sub("…", reason)[:500],
        ),
    )


def _origin(actor: Actor) -> str:
    """From where: the kind of site, for staff with the network that they came from. A network
    of 256 addresses (IPv4) or a site's /48 (IPv6) is nobody's alone."""
    if not has_request_context():
        return "command" if actor.name == "system:cli" else "worker"
    kind = str(request.site.kind)  # type: ignore[attr-defined]
    if kind == "city":
        return "api" if request.path.startswith("/api/") else "site"
    try:
        address = ipaddress.ip_address(request.remote_addr or "")
    except ValueError:
        return kind
    network = ipaddress.ip_network((address, 24 if address.version == 4 else 48), strict=False)
    return f"{kind} {network}"


def trail_of(subject: str | None, limit: int) -> list[AuditEvent]:
    """What was done to one document or account, or to any; the newest first."""
    query = select(AuditEvent).order_by(AuditEvent.at.desc()).limit(limit)
    if subject is not None:
        query = query.where(AuditEvent.subject == subject)
    return list(db.session.scalars(query))


@dataclass(frozen=True)
class TrailQuery:
    """What somebody looks for in a city's trail; an empty part takes all. Days are the city's
    own; ``before`` is the number that a page goes on from."""

    text: str = ""
    since: date | None = None
    until: date | None = None
    before: int | None = None

    @classmethod
    def of(cls, typed: Mapping[str, str]) -> TrailQuery:
        """From a form's fields; what cannot be understood is left out."""
        before = typed.get("before", "")
        return cls(
            text=typed.get("text", "").strip()[:80],
            since=read_day(typed.get("since", "")),
            until=read_day(typed.get("until", "")),
            before=int(before) if re.fullmatch(r"[0-9]{1,15}", before) else None,
        )


def city_trail(
    limit: int = PAGE, wanted: TrailQuery | None = None, zone: str = "UTC"
) -> list[CityAuditEvent]:
    """What was done to the rows of the city that we are in, the newest first."""
    wanted = wanted or TrailQuery()
    query = select(CityAuditEvent).order_by(CityAuditEvent.number.desc()).limit(limit)
    if wanted.text:
        parts = [
            func.lower(column).contains(wanted.text.lower(), autoescape=True)
            for column in (
                CityAuditEvent.actor,
                CityAuditEvent.action,
                CityAuditEvent.subject,
                CityAuditEvent.reason,
            )
        ]
        query = query.where(or_(*parts))
    if wanted.since:
        query = query.where(CityAuditEvent.at >= start_of_day(wanted.since, zone))
    if wanted.until:
        query = query.where(
            CityAuditEvent.at < start_of_day(wanted.until + timedelta(days=1), zone)
        )
    if wanted.before is not None:
        query = query.where(CityAuditEvent.number < wanted.before)
    return list(db.session.scalars(query))


def verify_trail(kept: Checkpoint | None = None) -> Verdict:
    """Whether the trail of the city that we are in is whole, and where it first breaks.

    Args:
        kept: A checkpoint that was kept outside, without which a cut end or a trail written
            anew cannot be told from a whole one.
    """
    return verify(CityAuditEvent, kept)
