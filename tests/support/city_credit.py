"""A city with city credit, and what residents do there."""

from __future__ import annotations

import re
import uuid
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import func, select

from smartcity_saas.catalog.events import ServiceEvent, publish_event
from smartcity_saas.clock import today_in
from smartcity_saas.database import db, transaction
from smartcity_saas.identity.residents.models import Resident
from smartcity_saas.services.city_credit.consent import note_version
from smartcity_saas.services.city_credit.models import (
    CreditAppeal,
    CreditEntry,
    CreditMembership,
    CreditSourceChoice,
)
from smartcity_saas.services.city_credit.rules import credit_rules
from smartcity_saas.tenancy.current import current_city
from tests.support.browser import Browser
from tests.support.documents import HANGZHOU, NINGBO
from tests.support.world import World

ROOT = "/services/city-credit"
ATTENDED, HOURS = "hospital_appointments.attended", "volunteer_hours"
PAID = "utility_bills.paid_in_time"
OPEN = """services:
  city_credit:
    state: open
    settings:
      sources:
        - {event: utility_bills.paid_in_time, adds: 10, cap: 30, expires: 12,
           repair: {zh: 下一张账单按时缴, en: Pay the next bill on time}}
        - {event: hospital_appointments.attended, adds: 5, cap: 20, expires: 12}
        - {imported: volunteer_hours, name: {zh: 志愿服务时长, en: Volunteer hours},
           adds: 1, per: 2, cap: 12, expires: 24}
      levels:
        - {level: start, name: {zh: 起步, en: Starting}, at_least: 0}
        - {level: good, name: {zh: 良好, en: Good}, at_least: 20}
        - {level: excellent, name: {zh: 优秀, en: Excellent}, at_least: 50}
      benefits:
        - {benefit: library_deposit, level: good, name: {zh: 免押金借书, en: Library without a deposit},
           help: {zh: 一次 20 本, en: 20 books at a time}}
"""
SOURCES = (PAID, ATTENDED, HOURS)
DOCUMENTS = {"hangzhou": HANGZHOU, "ningbo": NINGBO}


@dataclass
class CreditCity:
    """A city that has opened city credit, with levers."""

    world: World
    slug: str = "hangzhou"

    def __post_init__(self) -> None:
        self.world.save(DOCUMENTS[self.slug] + OPEN)

    def member(self, **who: Any) -> Browser:
        """A resident who has joined."""
        browser = self.world.resident(city=self.slug, **who)
        self.join(browser)
        return browser

    def join(self, browser: Browser, *sources: str) -> None:
        """Tick some sources, or all, agree and press."""
        answer = browser.post(f"{ROOT}/join", ROOT, agree="1", source=[*(sources or SOURCES)])
        assert answer.status_code == 303, answer.text

    def today(self) -> date:
        """The day in the city."""
        return today_in("Asia/Shanghai", self.world.clock())

    def tell(
        self,
        reference: str,
        *,
        fulfilled: bool = True,
        day: date | None = None,
        kind: str = PAID,
    ) -> None:
        """A service tells of something that the city's first resident did."""
        now = self.world.clock()
        with self.world.inside(self.slug), transaction():
            publish_event(
                ServiceEvent(
                    kind,
                    reference,
                    self.resident_id(),
                    day or self.today(),
                    fulfilled,
                    now,
                )
            )

    def resident_id(self) -> uuid.UUID:
        """The first resident of the city, made if there is none."""
        found = db.session.scalars(select(Resident.id).order_by(Resident.created_at)).first()
        if found is None:
            row = Resident(name="x", created_at=self.world.clock())
            db.session.add(row)
            db.session.flush()
            return row.id
        return found

    def rows(self, model: Any = CreditEntry) -> int:
        """How many rows of a table the city has."""
        with self.world.inside(self.slug):
            return int(db.session.scalar(select(func.count()).select_from(model)) or 0)

    def appeal(self, browser: Browser, reason: str = "I paid that bill on its day.") -> Any:
        """Appeal against the newest entry that adds less than it could."""
        page = browser.get(f"{ROOT}/entries").text
        found = re.search(rf"{ROOT}/entries/[0-9a-f-]+/appeal", page)
        assert found, page
        return browser.post(found[0], reason=reason)

    def one_appeal(self) -> CreditAppeal:
        """The city's only appeal, as it stands in the database now."""
        db.session.rollback()
        with self.world.inside(self.slug):
            return db.session.scalars(select(CreditAppeal)).one()


def members(credit: CreditCity, *bills: int) -> None:
    """Members with so many bills paid in time each."""
    now = credit.world.clock()
    with credit.world.inside(credit.slug), transaction() as session:
        city = current_city()
        version = note_version(city, now)
        months = credit_rules(city).rules.sources[PAID].months
        for count in bills:
            resident = Resident(name="x", created_at=now)
            session.add(resident)
            session.flush()
            key = {"resident_id": resident.id}
            session.add(
                CreditMembership(
                    **key,
                    consent_version="t",
                    rules_version=version.number,
                    answered=version.question,
                    joined_at=now,
                    agreed_at=now,
                )
            )
            session.add(
                CreditSourceChoice(
                    **key, source=PAID, counts=True, terms="t", months=months, since=now
                )
            )
            session.add_all(
                CreditEntry(
                    **key,
                    source=PAID,
                    reference=f"{resident.id}/{bill}",
                    day=credit.today(),
                    quantity=1,
                    claimed=1,
                    revision=1,
                    recorded_at=now,
                )
                for bill in range(count)
            )
