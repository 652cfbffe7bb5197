"""Bookings a minute and webhooks a second, on PostgreSQL with default durability, each beside
the same thing in bare SQL, in one run."""

from __future__ import annotations

import json
import logging
import sys
import threading
import time
import uuid
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import psycopg
import uuid_utils.compat
from sqlalchemy import select
from tests.support.browser import fresh
from werkzeug.serving import make_server

from smartcity_saas.audit import system
from smartcity_saas.catalog.service import ImportRequest
from smartcity_saas.credentials import store_credential
from smartcity_saas.database import transaction
from smartcity_saas.identity.residents.accounts import SignedInResident
from smartcity_saas.identity.residents.consents import PRIVACY, PURPOSES
from smartcity_saas.identity.residents.models import Resident
from smartcity_saas.payments.checkout import Place, begin_payment
from smartcity_saas.payments.settlement import sync_payment
from smartcity_saas.payments.webhooks import receive
from smartcity_saas.sandboxes.stripe import money
from smartcity_saas.sandboxes.stripe.objects import account_id, make, signing_secret
from smartcity_saas.sandboxes.stripe.sending import signature
from smartcity_saas.sandboxes.stripe.server import create_sandbox
from smartcity_saas.sandboxes.stripe.state import Sandbox
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
from smartcity_saas.services.utility_bills.bills import LinkRequest, link_account
from smartcity_saas.services.utility_bills.csv_import import REQUIRED, import_bills
from smartcity_saas.services.utility_bills.models import UtilityBill
from smartcity_saas.tenancy.context import tenant_context
from smartcity_saas.tenancy.flask_app import SiteFlask

THREADS = 8
BOOKINGS = 800
CITIES = 20
EVENTS = 300
PRICE = 100
ZONE = ZoneInfo("Asia/Shanghai")

Booker = tuple[int, SignedInResident, uuid.UUID, uuid.UUID]


def bookings(app: SiteFlask, url: str, cities: Sequence[str]) -> None:
    """Into one hot clinic, and spread over twenty cities."""
    for name, chosen in (("one hot clinic", cities[:1]), (f"{CITIES} cities", cities[:CITIES])):
        people = [_clinic(app, slug, BOOKINGS // len(chosen)) for slug in chosen]
        turns = [one for group in zip(*people, strict=True) for one in group]
        ours = _per_second(turns, lambda one: _book(app, one))
        people = [_clinic(app, slug, BOOKINGS // len(chosen)) for slug in chosen]
        turns = [one for group in zip(*people, strict=True) for one in group]
        pool = _Connections(url)
        theirs = _per_second(turns, lambda one, pool=pool: _book_bare(pool, one))  # type: ignore[misc]
        pool.close()
        sys.stdout.write(
            f"  bookings, {name}: {ours * 60:,.0f} a minute; bare SQL {theirs * 60:,.0f}; "
            f"{ours / theirs:.2f}\n"
        )


def webhooks(app: SiteFlask, url: str) -> None:
    """Taken (signature, event kept, task written), and followed (fetched, posted, fulfilled)."""
    sandbox = Sandbox()
    port = int(app.product.settings.stripe_api_base.rpartition(":")[2])
    base = f"http://127.0.0.1:{port}"
    server = make_server("127.0.0.1", port, create_sandbox(sandbox, base), threaded=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    _quiet()
    city = app.registry.snapshot.cities["hangzhou"]
    account = sandbox.account(account_id("sk_test_bench"))
    secret = signing_secret(account.id, "bench")
    payments = _open_payments(app, city, sandbox, account, secret)
    events = [make("event", type="x", data={"object": o}) for o in payments]

    def take(event: Any) -> None:
        with tenant_context(city.id):
            body = json.dumps(event).encode()
            headers = {"Stripe-Signature": signature(secret, body, int(time.time()))}
            assert receive(city, "stripe", body, headers, datetime.now(UTC))

    def settle(session: Any) -> None:
        with tenant_context(city.id):
            key = uuid.UUID(session["metadata"]["payment_id"])
            assert sync_payment(city, key, datetime.now(UTC)).state == "paid"

    taken = _per_second(events, lambda event: _inside(app, lambda: take(event)))
    followed = _per_second(payments, lambda one: _inside(app, lambda: settle(one)))
    pool = _Connections(url)
    bare = _per_second(events, lambda _event: _take_bare(pool, city.id))
    pool.close()
    server.shutdown()
    both = 1 / (1 / taken + 1 / followed)
    sys.stdout.write(
        f"  webhooks: taken {taken:,.0f} a second; with the re-fetch {both:,.0f}; "
        f"bare SQL (taken) {bare:,.0f}; {taken / bare:.2f}\n"
    )


def _clinic(app: SiteFlask, slug: str, size: int) -> list[Booker]:
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


def _book(app: SiteFlask, one: Booker) -> None:
    city_id, resident, patient_id, session_id = one

    def inside() -> None:
        with tenant_context(city_id):
            rules = Rules("Asia/Shanghai", most_waiting=0)
            booking.book(resident, patient_id, session_id, None, rules, datetime.now(UTC))

    _inside(app, inside)


def _book_bare(pool: _Connections, one: Booker, last: Callable[[], object] = lambda: None) -> None:
    """The least that a booking is: hold the patient, take a place, write the appointment. ``last``
    is done in the same transaction before its end."""
    city_id, resident, patient_id, session_id = one
    connection = pool.mine()
    connection.execute(f"SET LOCAL app.city_id = '{int(city_id)}'")
    connection.execute(
        "SELECT id FROM patient WHERE city_id = %s AND id = %s FOR UPDATE", (city_id, patient_id)
    )
    row = connection.execute(
        "SELECT id, number, starts_at FROM clinic_place WHERE city_id = %s AND session_id = %s"
        " AND state = 'free' ORDER BY number LIMIT 1 FOR UPDATE SKIP LOCKED",
        (city_id, session_id),
    ).fetchone()
    assert row is not None
    place_id, number, starts_at = row
    connection.execute(
        "UPDATE clinic_place SET state = 'taken' WHERE city_id = %s AND id = %s",
        (city_id, place_id),
    )
    key = uuid_utils.compat.uuid7()
    connection.execute(
        "INSERT INTO appointment (city_id, id, place_id, session_id, patient_id, resident_id,"
        " number, starts_at, code, state, booked_at)"
        " VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, 'booked', now())",
        (city_id, key, place_id, session_id, patient_id, resident.id, number, starts_at, str(key)),
    )
    last()
    connection.commit()


def _take_bare(pool: _Connections, city_id: int) -> None:
    """The least that taking an event is: keep it, write a task and when it is due."""
    connection, key = pool.mine(), uuid_utils.compat.uuid7()
    connection.execute(f"SET LOCAL app.city_id = '{int(city_id)}'")
    connection.execute(
        "INSERT INTO provider_event (city_id, id, provider, event_id, type, received_at)"
        " VALUES (%s, %s, 'bare', %s, 'x', now())",
        (city_id, key, str(key)),
    )
    connection.execute(
        "INSERT INTO outbox_task (city_id, id, kind, key, payload, created_at, attempts)"
        " VALUES (%s, %s, 'bare', %s, '{}', now(), 0)",
        (city_id, key, str(key)),
    )
    connection.execute(
        "INSERT INTO city_due (city_id, task_id, due_at) VALUES (%s, %s, now())", (city_id, key)
    )
    connection.commit()


def _open_payments(app: SiteFlask, city: Any, sandbox: Sandbox, account: Any, secret: str) -> Any:
    """Payments that were paid at the sandbox, and that we have yet to hear of."""
    now = datetime.now(UTC)
    header = ",".join([*REQUIRED, "paid_on"])
    rows = [
        f"water,4100280055,x,x,{2000 + n // 12}-{n % 12 + 1:02d},1,1.00,2026-01-01,2026-12-31,"
        for n in range(EVENTS)
    ]
    with app.app_context(), tenant_context(city.id):
        ring = app.product.keyring
        for name, value in (
            ("stripe_secret_key", "sk_test_bench"),
            ("stripe_webhook_secret", secret),
        ):
            store_credential(ring, system("bench"), name, value, now)
        import_bills(
            ImportRequest(system("bench"), city, "\n".join([header, *rows]).encode(), "b", now)
        )
        with transaction() as session:
            person = Resident(name="x", created_at=now)
            session.add(person)
            session.flush()
        resident = SignedInResident(person.id, "x", False)
        wanted = LinkRequest("water", "4100280055", "x", "x")
        link_account(resident, city.catalog["utility_bills"], wanted, now)
        with transaction() as session:
            unpaid = select(UtilityBill.id).where(
                UtilityBill.paid_on.is_(None), UtilityBill.amount == PRICE
            )
            bills = [str(key) for key in session.scalars(unpaid)][:EVENTS]
        found = []
        for bill in bills:
            place = Place("http://hangzhou.localhost", "zh")
            made = begin_payment(city, resident, "utility_bills", [bill], place, now)
            session_object = account.objects[made.checkout_id]
            money.pay(sandbox, account, session_object, "card")
            found.append(session_object)
        return found


def _per_second(turns: Sequence[Any], act: Callable[[Any], None]) -> float:
    with ThreadPoolExecutor(THREADS) as pool:
        begun = time.perf_counter()
        list(pool.map(act, turns))
        return len(turns) / (time.perf_counter() - begun)


def _inside(app: SiteFlask, act: Callable[[], None]) -> None:
    def run() -> None:
        with app.app_context():
            act()

    fresh(run)  # type: ignore[arg-type]


def _quiet() -> None:
    logging.getLogger("werkzeug").setLevel(logging.ERROR)


class _Connections:
    """One connection a thread."""

    def __init__(self, url: str) -> None:
        self.url = url.replace("+psycopg", "")
        self.local = threading.local()
        self.made: list[psycopg.Connection[Any]] = []

    def mine(self) -> psycopg.Connection[Any]:
        """The present thread's own."""
        if not hasattr(self.local, "connection"):
            self.local.connection = psycopg.connect(self.url)
            self.made.append(self.local.connection)
        found: psycopg.Connection[Any] = self.local.connection
        return found

    def close(self) -> None:
        """Close them all."""
        for connection in self.made:
            connection.close()
