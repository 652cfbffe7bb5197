"""Money that waits for finance: held payments, disputes with banks, days to close."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from itertools import pairwise

from flask_babel import gettext, lazy_ngettext
from flask_babel import lazy_gettext as _
from sqlalchemy import BindParameter, and_, bindparam, case, func, select

from smartcity_saas.attention import Attention, Urgency
from smartcity_saas.clock import start_of_day, today_in
from smartcity_saas.configuration.city import City
from smartcity_saas.database import CITY, run, table_of
from smartcity_saas.payments.models import DailyClosing, LedgerEntry, Payment, PaymentDispute
from smartcity_saas.payments.states import DisputeState, PaymentState
from smartcity_saas.tenancy.current import current_city
from smartcity_saas.web.formats import day as day_text
from smartcity_saas.web.money import format_sums

CLOSABLE_DAYS = 13
"""How many days before today the page of closings offers."""
MOST_NAMED = 3
_payment, _dispute = table_of(Payment), table_of(PaymentDispute)
_closing, _entry = table_of(DailyClosing), table_of(LedgerEntry)
_HELD = (
    select(_payment.c.received_currency, func.count(), func.sum(_payment.c.received))
    .add_columns(func.min(_payment.c.created_at))
    .where(_payment.c.city_id == CITY, _payment.c.state == PaymentState.HELD)
    .group_by(_payment.c.received_currency)
)
_DISPUTED = select(
    func.count(), func.min(_dispute.c.created_at), func.min(_dispute.c.answer_by)
).where(
    _dispute.c.city_id == CITY,
    _dispute.c.state.in_((DisputeState.OPEN, DisputeState.INQUIRY)),
)
_CLOSED = select(_closing.c.day).where(
    _closing.c.city_id == CITY, _closing.c.day >= bindparam("first")
)
_BEGINS: list[BindParameter[datetime]] = [
    bindparam(f"begin_{place}") for place in range(CLOSABLE_DAYS + 1)
]
_MOVED = select(
    *(
        func.sum(case((and_(_entry.c.at >= begin, _entry.c.at < end), 1), else_=0))
        for begin, end in pairwise(_BEGINS)
    )
).where(_entry.c.city_id == CITY, _entry.c.at >= _BEGINS[0], _entry.c.at < _BEGINS[-1])
"""How often money moved on each of the closable days, given the moments at which they begin."""


def payments_attention(now: datetime) -> Iterator[Attention]:
    """What waits for finance in the current city."""
    city = current_city()
    yield from _held()
    yield from _disputed(city.timezone)
    yield from _to_close(city, now)


def _held() -> Iterator[Attention]:
    rows = run(_HELD).all()
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
    number, since, answer_by = run(_DISPUTED).one()
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
    days = [today - timedelta(days=back) for back in range(CLOSABLE_DAYS, -1, -1)]
    closed = set(run(_CLOSED, {"first": days[0]}).scalars())
    begins = {
        bound.key: start_of_day(day, city.timezone)
        for bound, day in zip(_BEGINS, days, strict=True)
    }
    moved = run(_MOVED, begins).one()
    return [day for day, times in zip(days[:-1], moved, strict=True) if times and day not in closed]
