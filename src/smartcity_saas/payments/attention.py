"""Money that waits for finance: held payments, disputes with banks, days to close."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta

from flask_babel import gettext, lazy_ngettext
from flask_babel import lazy_gettext as _
from sqlalchemy import and_, case, func, select

from smartcity_saas.attention import Attention, Urgency
from smartcity_saas.clock import today_in
from smartcity_saas.configuration.city import City
from smartcity_saas.database import db
from smartcity_saas.payments.models import DailyClosing, LedgerEntry, Payment, PaymentDispute
from smartcity_saas.payments.reconciliation import day_span
from smartcity_saas.payments.states import DisputeState, PaymentState
from smartcity_saas.tenancy.current import current_city
from smartcity_saas.web.formats import day as day_text
from smartcity_saas.web.money import format_sums

CLOSABLE_DAYS = 13
"""How many days before today the page of closings offers."""
MOST_NAMED = 3


def payments_attention(now: datetime) -> Iterator[Attention]:
    """What waits for finance in the current city."""
    city = current_city()
    yield from _held()
    yield from _disputed(city.timezone)
    yield from _to_close(city, now)


def _held() -> Iterator[Attention]:
    query = (
        select(Payment.received_currency, func.count(), func.sum(Payment.received))
        .add_columns(func.min(Payment.created_at))
        .where(Payment.state == PaymentState.HELD)
        .group_by(Payment.received_currency)
    )
    rows = db.session.execute(query).all()
    number = sum(count for _currency, count, _sum, _since in rows)
    if number:
        sums = format_sums((int(amount), currency) for currency, _n, amount, _s in rows if currency)
        yield Attention(
            kind="payments.held",
            title=lazy_ngettext(
                "%(sums)s held in %(num)s payment",
                "%(sums)s held in %(num)s payments",
                number,
                sums=sums,
            ),
            detail=_("The money is here and counts for nothing yet. Book it or send it back."),
            icon="cash",
            page="payments?state=held",
            permission="city.finance",
            urgency=Urgency.WAITING,
            number=number,
            since=min(since for _c, _n, _s, since in rows),
        )


def _disputed(zone: str) -> Iterator[Attention]:
    query = select(
        func.count(), func.min(PaymentDispute.created_at), func.min(PaymentDispute.answer_by)
    ).where(PaymentDispute.state.in_((DisputeState.OPEN, DisputeState.INQUIRY)))
    number, since, answer_by = db.session.execute(query).one()
    if number:
        yield Attention(
            kind="payments.disputes",
            title=lazy_ngettext(
                "%(num)s bank dispute to answer", "%(num)s bank disputes to answer", number
            ),
            detail=_("Answer at the payment provider, with what proves the payment."),
            icon="cash",
            page="payments?state=held",
            permission="city.finance",
            urgency=Urgency.WAITING,
            number=number,
            since=since,
            by=today_in(zone, answer_by) if answer_by is not None else None,
        )


def _to_close(city: City, now: datetime) -> Iterator[Attention]:
    days = _days_to_close(city, now)
    if days:
        named = [day_text(day, today_in(city.timezone, now).year) for day in days[:MOST_NAMED]]
        yield Attention(
            kind="payments.closing",
            title=lazy_ngettext("%(num)s day to close", "%(num)s days to close", len(days)),
            detail=gettext(", ").join(named) + ("…" if len(days) > MOST_NAMED else ""),
            icon="calendar",
            page="payments/closings",
            permission="city.finance",
            urgency=Urgency.ROUTINE,
            number=len(days),
        )


def _days_to_close(city: City, now: datetime) -> list[date]:
    """The last days on which money moved and that nobody has closed, the oldest first."""
    today = today_in(city.timezone, now)
    days = [today - timedelta(days=back) for back in range(CLOSABLE_DAYS, 0, -1)]
    closed = set(
        db.session.scalars(select(DailyClosing.day).where(DailyClosing.day >= days[0])).all()
    )
    spans = {day: day_span(city, day) for day in days if day not in closed}
    if not spans:
        return []
    moved = [
        func.sum(case((and_(LedgerEntry.at >= since, LedgerEntry.at < until), 1), else_=0))
        for since, until in spans.values()
    ]
    first, last = min(spans), max(spans)
    query = select(*moved).where(LedgerEntry.at >= spans[first][0], LedgerEntry.at < spans[last][1])
    found = db.session.execute(query).one()
    return [day for day, any_ in zip(spans, found, strict=True) if any_]
