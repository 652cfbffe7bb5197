"""The hash chains of the audit log: every act holds the hash of the one before it.

A city has two: of its own rows, isolated with them, and of its document and the
accounts of its staff, kept with those; so do a province and the platform, for the second. A link's
hash is SHA-256 over its own values as canonical JSON (sorted keys, no spaces, UTF-8; RFC 8785 for
values without fractions) with the hash before it. Changing, taking out or slipping in an act breaks
every later link. Cutting off the end, or writing everything anew, breaks none: that is found by a
checkpoint kept outside the database.

Acts are linked as the very last thing before their transaction commits, so that the row which
holds a chain's newest hash is locked for a moment only, and always last.
"""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cache
from typing import Any, ClassVar, NamedTuple

from sqlalchemy import (
    BigInteger,
    Executable,
    UniqueConstraint,
    bindparam,
    event,
    select,
    update,
)
from sqlalchemy.orm import Mapped, Session, SessionTransaction, mapped_column

from smartcity_saas.database import (
    CITY,
    CityModel,
    PlatformModel,
    insert_once,
    run,
    run_each,
    send_together,
    store,
    table_of,
    upsert_into,
)
from smartcity_saas.tenant_context import current_city_id

BEGINNING = "0" * 64
"""What stands before the first act."""
_PENDING = "acts that wait for their commit"


class Link:
    """A row's place in its chain. ``hashed`` are the columns that its hash covers."""

    hashed: ClassVar[tuple[str, ...]]

    number: Mapped[int] = mapped_column(BigInteger)
    previous: Mapped[str]
    hash: Mapped[str]


class AuditHead(CityModel):
    """The newest link of the chain of a city's own rows."""

    __tablename__ = "audit_head"
    __table_args__ = (UniqueConstraint("city_id"),)

    number: Mapped[int] = mapped_column(BigInteger)
    hash: Mapped[str]


class PlaceHead(PlatformModel):
    """The newest link of the chain of a document and the accounts at its place."""

    __tablename__ = "audit_place_head"

    place: Mapped[str] = mapped_column(primary_key=True)
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
class ChainReport:
    """What verifying a chain found: how many acts, the newest of them, and the first break."""

    count: int
    head: Checkpoint
    found: Break | None


def append(session: Session, act: Any) -> None:
    """Let an act join its chain when the present transaction commits. What it has as ``beside`` is
    stored with it."""
    session.info.setdefault(_PENDING, []).append((session.get_nested_transaction(), act))


def link_hash(chain: Mapping[str, Any], previous: str, values: Mapping[str, Any]) -> str:
    """The hash of one act.

    Args:
        chain: Whose chain, ``{"city": key}`` or ``{"place": name}``, so that an act of another
            does not fit.
        previous: The hash before it.
        values: The columns that are covered, by name.
    """
    plain = {name: _plain(value) for name, value in values.items()}
    text = json.dumps(
        {**chain, "previous": previous, **plain},
        sort_keys=True,
        separators=(",", ":"),
        ensure_ascii=False,
    )
    return hashlib.sha256(text.encode()).hexdigest()


def newest_link(place: str | None = None) -> Checkpoint:
    """The newest link of the chain of a place; by default of the rows of the current city."""
    place = place or ""
    return _heads([place]).get(place) or Checkpoint(0, BEGINNING)


def walk(
    rows: Iterable[Any],
    head: Checkpoint,
    kept: Checkpoint | None = None,
    holds: Callable[[Any], bool] = lambda row: True,
) -> ChainReport:
    """Walk a chain.

    Args:
        rows: Its acts, by number.
        head: Its newest link, as it is noted.
        kept: A checkpoint that was kept outside, to find what was cut off or rewritten.
        holds: Whether what an act refers to by a hash is what it was.
    """
    count, previous, found = 0, BEGINNING, None
    for row in rows:
        count += 1
        found = found or _break(row, count, previous, holds)
        if kept is not None and row.number == kept.number and row.hash != kept.hash:
            found = found or Break(row.number, "rewritten")
        previous = row.hash
    if found is None and (head.number, head.hash) != (count, previous):
        found = Break(count + 1, "cut")
    if found is None and kept is not None and kept.number > count:
        found = Break(count + 1, "cut")
    return ChainReport(count, Checkpoint(count, previous), found)


def beyond(report: ChainReport, last: int, head: Checkpoint) -> ChainReport:
    """A report, with what stands behind the head that was walked to.

    Args:
        report: What walking to a head found.
        last: The number of the last act that there is.
        head: The newest link, read after that: acts that have come meanwhile moved it.
    """
    if report.found is None and last > head.number:
        return replace(report, found=Break(head.number + 1, "unlinked"))
    return report


def _break(row: Any, expected: int, previous: str, holds: Callable[[Any], bool]) -> Break | None:
    if row.number != expected:
        return Break(expected, "gap")
    if row.previous != previous:
        return Break(row.number, "unlinked")
    if row.hash != _hash_of(row, previous) or not holds(row):
        return Break(row.number, "altered")
    return None


def _hash_of(row: Any, previous: str) -> str:
    chain = {"city": row.city_id} if isinstance(row, CityModel) else {"place": row.place}
    return link_hash(chain, previous, {name: getattr(row, name) for name in row.hashed})


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="microseconds")
    return str(value) if isinstance(value, uuid.UUID) else value


@event.listens_for(Session, "before_commit")
def _link(session: Session) -> None:
    if session.in_nested_transaction():
        return
    waiting = [act for _nested, act in session.info.pop(_PENDING, [])]
    places = sorted({_place(act) for act in waiting})
    if not places:
        return
    if not any(_place(act) or act.beside for act in waiting):
        send_together()  # with the commit, so that the head is held for one trip
    heads = _locked_heads(session, places)
    for act in sorted(waiting, key=_place):
        place = _place(act)
        heads[place] = _join(session, act, heads[place])
    moved = [{"chain": place, "to": head.number, "its": head.hash} for place, head in heads.items()]
    run_each(_statements(places != [""]).move, moved)


def _join(session: Session, act: Any, head: Checkpoint) -> Checkpoint:
    """Store an act as the link after a chain's newest, which it is then itself."""
    if isinstance(act, CityModel):
        act.city_id = current_city_id()
    act.number, act.previous = head.number + 1, head.hash
    act.hash = _hash_of(act, act.previous)
    if isinstance(act, CityModel):
        store(act)
    else:
        session.add(act)
    session.add_all(act.beside)
    return Checkpoint(act.number, act.hash)


def _place(act: Any) -> str:
    """The place of an act; empty for one of a city's own rows, whose city is the one we are in."""
    return "" if isinstance(act, CityModel) else str(act.place)


def _locked_heads(session: Session, places: Sequence[str]) -> dict[str, Checkpoint]:
    """The heads of some chains, locked in one order, whoever locks several. Those that are new are
    made before any is locked, so that nobody who holds one waits for another to be made."""
    alone = len(places) == 1
    heads = _heads(places, locked=alone)
    missing = [place for place in places if place not in heads]
    if missing:
        _begin(session, missing)
    return _heads(places, locked=True) if missing or not alone else heads


def _begin(session: Session, places: Sequence[str]) -> None:
    values = {"number": 0, "hash": BEGINNING}
    if places == [""]:
        insert_once(AuditHead, (), **values)
        return
    insert = upsert_into(PlaceHead).on_conflict_do_nothing(index_elements=["place"])
    session.execute(insert, [{"place": place, **values} for place in places])


def _heads(places: Sequence[str], *, locked: bool = False) -> dict[str, Checkpoint]:
    """The heads of the chains of some places, or of the current city's own (the empty place)."""
    of_places = places != [""]
    statements = _statements(of_places)
    rows = run(statements.locked if locked else statements.read, {"chains": list(places)})
    return {row.place if of_places else "": Checkpoint(row.number, row.hash) for row in rows}


class _Statements(NamedTuple):
    """On the heads of chains."""

    read: Executable
    locked: Executable
    move: Executable


@cache
def _statements(of_places: bool) -> _Statements:
    table = table_of(PlaceHead if of_places else AuditHead)
    key = table.c.place if of_places else table.c.city_id
    here = key == (bindparam("chain") if of_places else CITY)
    these = key.in_(bindparam("chains", expanding=True)) if of_places else here
    read = select(key, table.c.number, table.c.hash).where(these).order_by(key)
    move = update(table).where(here).values(number=bindparam("to"), hash=bindparam("its"))
    return _Statements(read, read.with_for_update(), move)


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
