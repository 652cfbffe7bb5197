"""The two audit logs: of documents and staff (platform), and of a city's own rows (city)."""

from __future__ import annotations

import hashlib
import json
import secrets
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, TypeVar

import uuid_utils.compat
from flask import has_request_context, request
from sqlalchemy import ColumnElement, Index, Select, UniqueConstraint, Uuid, func, or_, select
from sqlalchemy.orm import Mapped, mapped_column

from smartcity_saas.addresses import wide_network_of
from smartcity_saas.audit.actor import Actor
from smartcity_saas.audit.hash_chain import (
    ChainReport,
    Checkpoint,
    Link,
    append,
    beyond,
    newest_link,
    walk,
)
from smartcity_saas.clock import read_day, start_of_day
from smartcity_saas.database import (
    CityModel,
    PlatformModel,
    city_foreign_key,
    city_relationship,
    db,
)
from smartcity_saas.product import request_site
from smartcity_saas.tenant_context import current_city_id_or_none

PAGE = 100
MARK = "sha256:"
"""What an act's reason begins with where the words themselves stand beside the chain."""
LONGEST_REASON = 500
MOST_KEYS = 500
"""In one question."""
E = TypeVar("E", "AuditEvent", "CityAuditEvent")


class _Act(Link):
    """What both audit logs keep of an act. No personal data: people stand in it by their keys, staff
    by their accounts."""

    beside: tuple[Any, ...] = ()
    """Rows that are stored with the act and are no part of the chain."""

    at: Mapped[datetime]
    actor: Mapped[str]
    action: Mapped[str]
    subject: Mapped[str]
    detail: Mapped[dict[str, Any]]
    origin: Mapped[str]


class AuditEvent(_Act, PlatformModel):
    """One act on a document or an account of staff, a link of the chain of its ``place``: the
    document's name, or that of the city, province or platform where the account is. The name of
    whoever acted stands beside the chain."""

    __tablename__ = "audit_event"
    __table_args__ = (
        Index("ix_audit_event_place_at", "place", "at"),
        Index("uq_audit_event_place_number", "place", "number", unique=True),
    )
    hashed = ("number", "id", "at", "actor", "action", "subject", "detail", "origin")

    id: Mapped[uuid.UUID] = mapped_column(Uuid, primary_key=True, default=uuid_utils.compat.uuid7)
    place: Mapped[str]
    actor_label: Mapped[str]


class CityAuditEvent(_Act, CityModel):
    """One act on a city's own rows, a link of the city's chain. ``reason`` is the mark of what
    somebody wrote (``AuditReason``), not the words, which nobody could take out again."""

    __tablename__ = "city_audit_event"
    __table_args__ = (
        Index("ix_city_audit_event_city_id_at", "city_id", "at"),
        Index("uq_city_audit_event_city_id_number", "city_id", "number", unique=True),
    )
    hashed = ("number", "id", "at", "actor", "action", "subject", "detail", "origin", "reason")

    reason: Mapped[str]


class AuditReason(CityModel):
    """Why somebody did something, in their words: beside the chain, which holds SHA-256 over
    ``salt`` and ``text``. It can be taken out when the law asks for it, and not be altered."""

    __tablename__ = "audit_reason"
    __table_args__ = (
        city_foreign_key("event_id", "city_audit_event"),
        UniqueConstraint("city_id", "event_id"),
    )

    event_id: Mapped[uuid.UUID]
    salt: Mapped[str]
    text: Mapped[str]
    event: Mapped[CityAuditEvent] = city_relationship(
        "CityAuditEvent", "event_id", owner="AuditReason"
    )

    @property
    def mark(self) -> str:
        """What the chain holds of it."""
        return MARK + hashlib.sha256(f"{self.salt}\n{self.text}".encode()).hexdigest()


def record(
    actor: Actor,
    action: str,
    subject: str,
    detail: dict[str, Any],
    at: datetime,
    *,
    reason: str = "",
    place: str | None = None,
) -> None:
    """Record an act in the audit log, in the transaction of the act itself: in the city's log within a
    tenant context, else in that of documents and accounts.

    Args:
        actor: Who.
        action: What, as ``part.verb``.
        subject: On what: a key, a name of a document, a number, ``staff:<account>``.
        detail: More of it, as JSON without fractions; nobody's personal data.
        at: When.
        reason: Why, or whatever else somebody wrote (the name of a file): kept beside the chain of
            a city. On documents and accounts there is none; a revision has its own message.
        place: Whose document or account it is, as a document's name; the subject by default.
    """
    common: dict[str, Any] = {
        "id": uuid_utils.compat.uuid7(),
        "at": at,
        "actor": actor.name,
        "action": action,
        "subject": subject,
        "detail": json.loads(json.dumps(detail)),
        "origin": _origin(actor),
    }
    if current_city_id_or_none() is None:
        if place is None and subject.startswith("staff:"):
            raise ValueError("say at which place the account is")
        act: Any = AuditEvent(**common, actor_label=actor.label, place=place or subject)
    else:
        act = CityAuditEvent(**common, reason="")
        if reason:
            words = AuditReason(
                event_id=act.id, salt=secrets.token_hex(16), text=reason[:LONGEST_REASON]
            )
            act.reason, act.beside = words.mark, (words,)
    append(db.session(), act)


def _origin(actor: Actor) -> str:
    """From where: the kind of site, for staff with the network that they came from. A network
    of 256 addresses (IPv4) or a site's /48 (IPv6) is nobody's alone."""
    if not has_request_context():
        return "command" if actor.name == "system:cli" else "worker"
    kind = str(request_site().kind)
    if kind == "city":
        return "api" if request.path.startswith("/api/") else "site"
    return f"{kind} {wide_network_of(request.remote_addr)}".rstrip()


@dataclass(frozen=True)
class AuditQuery:
    """What somebody looks for in an audit log; an empty part takes all. Days are those of ``zone``;
    ``before`` is the moment and key of the act that a page goes on from. ``actions`` and ``actors``
    fit as well: those whose names, as people read them, have the text in them."""

    text: str = ""
    actions: frozenset[str] = frozenset()
    actors: frozenset[str] = frozenset()
    since: date | None = None
    until: date | None = None
    before: tuple[datetime, uuid.UUID] | None = None
    zone: str = "UTC"

    @classmethod
    def of(cls, typed: Mapping[str, str], zone: str = "UTC") -> AuditQuery:
        """From a form's fields; what cannot be understood is left out."""
        return cls(
            text=typed.get("text", "").strip()[:80],
            since=read_day(typed.get("since", "")),
            until=read_day(typed.get("until", "")),
            before=_read_cursor(typed.get("before", "")),
            zone=zone,
        )


def cursor_of(event: AuditEvent | CityAuditEvent) -> str:
    """Where a page goes on that ends with an act, for an address."""
    return f"{event.at.isoformat()}_{event.id}"


def city_audit_events(limit: int = PAGE, wanted: AuditQuery | None = None) -> list[CityAuditEvent]:
    """What was done to the rows of the current city, the newest first."""
    wanted = wanted or AuditQuery()
    query = select(CityAuditEvent)
    if wanted.text:
        said = func.lower(AuditReason.text).contains(wanted.text.lower(), autoescape=True)
        told = select(AuditReason.event_id).where(said)
        older = func.lower(CityAuditEvent.reason).contains(wanted.text.lower(), autoescape=True)
        fits = or_(_contains(CityAuditEvent, wanted), CityAuditEvent.id.in_(told), older)
        query = query.where(fits)
    query = _fitting(query, CityAuditEvent, wanted)
    return list(db.session.scalars(_newest(query, CityAuditEvent).limit(limit)))


def reasons_of(events: Sequence[CityAuditEvent]) -> dict[uuid.UUID, str]:
    """What was written to some acts, by their keys; what has been taken out is not in it. Acts from
    before the words stood beside the chain have them in it."""
    found = {one.id: one.reason for one in events if one.reason and not one.reason.startswith(MARK)}
    for start in range(0, len(events), MOST_KEYS):
        keys = [one.id for one in events[start : start + MOST_KEYS]]
        rows = db.session.scalars(select(AuditReason).where(AuditReason.event_id.in_(keys)))
        found |= {row.event_id: row.text for row in rows}
    return found


def place_audit_events(
    place: str | None, limit: int = PAGE, wanted: AuditQuery | None = None
) -> list[AuditEvent]:
    """What was done to one document and the accounts at its place, or to any; the newest first."""
    wanted = wanted or AuditQuery()
    query = select(AuditEvent)
    if place is not None:
        query = query.where(AuditEvent.place == place)
    if wanted.text:
        query = query.where(_contains(AuditEvent, wanted))
    query = _fitting(query, AuditEvent, wanted)
    return list(db.session.scalars(_newest(query, AuditEvent).limit(limit)))


def verify_city_chain(kept: Checkpoint | None = None) -> ChainReport:
    """Whether the audit log of the current city is whole, and where it first breaks.

    Args:
        kept: A checkpoint that was kept outside, without which a cut end or an audit log written
            anew cannot be told from a whole one.
    """
    head = newest_link()  # first: whatever it has linked stands, and goes on standing
    beside = select(AuditReason).execution_options(populate_existing=True, yield_per=500)
    marks = {row.event_id: row.mark for row in db.session.scalars(beside)}
    report = walk(
        db.session.scalars(_in_order(CityAuditEvent).where(CityAuditEvent.number <= head.number)),
        head,
        kept,
        lambda act: marks.get(act.id, act.reason) == act.reason,
    )
    last = db.session.scalar(select(func.max(CityAuditEvent.number)))
    return beyond(report, last or 0, newest_link())


def verify_place_chain(
    place: str, kept: Checkpoint | None = None, holds: Callable[[AuditEvent], bool] | None = None
) -> ChainReport:
    """The same of the audit log of a document and the accounts at its place.

    Args:
        place: The document's name.
        kept: As above.
        holds: Whether what an act refers to by a hash is what it was.
    """
    head, here = newest_link(place), AuditEvent.place == place
    rows = db.session.scalars(_in_order(AuditEvent).where(here, AuditEvent.number <= head.number))
    report = walk(rows, head, kept, holds or (lambda act: True))
    last = db.session.scalar(select(func.max(AuditEvent.number)).where(here))
    return beyond(report, last or 0, newest_link(place))


def _in_order(model: type[Any]) -> Select[Any]:
    """Every act as it stands in the database now, whatever the session has seen of it."""
    query = select(model).order_by(model.number)
    return query.execution_options(yield_per=500, populate_existing=True)


def _contains(model: type[Any], wanted: AuditQuery) -> ColumnElement[bool]:
    return or_(
        *(
            func.lower(column).contains(wanted.text.lower(), autoescape=True)
            for column in (model.actor, model.action, model.subject)
        ),
        model.action.in_(wanted.actions),
        model.actor.in_(wanted.actors),
    )


def _fitting(query: Select[E], model: type[E], wanted: AuditQuery) -> Select[E]:
    if wanted.since:
        query = query.where(model.at >= start_of_day(wanted.since, wanted.zone))
    if wanted.until:
        after = start_of_day(wanted.until + timedelta(days=1), wanted.zone)
        query = query.where(model.at < after)
    if wanted.before is not None:
        at, key = wanted.before
        query = query.where(or_(model.at < at, (model.at == at) & (model.id < key)))
    return query


def _newest(query: Select[E], model: type[E]) -> Select[E]:
    return query.order_by(model.at.desc(), model.id.desc())


def _read_cursor(typed: str) -> tuple[datetime, uuid.UUID] | None:
    at, _line, key = typed.partition("_")
    try:
        found = datetime.fromisoformat(at), uuid.UUID(key)
    except ValueError:
        return None
    sound = found[0].tzinfo is not None and 1970 < found[0].year < 9999
    return found if sound else None
