"""Finding payments of the current city, for finance."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, Integer, Select, bindparam, func, or_, select

from smartcity_saas.clock import read_day, start_of_day
from smartcity_saas.database import CITY, db, load, run, table_of
from smartcity_saas.identity.residents.models import Resident
from smartcity_saas.payments.models import DailyClosing, Payment
from smartcity_saas.payments.states import TRANSITIONS, PaymentState

PAGE = 50
_payment = table_of(Payment)


@dataclass(frozen=True)
class Wanted:
    """What finance looks for; an empty part takes all. Days are the city's own."""

    text: str = ""
    state: str = ""
    service: str = ""
    since: date | None = None
    until: date | None = None

    @classmethod
    def of(cls, typed: Mapping[str, str]) -> Wanted:
        """From a form's fields; what cannot be understood is left out."""
        state = typed.get("state", "")
        return cls(
            text=typed.get("text", "").strip()[:80],
            state=state if state in TRANSITIONS else "",
            service=typed.get("service", "")[:80],
            since=read_day(typed.get("since", "")),
            until=read_day(typed.get("until", "")),
        )


def find_payments(wanted: Wanted, zone: str, limit: int = PAGE) -> list[Payment]:
    """Payments that fit, the newest first. What is kept of somebody who has left is locked away:
    it is found by its own number or reference alone, but for money that waits for a decision."""
    values = {
        "text": wanted.text,
        "state": wanted.state,
        "service": wanted.service,
        "since": wanted.since and start_of_day(wanted.since, zone),
        "until": wanted.until and start_of_day(wanted.until + timedelta(days=1), zone),
    }
    given = {name: value for name, value in values.items() if value}
    if wanted.text:
        given["number"] = wanted.text.upper()
    return load(Payment, _payments_by(frozenset(given)), {**given, "most": limit})


@cache
def _payments_by(given: frozenset[str]) -> Select[Any]:
    """Payments by what is looked for: names of ``find_payments``."""
    parts: dict[str, ColumnElement[bool]] = {
        "text": or_(
            _payment.c.number == bindparam("number"),
            _payment.c.provider_reference == bindparam("text"),
            _payment.c.checkout_id == bindparam("text"),
        ),
        "state": _payment.c.state == bindparam("state"),
        "service": _payment.c.service == bindparam("service"),
        "since": _payment.c.created_at >= bindparam("since", type_=_payment.c.created_at.type),
        "until": _payment.c.created_at < bindparam("until", type_=_payment.c.created_at.type),
    }
    here = [part for name, part in parts.items() if name in given]
    if "text" not in given:
        resident = table_of(Resident).c
        left = select(resident.id).where(
            resident.city_id == CITY,
            resident.closed_at.is_not(None),
            resident.merged_into.is_(None),
        )
        here.append(or_(_payment.c.state == PaymentState.HELD, _payment.c.resident_id.not_in(left)))
    return (
        select(_payment)
        .where(_payment.c.city_id == CITY, *here)
        .order_by(_payment.c.created_at.desc())
        .limit(bindparam("most", type_=Integer()))
    )


def is_locked_away(payment: Payment) -> bool:
    """Whether whoever paid has left."""
    query = select(Resident.id).where(
        Resident.id == payment.resident_id,
        Resident.closed_at.is_not(None),
        Resident.merged_into.is_(None),
    )
    return db.session.scalars(query).first() is not None


_HELD = select(func.count()).where(
    _payment.c.city_id == CITY, _payment.c.state == PaymentState.HELD
)


def count_held() -> int:
    """How many payments wait for finance to decide."""
    return int(run(_HELD).scalar_one())


def closings(limit: int = 60) -> list[DailyClosing]:
    """Closed days, the newest first."""
    query = select(DailyClosing).order_by(DailyClosing.day.desc()).limit(limit)
    return list(db.session.scalars(query))
