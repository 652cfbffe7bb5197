"""What each city's scorecard came to, a row a day, so that cities are compared without their rows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal

from sqlalchemy import select

from smartcity_saas.configuration.city import City
from smartcity_saas.database import db, transaction, upsert_into
from smartcity_saas.product import product
from smartcity_saas.scorecard.card import Card, card_of
from smartcity_saas.scorecard.models import CityScore
from smartcity_saas.scorecard.standard import Edition
from smartcity_saas.tenancy.current import current_city
from smartcity_saas.tenant_context import current_city_id

FRESH = timedelta(days=7)
"""A row older than this is no row: the city's day has not been done for a week."""


def summarise(now: datetime) -> None:
    """Write what the current city's scorecard comes to today, in every edition; again on the same
    day it brings the row up to date."""
    city = current_city()
    for edition in product().editions.values():
        write_summary(card_of(city, edition, now))


def write_summary(card: Card) -> None:
    """Write the row of a card of the current city."""
    points, tally = card.score.points, card.score.tally
    values = {
        "low": _hundredths(points.low),
        "high": _hundredths(points.high),
        "by_hand": _hundredths(points.by_hand),
        "computed_items": tally.computed,
        "by_hand_items": tally.by_hand,
        "missing_items": tally.missing,
    }
    key = {"city_id": current_city_id(), "edition": card.edition.key, "day": card.day}
    with transaction() as session:
        session.execute(
            upsert_into(CityScore)
            .values(**key, **values)
            .on_conflict_do_update(index_elements=list(key), set_=values)
        )


@dataclass(frozen=True)
class Compared:
    """One city in the comparison; ``row`` is None where nothing is known of the last days."""

    city: City
    row: CityScore | None


def compare(edition: Edition, cities: Iterable[City], today: date) -> list[Compared]:
    """Cities with their newest row, by the lower end of their range, the highest first; those of
    which nothing is known last. Read outside any city."""
    rows = db.session.scalars(
        select(CityScore)
        .where(CityScore.edition == edition.key, CityScore.day >= today - FRESH)
        .order_by(CityScore.day)
    )
    newest: Mapping[int, CityScore] = {row.city_id: row for row in rows}
    found = [Compared(city, newest.get(city.id)) for city in cities]
    return sorted(found, key=_order)


def _order(one: Compared) -> tuple[bool, int, int, str]:
    row = one.row
    if row is None:
        return True, 0, 0, one.city.division_code
    return False, -row.low, -row.high, one.city.division_code


def _hundredths(points: Decimal) -> int:
    return int((points * 100).quantize(Decimal(1), ROUND_HALF_UP))
