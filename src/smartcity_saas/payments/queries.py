"""Finding payments of the current city, for finance."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from sqlalchemy import ColumnElement, func, or_, select

from smartcity_saas.clock import read_day, start_of_day
from smartcity_saas.database import db
from smartcity_saas.identity.residents.models import Resident
from smartcity_saas.payments.models import DailyClosing, Payment
from smartcity_saas.payments.states import TRANSITIONS, PaymentState

PAGE = 50


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
    query = select(Payment)
    if not wanted.text:
        left = select(Resident.id).where(_has_left())
        query = query.where(
            or_(Payment.state == PaymentState.HELD, Payment.resident_id.not_in(left))
        )
    else:
        text = wanted.text.upper()
        query = query.where(
            or_(
                Payment.number == text,
                Payment.provider_reference == wanted.text,
                Payment.checkout_id == wanted.text,
            )
        )
    if wanted.state:
        query = query.where(Payment.state == wanted.state)
    if wanted.service:
        query = query.where(Payment.service == wanted.service)
    if wanted.since:
        query = query.where(Payment.created_at >= start_of_day(wanted.since, zone))
    if wanted.until:
        query = query.where(
            Payment.created_at < start_of_day(wanted.until + timedelta(days=1), zone)
        )
    return list(db.session.scalars(query.order_by(Payment.created_at.desc()).limit(limit)))


def is_locked_away(payment: Payment) -> bool:
    """Whether whoever paid has left."""
    query = select(Resident.id).where(Resident.id == payment.resident_id, _has_left())
    return db.session.scalars(query).first() is not None


def _has_left() -> ColumnElement[bool]:
    return Resident.closed_at.is_not(None) & Resident.merged_into.is_(None)


def count_held() -> int:
    """How many payments wait for finance to decide."""
    query = select(func.count()).select_from(Payment).where(Payment.state == PaymentState.HELD)
    return db.session.scalar(query) or 0


def closings(limit: int = 60) -> list[DailyClosing]:
    """Closed days, the newest first."""
    query = select(DailyClosing).order_by(DailyClosing.day.desc()).limit(limit)
    return list(db.session.scalars(query))
