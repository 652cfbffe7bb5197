"""The two trails: of documents and staff (platform), and of a city's own rows (city)."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

import uuid_utils.compat
from sqlalchemy import Index, Uuid, select
from sqlalchemy.orm import Mapped, mapped_column

from smartcity_saas import scope
from smartcity_saas.audit.actor import Actor
from smartcity_saas.clock import utc_now
from smartcity_saas.database import CityModel, PlatformModel, db


class _Act:
    """What both trails keep of an act."""

    at: Mapped[datetime]
    actor: Mapped[str]
    actor_label: Mapped[str]
    action: Mapped[str]
    subject: Mapped[str]
    detail: Mapped[dict[str, Any]]


class AuditEvent(_Act, PlatformModel):
    """One act on a document or an account of staff."""

    __tablename__ = "audit_event"
    __table_args__ = (Index("ix_audit_event_subject_at", "subject", "at"),)

    id: Mapped[uuid.UUID] = mapped_column(Uuid, primary_key=True, default=uuid_utils.compat.uuid7)


class CityAuditEvent(_Act, CityModel):
    """One act on a city's own rows."""

    __tablename__ = "city_audit_event"
    __table_args__ = (Index("ix_city_audit_event_city_id_at", "city_id", "at"),)


def record(
    actor: Actor,
    action: str,
    subject: str,
    detail: dict[str, Any] | None = None,
    at: datetime | None = None,
) -> None:
    """Note an act, in the transaction of the act itself: in the trail of the city that we are
    in, or outside any in that of documents and accounts."""
    event = AuditEvent() if scope.city_id_or_none() is None else CityAuditEvent()
    event.at = at or utc_now()
    event.actor, event.actor_label = actor.name, actor.label
    event.action, event.subject, event.detail = action, subject, detail or {}
    db.session.add(event)


def trail_of(subject: str | None, limit: int) -> list[AuditEvent]:
    """What was done to one document or account, or to any; the newest first."""
    query = select(AuditEvent).order_by(AuditEvent.at.desc()).limit(limit)
    if subject is not None:
        query = query.where(AuditEvent.subject == subject)
    return list(db.session.scalars(query))


def city_trail(limit: int) -> list[CityAuditEvent]:
    """What was done to the rows of the city that we are in, the newest first."""
    query = select(CityAuditEvent).order_by(CityAuditEvent.at.desc()).limit(limit)
    return list(db.session.scalars(query))
