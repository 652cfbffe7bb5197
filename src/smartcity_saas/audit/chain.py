"""The hash chain of a city's trail: every act holds the hash of the one before it.

A link's hash is SHA-256 over its own values as canonical JSON (sorted keys, no spaces, UTF-8;
RFC 8785 for values without fractions) with the hash before it. Changing, taking out or slipping
in an act breaks every later link. Cutting off the end, or writing everything anew, breaks none:
that is found by a checkpoint kept outside the database.

Acts are linked as the very last thing before their transaction commits, so that the row which
holds a city's newest hash is locked for a moment only, and always last.
"""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import uuid_utils.compat
from sqlalchemy import BigInteger, UniqueConstraint, event, select
from sqlalchemy.orm import Mapped, Session, SessionTransaction, mapped_column

from smartcity_saas import scope
from smartcity_saas.database import CityModel, db, insert_once

BEGINNING = "0" * 64
"""What stands before a city's first act."""
_HASHED = ("number", "id", "at", "actor", "action", "subject", "detail", "origin", "reason")
_PENDING = "acts that wait for their commit"


class Link:
    """A row's place in the chain."""

    number: Mapped[int] = mapped_column(BigInteger)
    previous: Mapped[str]
    hash: Mapped[str]


class AuditHead(CityModel):
    """The newest link of a city's chain."""

    __tablename__ = "audit_head"
    __table_args__ = (UniqueConstraint("city_id"),)

    number: Mapped[int] = mapped_column(BigInteger)
    hash: Mapped[str]


@dataclass(frozen=True)
class Checkpoint:
    """A link that was seen: kept outside, it shows later what was cut off or rewritten."""

    number: int
    hash: str


@dataclass(frozen=True)
class Break:
    """Where a chain does not hold. ``reason`` is one of ``altered``, ``gap``, ``unlinked``,
    ``cut``, ``rewritten``."""

    number: int
    reason: str


@dataclass(frozen=True)
class Verdict:
    """What verifying a chain found: how many acts, the newest of them, and the first break."""

    count: int
    head: Checkpoint
    found: Break | None


def append(session: Session, act: Any) -> None:
    """Let an act join its city's chain when the present transaction commits."""
    session.info.setdefault(_PENDING, []).append((session.get_nested_transaction(), act))


def link_hash(city_id: int, previous: str, values: Mapping[str, Any]) -> str:
    """The hash of one act.

    Args:
        city_id: The city, so that an act of another city's chain does not fit.
        previous: The hash before it.
        values: Its ``number``, ``id``, ``at`` (aware), ``actor``, ``action``, ``subject``,
            ``detail``, ``origin`` and ``reason``.
    """
    plain = {name: _plain(values[name]) for name in _HASHED}
    text = json.dumps(
        {"city": city_id, "previous": previous, **plain},
        sort_keys=True,
        separators=(",", ":"),
        ensure_ascii=False,
    )
    return hashlib.sha256(text.encode()).hexdigest()


def checkpoint() -> Checkpoint:
    """The newest link of the city that we are in."""
    head = db.session.scalars(select(AuditHead)).one_or_none()
    return Checkpoint(head.number, head.hash) if head else Checkpoint(0, BEGINNING)


def verify(model: Any, kept: Checkpoint | None = None) -> Verdict:
    """Walk the chain of the city that we are in.

    Args:
        model: The model of the trail.
        kept: A checkpoint that was kept outside, to find what was cut off or rewritten.
    """
    count, previous, found = 0, BEGINNING, None
    rows = db.session.scalars(select(model).order_by(model.number).execution_options(yield_per=500))
    for row in rows:
        count += 1
        found = found or _break(row, count, previous)
        if kept is not None and row.number == kept.number and row.hash != kept.hash:
            found = found or Break(row.number, "rewritten")
        previous = row.hash
    head = checkpoint()
    if found is None and (head.number, head.hash) != (count, previous):
        found = Break(count + 1, "cut")
    if found is None and kept is not None and kept.number > count:
        found = Break(count + 1, "cut")
    return Verdict(count, Checkpoint(count, previous), found)


def _break(row: Any, expected: int, previous: str) -> Break | None:
    if row.number != expected:
        return Break(expected, "gap")
    if row.previous != previous:
        return Break(row.number, "unlinked")
    values = {name: getattr(row, name) for name in _HASHED}
    if row.hash != link_hash(row.city_id, previous, values):
        return Break(row.number, "altered")
    return None


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="microseconds")
    return str(value) if isinstance(value, uuid.UUID) else value


@event.listens_for(Session, "before_commit")
def _link(session: Session) -> None:
    if session.in_nested_transaction():
        return
    waiting = session.info.pop(_PENDING, None)
    if not waiting:
        return
    head = _locked_head(session)
    for _nested, act in waiting:
        act.city_id, act.id = scope.city_id(), uuid_utils.compat.uuid7()
        act.number, act.previous = head.number + 1, head.hash
        act.hash = link_hash(act.city_id, act.previous, {n: getattr(act, n) for n in _HASHED})
        head.number, head.hash = act.number, act.hash
        session.add(act)


def _locked_head(session: Session) -> AuditHead:
    query = select(AuditHead).with_for_update()
    head = session.scalars(query).one_or_none()
    if head is None:
        insert_once(AuditHead, (), number=0, hash=BEGINNING)
        head = session.scalars(query).one()
    return head


@event.listens_for(Session, "after_soft_rollback")
def _forget(session: Session, ended: SessionTransaction) -> None:
    """What was to be noted of work that has been taken back is not noted."""
    if not ended.nested:
        session.info.pop(_PENDING, None)
    elif _PENDING in session.info:
        session.info[_PENDING] = [
            found for found in session.info[_PENDING] if not _within(found[0], ended)
        ]


def _within(inner: SessionTransaction | None, outer: SessionTransaction) -> bool:
    """Whether a savepoint is another, or stands inside it."""
    while inner is not None and inner is not outer:
        inner = inner.parent
    return inner is not None
