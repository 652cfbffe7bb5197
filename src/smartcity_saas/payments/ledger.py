"""The city's ledger: one row, one transfer. It balances by its shape, and only grows.

Debit and credit as in double-entry bookkeeping: ``provider:<name>`` is what the provider owes
the city (an asset); ``service:<name>`` and ``held`` are what the city owes on (liabilities).
``disputed`` is what payers' banks have taken back and nobody has decided on, ``written_off`` what
the city bears of it.
"""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cache
from itertools import pairwise
from typing import Any

from sqlalchemy import BindParameter, Select, and_, bindparam, case, func, select

from smartcity_saas.clock import start_of_day, today_in
from smartcity_saas.database import CITY, db, insert_once, load, run, table_of
from smartcity_saas.payments.models import DailyClosing, LedgerEntry, LedgerLock, Payment
from smartcity_saas.tenancy.current import current_city

HELD, DISPUTED, WRITTEN_OFF = "held", "disputed", "written_off"
_CLOSED_DAYS = "closed days of the ledger"


_locks, _closings, _entries = (table_of(one) for one in (LedgerLock, DailyClosing, LedgerEntry))
_HOLD = select(_locks.c.id).where(_locks.c.city_id == CITY, _locks.c.name == "ledger")
_HOLD_ALONE = _HOLD.with_for_update()
_HOLD_TOGETHER = _HOLD.with_for_update(read=True)
_CLOSED = select(_closings.c.day).where(
    _closings.c.city_id == CITY, _closings.c.day >= bindparam("since")
)
_ENTRIES = (
    select(_entries)
    .where(_entries.c.city_id == CITY, _entries.c.payment_id == bindparam("payment"))
    .order_by(_entries.c.at, _entries.c.id)
)
_ACCOUNTS = _entries.c.debit, _entries.c.credit, _entries.c.currency
_SUMS = (
    select(*_ACCOUNTS, func.sum(_entries.c.amount))
    .where(_entries.c.city_id == CITY)
    .group_by(*_ACCOUNTS)
)


def provider_account(name: str) -> str:
    """What a provider owes the city."""
    return f"provider:{name}"


def service_account(name: str) -> str:
    """What was taken for a service."""
    return f"service:{name}"


@dataclass(frozen=True)
class Transfer:
    """Money from one account to another; ``amount`` is in the currency's minor unit."""

    debit: str
    credit: str
    amount: int
    currency: str


def post(
    key: str,
    payment_id: uuid.UUID,
    transfer: Transfer,
    at: datetime,
    reference: str | None = None,
) -> bool:
    """Write a transfer; the same key is written once, whoever comes and however often. One whose
    day has been closed meanwhile stands at the beginning of the next open day.

    Args:
        key: What it is of, once and for ever.
        payment_id: Of which payment.
        transfer: What moves.
        at: When it moved.
        reference: The provider's own name of the move, None where it has none.

    Returns:
        Whether this call wrote it.
    """
    made = insert_once(
        LedgerEntry,
        ("key",),
        key=key,
        payment_id=payment_id,
        debit=transfer.debit,
        credit=transfer.credit,
        amount=transfer.amount,
        currency=transfer.currency,
        at=_in_an_open_day(at),
        provider_reference=reference,
    )
    return made is not None


def hold_ledger(*, alone: bool) -> None:
    """Hold the city's ledger until this transaction ends: together with others that post, or alone
    to close a day."""
    hold = _HOLD_ALONE if alone else _HOLD_TOGETHER
    if run(hold).one_or_none() is None:
        insert_once(LedgerLock, ("name",), name="ledger")
        run(hold).one()


def _in_an_open_day(at: datetime) -> datetime:
    """A time that lies in no closed day of the city: itself, or the next day's beginning."""
    zone = current_city().timezone
    day = today_in(zone, at)
    closed = _closed_since(day)
    if day not in closed:
        return at
    while day in closed:
        day += timedelta(days=1)
    return start_of_day(day, zone)


def _closed_since(day: date) -> frozenset[date]:
    """The closed days from one on, with the ledger held: so asked once a transaction."""
    session = db.session()
    here = session.get_nested_transaction() or session.get_transaction(), day
    if session.info.get(_CLOSED_DAYS, (None,))[0] != here:
        hold_ledger(alone=False)
        closed = frozenset(run(_CLOSED, {"since": day}).scalars())
        session.info[_CLOSED_DAYS] = here, closed
    found: frozenset[date] = session.info[_CLOSED_DAYS][1]
    return found


def entries_of(payment_id: uuid.UUID) -> list[LedgerEntry]:
    """A payment's transfers, in their order."""
    return load(LedgerEntry, _ENTRIES, {"payment": payment_id})


def turn_of(payment_id: uuid.UUID) -> str:
    """A mark of how far a payment has come: another one whenever money of it has moved, so that
    what is reported again after a refund has a key of its own. Empty before the first."""
    query = select(func.count()).where(LedgerEntry.payment_id == payment_id)
    moves = db.session.scalar(query) or 0
    return f":{moves}" if moves else ""


def entries_between(since: datetime, until: datetime) -> list[LedgerEntry]:
    """Transfers of a span of time (``since`` included, ``until`` not), in their order."""
    query = select(LedgerEntry).where(LedgerEntry.at >= since, LedgerEntry.at < until)
    return list(db.session.scalars(query.order_by(LedgerEntry.at, LedgerEntry.id)))


def payment_numbers(since: datetime, until: datetime) -> dict[uuid.UUID, str]:
    """The numbers of the payments that the transfers of a span of time belong to."""
    query = (
        select(Payment.id, Payment.number)
        .join(LedgerEntry, LedgerEntry.payment_id == Payment.id)
        .where(LedgerEntry.at >= since, LedgerEntry.at < until)
        .distinct()
    )
    return {row.id: row.number for row in db.session.execute(query)}


def balances() -> dict[tuple[str, str], int]:
    """Account and currency → debits less credits, in the minor unit. They add up to zero."""
    found: dict[tuple[str, str], int] = defaultdict(int)
    for debit, credit, currency, total in run(_SUMS):
        found[debit, currency] += int(total)
        found[credit, currency] -= int(total)
    return dict(found)


def totals_by_span(begins: Sequence[datetime]) -> list[dict[str, dict[str, int]]]:
    """The ``totals`` of spans of time that follow each other, added up by the database in one statement.

    Args:
        begins: When each of them begins, and at last when the last of them ends.
    """
    spans = len(begins) - 1
    found: list[list[Transfer]] = [[] for _span in range(spans)]
    bounds = {f"begin_{place}": begin for place, begin in enumerate(begins)}
    for debit, credit, currency, *amounts in run(_sums_by_span(spans), bounds):
        for rows, amount in zip(found, amounts, strict=True):
            if amount is not None:
                rows.append(Transfer(debit, credit, int(amount), currency))
    return [totals(rows) for rows in found]


@cache
def _sums_by_span(spans: int) -> Select[Any]:
    """By accounts and currency a sum for each span; none where nothing was posted."""
    entry = table_of(LedgerEntry).c
    begins: list[BindParameter[datetime]] = [
        bindparam(f"begin_{place}", type_=entry.at.type) for place in range(spans + 1)
    ]
    sums = (
        func.sum(case((and_(entry.at >= begin, entry.at < end), entry.amount)))
        for begin, end in pairwise(begins)
    )
    accounts = entry.debit, entry.credit, entry.currency
    return (
        select(*accounts, *sums)
        .where(entry.city_id == CITY, entry.at >= begins[0], entry.at < begins[-1])
        .group_by(*accounts)
    )


def totals(entries: Iterable[LedgerEntry | Transfer]) -> dict[str, dict[str, int]]:
    """Currency → ``received``, ``refunded``, ``disputed`` (taken back less given back) and ``net``
    at the providers.

    Args:
        entries: Transfers as they stand, or sums of several with the same accounts.
    """
    found: dict[str, dict[str, int]] = {}
    for entry in entries:
        row = found.setdefault(
            entry.currency, {"received": 0, "refunded": 0, "disputed": 0, "net": 0}
        )
        into = entry.debit.startswith("provider:")
        if not into and not entry.credit.startswith("provider:"):
            continue
        row["net"] += entry.amount if into else -entry.amount
        if DISPUTED in (entry.debit, entry.credit):
            row["disputed"] += -entry.amount if into else entry.amount
        else:
            row["received" if into else "refunded"] += entry.amount
    return found
