"""A clinic of Hangzhou with a few places, and people who want them."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import select

from smartcity_saas.audit import system
from smartcity_saas.catalog.service import ImportRequest
from smartcity_saas.database import db
from smartcity_saas.identity.federation.channels import AuthenticatedIdentity
from smartcity_saas.identity.residents import accounts
from smartcity_saas.identity.residents.accounts import SignedInResident
from smartcity_saas.services.hospital_appointments import booking, cancellation, waiting_list
from smartcity_saas.services.hospital_appointments.csv_import import (
    OPTIONAL,
    REQUIRED,
    import_schedule,
)
from smartcity_saas.services.hospital_appointments.models import (
    Appointment,
    ClinicPlace,
    ClinicSession,
    WaitingEntry,
)
from smartcity_saas.services.hospital_appointments.patients import add_patient
from smartcity_saas.services.hospital_appointments.rules import Rules
from tests.support.browser import fresh
from tests.support.world import World

ZONE = ZoneInfo("Asia/Shanghai")
ROW = {
    "hospital_code": "h1",
    "hospital_zh": "第一医院",
    "hospital_en": "First Hospital",
    "department_code": "cardio",
    "department_zh": "心内科",
    "department_en": "Cardiology",
    "keywords": "胸痛 chest",
    "doctor_code": "d1",
    "doctor_zh": "甲医生",
    "doctor_en": "Doctor A",
    "title_zh": "主任医师",
    "title_en": "Chief",
    "half": "am",
    "clinic": "expert",
    "fee": "50.00",
    "starts": "08:00",
    "ends": "11:00",
    "capacity": "3",
}


@dataclass
class Clinic:
    """One session of three places, four days ahead, and levers."""

    world: World
    city: str = "hangzhou"
    people: dict[str, tuple[SignedInResident, uuid.UUID]] = field(default_factory=dict)

    @property
    def rules(self) -> Rules:
        served = self.world.city(self.city)
        return Rules.of_city(served)

    @property
    def now(self) -> datetime:
        return self.world.clock()

    def day(self, ahead: int = 4) -> str:
        return str(self.now.astimezone(ZONE).date() + timedelta(days=ahead))

    def bring(self, *rows: dict[str, str], **options: Any) -> Any:
        """Import a schedule; each row is told by what differs."""
        columns = [*REQUIRED, *OPTIONAL]
        full = [{"day": self.day(), **ROW, **row} for row in rows or ({},)]
        lines = [",".join(columns)]
        lines += [",".join(row.get(column, "") for column in columns) for row in full]
        data = "\n".join(lines).encode()
        with self.world.inside(self.city):
            served = self.world.city(self.city)
            return import_schedule(
                ImportRequest(system("test"), served, data, "s.csv", self.now, **options)
            )

    def session(self) -> uuid.UUID:
        """The first session's key."""
        with self.world.inside(self.city):
            return db.session.scalars(select(ClinicSession.id).order_by(ClinicSession.id)).first()

    def person(self, name: str) -> tuple[SignedInResident, uuid.UUID]:
        """A resident with themselves as a patient."""
        if name not in self.people:
            with self.world.inside(self.city):
                token = accounts.sign_in(
                    "demo", AuthenticatedIdentity((name,), name, demo=True), now=self.now
                )
                found = accounts.signed_in(token, self.now)
                assert found is not None
                typed = {"name": name, "relation": "self", "phone": "13800000000"}
                self.people[name] = (found, add_patient(found, typed, self.now).id)
        return self.people[name]

    def book(self, name: str, session: uuid.UUID | None = None, at: Any = None) -> Appointment:
        resident, patient = self.person(name)
        key = session or self.session()
        with self.world.inside(self.city):
            return booking.book(resident, patient, key, at, self.rules, self.now)

    def cancel(self, name: str, appointment: Appointment) -> Appointment:
        resident, _patient = self.person(name)
        with self.world.inside(self.city):
            return cancellation.cancel(resident, appointment.id, self.rules, self.now)

    def wait(self, name: str) -> WaitingEntry:
        resident, patient = self.person(name)
        key = self.session()
        with self.world.inside(self.city):
            return waiting_list.join(resident, patient, key, self.rules, self.now)

    def accept(self, name: str, entry: WaitingEntry) -> Appointment:
        resident, _patient = self.person(name)
        with self.world.inside(self.city):
            return waiting_list.accept(resident, entry.id, self.rules, self.now)

    def places(self) -> list[str]:
        """The states of the first session's places, by number."""
        key = self.session()
        with self.world.inside(self.city):
            query = select(ClinicPlace.state).where(ClinicPlace.session_id == key)
            return list(db.session.scalars(query.order_by(ClinicPlace.number)))

    def entry(self, key: uuid.UUID) -> WaitingEntry:
        with self.world.inside(self.city):
            return db.session.scalars(select(WaitingEntry).where(WaitingEntry.id == key)).one()

    def check(self) -> None:
        """What must hold at any time: a taken place has one appointment that holds it, no other
        has one; an offered one is somebody's; nothing is taken in a session called off."""
        with self.world.inside(self.city):
            places = {p.id: p for p in db.session.scalars(select(ClinicPlace))}
            holding = [
                a.place_id
                for a in db.session.scalars(select(Appointment))
                if a.state in ("booked", "attended", "no_show")
            ]
            offered = [
                e.place_id for e in db.session.scalars(select(WaitingEntry)) if e.state == "offered"
            ]
            assert len(set(holding)) == len(holding)
            assert set(holding) == {k for k, p in places.items() if p.state == "taken"}
            assert sorted(offered) == sorted(k for k, p in places.items() if p.state == "offered")

    def at_once(self, *acts: Any) -> list[Any]:
        """Acts in threads of their own, in the same moment; what each raised or returned."""
        from concurrent.futures import ThreadPoolExecutor
        from threading import Barrier

        barrier = Barrier(len(acts))

        def run(act: Any) -> Any:
            def inside() -> Any:
                with self.world.app.app_context():
                    barrier.wait()
                    try:
                        return act()
                    except Exception as error:  # the tests look at it
                        return error

            return fresh(inside)  # type: ignore[arg-type]

        with ThreadPoolExecutor(len(acts)) as pool:
            return list(pool.map(run, acts))
