"""Reconciliation of the ledger with the provider, move by move; and the daily closing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Literal

from flask_babel import lazy_gettext as _
from sqlalchemy import select

from smartcity_saas.audit import Actor, record
from smartcity_saas.clock import start_of_day
from smartcity_saas.configuration.city import City
from smartcity_saas.database import db, transaction
from smartcity_saas.errors import Conflict
from smartcity_saas.payments.accounts import account_of
from smartcity_saas.payments.ledger import entries_between, hold_ledger, payment_numbers, totals
from smartcity_saas.payments.models import DailyClosing, LedgerEntry
from smartcity_saas.payments.providers import Move

SLACK = timedelta(days=14)
"""A posting may be that much later than the money's move: a webhook after an outage, a refund that
a bank takes its time over."""

Kind = Literal["not in the ledger", "not at the payment provider", "amounts differ"]


@dataclass(frozen=True)
class Difference:
    """One thing that does not agree. Amounts in the minor unit, None where there is nothing."""

    kind: Kind
    reference: str
    payment: str | None
    ledger: int | None
    provider: int | None
    currency: str


@dataclass(frozen=True)
class Reconciled:
    """What was compared: how many moves on each side, and every difference."""

    ledger_moves: int
    provider_moves: int
    differences: tuple[Difference, ...]


def reconcile(city: City, since: datetime, until: datetime) -> Reconciled:
    """Compare the ledger of the current city with its provider for a span of time.

    Moves near the ends are looked up on the other side some days further, so that what was posted
    later is no difference.

    Raises:
        PaymentsClosed: The city takes no payments.
        ProviderUnreachable: The provider does not answer.
    """
    account = account_of(city)
    db.session.rollback()
    provider = list(account.moves(since - SLACK, until + SLACK))
    entries = entries_between(since - SLACK, until + SLACK)
    numbers = payment_numbers(since - SLACK, until + SLACK)
    found = tuple(compare(entries, provider, since, until, numbers))
    return Reconciled(
        sum(1 for entry in entries if since <= entry.at < until and _signed(entry)),
        sum(1 for move in provider if since <= move.at < until),
        found,
    )


def compare(
    entries: Iterable[LedgerEntry],
    moves: Iterable[Move],
    since: datetime,
    until: datetime,
    numbers: dict[Any, str],
) -> Iterable[Difference]:
    """Differences between both sides by the provider's references; those inside the span."""
    ledger: dict[tuple[str, str], int] = Counter()
    provider: dict[tuple[str, str], int] = Counter()
    inside: dict[tuple[str, str], str | None] = {}
    for entry in entries:
        amount = _signed(entry)
        if not amount:
            continue
        key = (entry.provider_reference or "", entry.currency)
        ledger[key] += amount
        if since <= entry.at < until:
            inside[key] = numbers.get(entry.payment_id)
    for move in moves:
        key = (move.reference, move.currency)
        provider[key] += move.amount
        if since <= move.at < until:
            inside.setdefault(key, None)
    for key, payment in sorted(inside.items()):
        ours, theirs = ledger.get(key), provider.get(key)
        if ours == theirs or (not ours and not theirs):
            continue
        kind: Kind = "amounts differ"
        if ours is None:
            kind = "not in the ledger"
        elif theirs is None:
            kind = "not at the payment provider"
        yield Difference(kind, key[0], payment, ours, theirs, key[1])


def day_span(city: City, day: date) -> tuple[datetime, datetime]:
    """The beginning and the end of a day in the city's zone."""
    after = day + timedelta(days=1)
    return start_of_day(day, city.timezone), start_of_day(after, city.timezone)


def close_day(
    actor: Actor, city: City, day: date, now: datetime, differences: int | None
) -> DailyClosing:
    """Close a day that is over, with its totals as the ledger has them.

    Raises:
        Conflict: The day is not over, or closed already.
    """
    since, until = day_span(city, day)
    if until > now:
        raise Conflict(_("This day is not over yet."))
    with transaction() as session:
        hold_ledger(alone=True)
        closed = closing_of(day)
        if closed is not None:
            raise Conflict(_("%(who)s has already closed this day.", who=closed.closed_by))
        row = DailyClosing(
            day=day,
            totals=totals(entries_between(since, until)),
            differences=differences,
            closed_by=actor.label,
            closed_at=now,
        )
        session.add(row)
        record(actor, "payment.close_day", day.isoformat(), {"differences": differences}, now)
    return row


def closing_of(day: date) -> DailyClosing | None:
    """A day's closing, None where it is open."""
    return db.session.scalars(select(DailyClosing).where(DailyClosing.day == day)).one_or_none()


def _signed(entry: LedgerEntry) -> int:
    """What an entry moves at the provider: in, out (negative), or nothing."""
    if entry.debit.startswith("provider:"):
        return entry.amount
    return -entry.amount if entry.credit.startswith("provider:") else 0
