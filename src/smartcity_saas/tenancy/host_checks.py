"""Looking up the records that prove hosts, and what follows: a host is proved, its record is missing,
it is lost, or goes to another city whose record is there instead.

Only an answer of DNS changes anything. While it cannot be asked, everything stays as it is.
"""

from __future__ import annotations

import threading
from collections.abc import Collection, Iterable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from sqlalchemy import delete, select, update

from smartcity_saas.audit import Actor, record, system
from smartcity_saas.configuration.host_ownership import (
    GRACE,
    SERVED,
    adopt_earlier_claims,
    challenge_values,
    named_hosts,
)
from smartcity_saas.configuration.hosts import CHALLENGE
from smartcity_saas.configuration.models import Document, HostClaim, HostOwnership, Installation
from smartcity_saas.configuration.repository import bump_version
from smartcity_saas.configuration.states import Finding, HostState
from smartcity_saas.database import db, transaction
from smartcity_saas.logs import get_logger
from smartcity_saas.product import product, running_app
from smartcity_saas.tenancy.txt_records import TxtAnswer

if TYPE_CHECKING:
    from smartcity_saas.tenancy.flask_app import SiteFlask

DAILY, OFTEN, RETRY = timedelta(days=1), timedelta(hours=6), timedelta(minutes=15)
SOONEST = timedelta(minutes=5)
EVERY = timedelta(minutes=1)
LEASE = timedelta(minutes=10)
AT_ONCE = 16
LONGEST_SEEN = 200

Key = tuple[int, str]
"""A city's surrogate key and a host that its document names."""

log = get_logger(__name__)


def check_host(key: Key, actor: Actor, now: datetime) -> Finding | None:
    """Look for the record of a host, outside any city, and note what was found. No transaction is open
    while DNS is asked.

    Args:
        key: The city's key, and the host.
        actor: Who has it looked up.
        now: The time.

    Returns:
        What was found; None where the city's document names the host no more.
    """
    db.session.rollback()
    answer = product().find_txt(f"{CHALLENGE}.{key[1]}")
    with transaction() as session:
        # Whoever stores a document holds this row too: nobody changes a claim beside us.
        session.execute(select(Installation.id).with_for_update())
        row = session.get(HostOwnership, key)
        if row is None:
            return None
        if row.host not in named_hosts(row.document_id):
            _forget(row)  # a process of an earlier release has stored the document
            return None
        _note(row, answer, actor, now)
        return row.finding


def check_hosts(keys: Iterable[Key], actor: Actor, now: datetime) -> None:
    """Look for the records of several hosts at once. Raises nothing: what fails is in the log."""
    app = running_app()

    def check(key: Key) -> None:
        with app.app_context():
            try:
                check_host(key, actor, now)
            except Exception as error:
                log.error("host_check_failed", host=key[1], exc_info=error)

    with ThreadPoolExecutor(AT_ONCE, "host-checks") as pool:
        list(pool.map(check, keys))
    db.session.rollback()  # what was read here before is older


def take_due(now: datetime) -> list[Key]:
    """Some hosts that are to be looked up now, outside any city; they are this process's for ten
    minutes. One that is killed meanwhile has cost nothing but those."""
    due = (
        select(HostOwnership)
        .where(HostOwnership.check_at <= now)
        .order_by(HostOwnership.check_at)
        .limit(AT_ONCE)
        .with_for_update(skip_locked=True)
    )
    with transaction() as session:
        adopt_earlier_claims(now)
        rows = session.scalars(due).all()
        for row in rows:
            row.check_at = now + LEASE
    return [(row.document_id, row.host) for row in rows]


class HostChecks:
    """Looks up what is due, once a minute, in a thread of its own: DNS may be slow, and no task waits
    for it."""

    def __init__(self, app: SiteFlask) -> None:
        self._app = app
        self._next: datetime | None = None
        self._thread: threading.Thread | None = None

    def __call__(self, now: datetime) -> None:
        """Begin what is due, outside any city."""
        if self._thread is not None and self._thread.is_alive():
            return
        if self._next is not None and now < self._next:
            return
        keys = take_due(now)
        self._next = now if len(keys) == AT_ONCE else now + EVERY
        if keys:
            self._thread = threading.Thread(target=self._check, args=(keys, now), name="hosts")
            self._thread.start()

    def wait(self) -> None:
        """Wait for what has begun."""
        if self._thread is not None:
            self._thread.join()

    def _check(self, keys: Collection[Key], now: datetime) -> None:
        with self._app.app_context():
            check_hosts(keys, system("worker"), now)


def _note(row: HostOwnership, answer: TxtAnswer, actor: Actor, now: datetime) -> None:
    """Note in a transaction what was found of a host."""
    row.checked_at = now
    row.seen = None
    said = {_bare(value) for value in answer.values}
    wanted = challenge_values(row.host, {row.document_id}).get(row.document_id)
    if wanted is not None and wanted in said:
        _found(row, answer, said, actor, now)
    elif answer.finding in (Finding.ABSENT, Finding.OTHER):
        row.finding = answer.finding
        row.seen = _seen(row, answer)
        _not_found(row, actor, now)
    else:
        row.finding, row.check_at = answer.finding, now + RETRY


def _found(
    row: HostOwnership, answer: TxtAnswer, said: set[str], actor: Actor, now: datetime
) -> None:
    holder = db.session.get(HostClaim, row.host)
    if holder is not None and holder.document_id != row.document_id:
        if challenge_values(row.host, {holder.document_id})[holder.document_id] in said:
            row.finding, row.check_at = Finding.HELD, now + OFTEN
            return
        _lose((holder.document_id, row.host), actor, now)
    row.finding, row.record_name, row.check_at = Finding.FOUND, answer.name, now + DAILY
    row.missing_since = None
    if row.state is HostState.PROVED:
        return
    if row.state not in SERVED:
        db.session.add(HostClaim(host=row.host, document_id=row.document_id))
        _let_processes_know(row.document_id)
    row.state, row.proved_at = HostState.PROVED, row.proved_at or now
    _record(row, "host.prove", actor, now)


def _not_found(row: HostOwnership, actor: Actor, now: datetime) -> None:
    if row.state is HostState.PROVED:
        row.state, row.missing_since, row.check_at = HostState.MISSING, now, now + OFTEN
        _record(row, "host.miss", actor, now)
    elif row.state is HostState.MISSING:
        row.check_at = now + OFTEN
        if row.missing_since is not None and now - row.missing_since >= GRACE:
            _lose((row.document_id, row.host), actor, now)
    elif row.state is HostState.EARLIER:
        row.check_at = now + DAILY
    else:  # the longer a record has been waited for, the less often it is looked for
        row.check_at = now + min(max((now - row.claimed_at) / 10, SOONEST), DAILY)


def _lose(key: Key, actor: Actor, now: datetime) -> None:
    """A host leads to its city no more."""
    row = db.session.get(HostOwnership, key)
    db.session.execute(delete(HostClaim).where(HostClaim.host == key[1]))
    _let_processes_know(key[0])
    if row is not None:
        row.state, row.proved_at, row.record_name = HostState.LOST, None, None
        row.check_at = now + DAILY
        _record(row, "host.lose", actor, now)


def _forget(row: HostOwnership) -> None:
    db.session.execute(
        delete(HostClaim).where(
            HostClaim.host == row.host, HostClaim.document_id == row.document_id
        )
    )
    _let_processes_know(row.document_id)
    db.session.delete(row)


def _let_processes_know(city_id: int) -> None:
    db.session.flush()
    version = bump_version()
    db.session.execute(
        update(Document).where(Document.id == city_id).values(changed_at_version=version)
    )


def _record(row: HostOwnership, action: str, actor: Actor, now: datetime) -> None:
    city = db.session.get_one(Document, row.document_id)
    record(actor, action, city.name, {"host": row.host}, now)


def _bare(value: str) -> str:
    """A record as it was meant: some panels keep the quotes that were typed around it."""
    return value.strip().strip('"').strip()


def _seen(row: HostOwnership, answer: TxtAnswer) -> str | None:
    """What stood there instead: other values, or the name to which a CNAME led."""
    if answer.values:
        return "; ".join(answer.values)[:LONGEST_SEEN]
    return answer.name if answer.name != f"{CHALLENGE}.{row.host}" else None
