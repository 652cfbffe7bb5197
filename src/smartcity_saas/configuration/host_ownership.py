"""Hosts that documents name: those that lead to a city, and those that DNS has yet to prove.

Whoever names a host need not own it. A host of a city's own counts once the TXT record of that city
stands at ``_smartcity-challenge.HOST``, as ACME's DNS challenge asks for one.
A record is good for one host and one city, not for what lies beneath the host.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import idna
from sqlalchemy import bindparam, select

from smartcity_saas.configuration.hosts import CHALLENGE, canonical_host, needs_proof
from smartcity_saas.configuration.models import (
    Document,
    HostClaim,
    HostOwnership,
    Installation,
    Revision,
)
from smartcity_saas.configuration.states import Finding, HostState
from smartcity_saas.database import db, run, table_of

TOKEN_BYTES = 20
GRACE = timedelta(days=7)
"""How long a host whose record is gone leads to its city."""
SERVED = frozenset({HostState.EXEMPT, HostState.EARLIER, HostState.PROVED, HostState.MISSING})
"""The states in which a host leads to its city."""


@dataclass(frozen=True, kw_only=True)
class OwnHost:
    """A host that a city's document names, beside the platform's own.

    ``record_name`` and ``record_value`` are the TXT record that proves it. ``holder`` is the slug of
    the city that it leads to, if that is another; ``found_at`` where the record was found; ``seen``
    what stood there instead.
    """

    city: str
    city_id: int
    province: str
    host: str
    state: HostState
    record_name: str = ""
    record_value: str = ""
    holder: str | None = None
    claimed_at: datetime | None = None
    proved_at: datetime | None = None
    missing_since: datetime | None = None
    checked_at: datetime | None = None
    finding: Finding | None = None
    found_at: str | None = None
    seen: str | None = None

    @property
    def is_served(self) -> bool:
        """Whether it leads to the city."""
        return self.state in SERVED

    @property
    def served_until(self) -> datetime | None:
        """How long a host whose record is missing leads to the city; None for any other."""
        if self.state is not HostState.MISSING or self.missing_since is None:
            return None
        return self.missing_since + GRACE

    @property
    def unicode(self) -> str:
        """The host in its own script, as people write it."""
        return str(idna.decode(self.host)) if "xn--" in self.host else self.host

    @property
    def record(self) -> str:
        """The record as a line of a zone file."""
        return f'{self.record_name}. TXT "{self.record_value}"'


def move_hosts(wanted: Mapping[int, Collection[str]], now: datetime) -> None:
    """Let documents hold the hosts that they name and no others, in a transaction. All that is given up
    is released before anything is taken, so hosts can move, and change places, between documents.
    What needs no proof leads to its city at once, the rest waits for its record.

    Args:
        wanted: The hosts of each document, normalised, by its key.
        now: The time.
    """
    named = {(key, host) for key, hosts in wanted.items() for host in hosts}
    held = set()
    models: tuple[Any, ...] = (HostClaim, HostOwnership)
    for model in models:
        for row in db.session.scalars(select(model).where(model.document_id.in_(wanted))):
            held.add((row.document_id, row.host))
            if (row.document_id, row.host) not in named:
                db.session.delete(row)
    db.session.flush()
    new = sorted(named - held)
    _await([one for one in new if needs_proof(one[1])], HostState.WAITING, now)
    db.session.add_all(
        HostClaim(host=host, document_id=key) for key, host in new if not needs_proof(host)
    )


def adopt_earlier_claims(now: datetime) -> None:
    """Take what a process of an earlier release claims while this one is rolled out as what had led
    to a city before, in a transaction; that release asks for no proof."""
    unknown = (
        select(HostClaim.document_id, HostClaim.host)
        .outerjoin(
            HostOwnership,
            (HostOwnership.document_id == HostClaim.document_id)
            & (HostOwnership.host == HostClaim.host),
        )
        .where(HostOwnership.host.is_(None))
    )
    found = [(key, host) for key, host in db.session.execute(unknown) if needs_proof(host)]
    _await(found, HostState.EARLIER, now)


def named_hosts(document_id: int) -> frozenset[str]:
    """The hosts that a document names as it is live."""
    values = db.session.scalar(
        select(Revision.values)
        .join(Document, Document.id == Revision.document_id)
        .where(Document.id == document_id, Revision.number == Document.live_number)
    )
    return frozenset(map(canonical_host, (values or {}).get("hosts") or ()))


def own_hosts(city_ids: Collection[int] | None = None) -> list[OwnHost]:
    """The hosts that documents of some cities name, or of all, by city and host; outside any city."""
    own = {} if city_ids is None else {"cities": list(city_ids)}
    rows = run(_OWNED if city_ids is None else _OWNED_BY, own).all()
    hosts = {row.host for row in rows}
    leading = run(_CLAIMED if city_ids is None else _CLAIMED_BY, own | {"hosts": [*hosts, ""]})
    claims = {claim.host: claim for claim in leading}
    key = _challenge_key() if rows or claims else ""
    found = [_own_host(row, claims.get(row.host), key) for row in rows]
    found += [
        _without_row(claim, key)
        for host, claim in claims.items()
        if host not in hosts and (city_ids is None or claim.city_id in city_ids)
    ]
    return sorted(found, key=lambda one: (one.city, one.host))


def troubled_hosts() -> dict[int, list[tuple[str, HostState]]]:
    """The hosts of all cities whose records are gone, by the city's key, in one statement; outside any
    city."""
    gone = (HostState.MISSING, HostState.LOST)
    query = select(HostOwnership.document_id, HostOwnership.host, HostOwnership.state).where(
        HostOwnership.state.in_(gone)
    )
    found: dict[int, list[tuple[str, HostState]]] = defaultdict(list)
    for key, host, state in db.session.execute(query):
        found[key].append((host, state))
    return found


def challenge_values(host: str, city_ids: Collection[int]) -> dict[int, str]:
    """What the record of a host has to say for each of some cities, by their surrogate keys, which are
    never used again as slugs are."""
    key = _challenge_key()
    return {city_id: _value(key, city_id, host) for city_id in city_ids} if key else {}


def _await(found: Sequence[tuple[int, str]], state: HostState, now: datetime) -> None:
    if not found:
        return
    installation = db.session.get_one(Installation, 1, with_for_update=True)
    installation.challenge_key = installation.challenge_key or secrets.token_hex(32)
    db.session.add_all(
        HostOwnership(document_id=key, host=host, state=state, claimed_at=now, check_at=now)
        for key, host in found
    )


def _own_host(row: Any, claim: Any, key: str) -> OwnHost:
    other = claim is not None and claim.city_id != row.city_id
    return OwnHost(
        **_named(row, key),
        state=row.state,
        holder=claim.city if other else None,
        claimed_at=row.claimed_at,
        proved_at=row.proved_at,
        missing_since=row.missing_since,
        checked_at=row.checked_at,
        finding=row.finding,
        found_at=row.record_name,
        seen=row.seen,
    )


def _without_row(claim: Any, key: str) -> OwnHost:
    state = HostState.EARLIER if needs_proof(claim.host) else HostState.EXEMPT
    return OwnHost(**_named(claim, key), state=state)


def _named(row: Any, key: str) -> dict[str, Any]:
    named: dict[str, Any] = {
        "city": row.city,
        "city_id": row.city_id,
        "province": row.province or "",
        "host": row.host,
    }
    if needs_proof(row.host) and key:
        named |= {
            "record_name": f"{CHALLENGE}.{row.host}",
            "record_value": _value(key, row.city_id, row.host),
        }
    return named


def _value(key: str, city_id: int, host: str) -> str:
    """160 bits in base32, which no panel of a DNS provider changes."""
    code = hmac.new(bytes.fromhex(key), f"{city_id}:{host}".encode(), hashlib.sha256).digest()
    return f"smartcity={base64.b32encode(code[:TOKEN_BYTES]).decode().lower()}"


def _challenge_key() -> str:
    return run(_CHALLENGE_KEY).scalar_one_or_none() or ""


_document, _ownership, _claim = map(table_of, (Document, HostOwnership, HostClaim))
_CITY_COLUMNS = (
    _document.c.id.label("city_id"),
    _document.c.name.label("city"),
    _document.c.province,
)
_CHALLENGE_KEY = select(table_of(Installation).c.challenge_key)
_OWNED = select(*_CITY_COLUMNS, _ownership).join(
    _document, _document.c.id == _ownership.c.document_id
)
_OWNED_BY = _OWNED.where(_ownership.c.document_id.in_(bindparam("cities", expanding=True)))
_CLAIMED = select(*_CITY_COLUMNS, _claim.c.host).join(
    _document, _document.c.id == _claim.c.document_id
)
_CLAIMED_BY = _CLAIMED.where(
    _claim.c.document_id.in_(bindparam("cities", expanding=True))
    | _claim.c.host.in_(bindparam("hosts", expanding=True))
)
