"""Bookings a minute on PostgreSQL with default durability, beside bare SQL that writes the same,
in turns in one run."""

from __future__ import annotations

import statistics
import time
import uuid
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

from tests.support.browser import fresh

from benchmarks.peers.bookings import Connections, book_in_sql
from benchmarks.table import Row, record
from smartcity_saas.database import transaction
from smartcity_saas.identity.residents.accounts import SignedInResident
from smartcity_saas.identity.residents.consents import PRIVACY, PURPOSES
from smartcity_saas.identity.residents.models import Resident
from smartcity_saas.services.hospital_appointments import booking
from smartcity_saas.services.hospital_appointments.models import (
    ClinicPlace,
    ClinicSession,
    Doctor,
    Hospital,
    HospitalDepartment,
    Patient,
)
from smartcity_saas.services.hospital_appointments.rules import Rules
from smartcity_saas.tenancy.context import tenant_context
from smartcity_saas.tenancy.flask_app import SiteFlask

THREADS = 8
BOOKINGS = 200
TURNS = 7
CITIES = 20
ZONE = ZoneInfo("Asia/Shanghai")

Booker = tuple[int, SignedInResident, uuid.UUID, uuid.UUID]


def bookings(app: SiteFlask, url: str, cities: Sequence[str]) -> None:
    """Into one hot clinic, and spread over twenty cities."""
    for name, chosen in (("one clinic", cities[:1]), (f"{CITIES} cities", cities[:CITIES])):
        each = BOOKINGS // len(chosen)
        rates = []
        for _turn in range(TURNS + 1):  # the first does not count
            ours = per_second(_turns(app, chosen, each), lambda one: book(app, one))
            with Connections(url) as pool:
                theirs = per_second(_turns(app, chosen, each), partial(book_in_sql, pool))
            rates.append((ours * 60, theirs * 60))
        beside(
            f"bookings by domain call, {name}, {THREADS} threads", rates[1:], "per minute", "≥ 0.3"
        )


def _turns(app: SiteFlask, cities: Sequence[str], each: int) -> list[Booker]:
    """Whoever books, city by city in turn."""
    people = [clinic_of(app, slug, each) for slug in cities]
    return [one for group in zip(*people, strict=True) for one in group]


def beside(name: str, rates: Sequence[tuple[float, float]], unit: str, aim: str | None) -> None:
    """Record our rates and those of a peer, measured in turns."""
    ratios = [ours / theirs for ours, theirs in rates]
    ours, theirs = (statistics.median(one) for one in zip(*rates, strict=True))
    spread = min(ratios), max(ratios)
    record(Row(name, ours, theirs, unit, statistics.median(ratios), aim, spread))


def clinic_of(app: SiteFlask, slug: str, size: int) -> list[Booker]:
    """A clinic with as many places as there are people who want one."""
    city = app.registry.snapshot.cities[slug]
    start = datetime.now(UTC) + timedelta(days=3)
    mark = uuid.uuid4().hex[:8]
    with app.app_context(), tenant_context(city.id), transaction() as session:
        texts = {"name": {"zh": mark, "en": mark}}
        hospital = Hospital(code=mark, address={"zh": "", "en": ""}, phone="", **texts)
        session.add(hospital)
        session.flush()
        department = HospitalDepartment(
            hospital_id=hospital.id, code=mark, keywords=[], refreshed_at=None, **texts
        )
        session.add(department)
        session.flush()
        doctor = Doctor(
            department_id=department.id,
            code=mark,
            title={"zh": "", "en": ""},
            specialty={"zh": "", "en": ""},
            **texts,
        )
        session.add(doctor)
        session.flush()
        clinic = ClinicSession(
            doctor_id=doctor.id,
            department_id=department.id,
            day=start.astimezone(ZONE).date(),
            half="am",
            clinic="general",
            fee=0,
            currency="CNY",
            starts_at=start,
            ends_at=start + timedelta(hours=3),
            capacity=size,
        )
        session.add(clinic)
        session.flush()
        session.add_all(
            ClinicPlace(session_id=clinic.id, number=n + 1, starts_at=start, state="free")
            for n in range(size)
        )
        agreed = PURPOSES[PRIVACY].version
        people = [
            Resident(name=str(n), created_at=start, consented=agreed, assurance="contact")
            for n in range(size)
        ]
        session.add_all(people)
        session.flush()
        patients = [
            Patient(
                resident_id=one.id,
                name=one.name,
                relation="self",
                shown="",
                phone_index="",
                person_index=f"{mark}-{one.name}",
                created_at=start,
            )
            for one in people
        ]
        session.add_all(patients)
        session.flush()
        return [
            (city.id, SignedInResident(one.id, one.name, False), patient.id, clinic.id)
            for one, patient in zip(people, patients, strict=True)
        ]


def book(app: SiteFlask, one: Booker) -> None:
    """One booking by domain call."""
    city_id, resident, patient_id, session_id = one
    rules = Rules("Asia/Shanghai", most_waiting=0)

    def act() -> None:
        with tenant_context(city_id):
            booking.book(resident, patient_id, session_id, None, rules, datetime.now(UTC))

    inside(app, act)


def per_second(turns: Sequence[Any], act: Callable[[Any], None]) -> float:
    """How many acts a second, by ``THREADS`` threads."""
    with ThreadPoolExecutor(THREADS) as pool:
        begun = time.perf_counter()
        list(pool.map(act, turns))
        return len(turns) / (time.perf_counter() - begun)


def inside(app: SiteFlask, act: Callable[[], None]) -> None:
    """Act with the application, in a context of its own."""

    def run() -> None:
        with app.app_context():
            act()

    fresh(run)  # type: ignore[arg-type]
