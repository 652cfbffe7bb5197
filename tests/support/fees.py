"""A clinic whose fees are paid on the site: ahead, or after the visit by those who may."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

from sqlalchemy import select

from smartcity_saas.audit import system
from smartcity_saas.catalog.events import ServiceEvent, publish_event
from smartcity_saas.database import db, transaction
from smartcity_saas.notifications.models import Message
from smartcity_saas.payments.checkout import Place, begin_payment
from smartcity_saas.payments.ledger import balances
from smartcity_saas.payments.models import LedgerEntry, Payment, Refund
from smartcity_saas.payments.settlement import sync_payment
from smartcity_saas.services.city_credit.membership import join, leave
from smartcity_saas.services.hospital_appointments import booking, fees, waiting_list
from smartcity_saas.services.hospital_appointments.fee_models import AppointmentFee, PayWhen
from smartcity_saas.services.hospital_appointments.models import Appointment, ClinicSession
from smartcity_saas.services.hospital_appointments.schedule import session_of
from tests.support.city_credit import DOCUMENTS, OPEN, PAID
from tests.support.clinic import Clinic
from tests.support.stripe import Stripe

SERVICE = "hospital_appointments"
CREDIT = (
    OPEN
    + """        - {benefit: later, kind: pay_after_treatment, days: 7, limit: "120.00", level: good,
           name: {zh: 先诊后付, en: Pay after treatment}}
"""
)
FEES = "  hospital_appointments: {{settings: {{payment: {}, pay_minutes: 30}}}}\n"


class FeeClinic:
    """A clinic whose city takes fees, with levers."""

    def __init__(self, clinic: Clinic, payment: str = "ahead") -> None:
        self.clinic, self.world, self.slug = clinic, clinic.world, clinic.city
        self.world.save(DOCUMENTS[self.slug] + CREDIT + FEES.format(payment))
        self.stripe: Stripe = self.world.open_payments(self.slug)

    def book(self, name: str, pays: PayWhen | None = None, **options: Any) -> Appointment:
        """Book for a person who asks to pay in some way."""
        resident, patient = self.clinic.person(name)
        session = options.get("session") or self.clinic.session()
        with self.world.inside(self.slug):
            rules, now = self.clinic.rules, self.clinic.now
            return booking.book(resident, patient, session, options.get("at"), rules, now, pays)

    def accept(self, name: str, entry: Any, pays: PayWhen | None = None) -> Appointment:
        """Take a place that is kept."""
        resident, _patient = self.clinic.person(name)
        with self.world.inside(self.slug):
            rules = self.clinic.rules
            return waiting_list.accept(resident, entry.id, rules, self.clinic.now, pays)

    def session_with(self, **differs: str) -> uuid.UUID:
        """One more session, of another doctor in another department unless it says otherwise."""
        code = uuid.uuid4().hex[:8]
        row = {"doctor_code": code, "department_code": code, **differs}
        assert not self.clinic.bring(row).problems

        with self.world.inside(self.slug):
            query = select(ClinicSession.id).order_by(ClinicSession.id.desc()).limit(1)
            return db.session.scalars(query).one()

    def benefit(self, name: str) -> None:
        """Let a person reach the level that may pay after treatment."""
        self.join(name)
        resident, _patient = self.clinic.person(name)
        now = self.world.clock()
        with self.world.inside(self.slug), transaction():
            for number in range(2):
                day = self.clinic.rules.today(now)
                reference = f"{name}-{number}"
                publish_event(ServiceEvent(PAID, reference, resident.id, day, True, now))

    def join(self, name: str) -> None:
        """Let a person take part in city credit, with nothing done yet."""
        resident, _patient = self.clinic.person(name)
        with self.world.inside(self.slug):
            join(resident, [PAID], self.world.clock())

    def leave(self, name: str) -> None:
        """Let a person leave city credit."""
        resident, _patient = self.clinic.person(name)
        with self.world.inside(self.slug):
            leave(resident, self.world.clock())

    def choices(self, name: str, session: uuid.UUID | None = None) -> fees.PayChoices:
        """How a person may pay for a session."""

        key, (resident, _patient) = session or self.clinic.session(), self.clinic.person(name)
        with self.world.inside(self.slug):
            found = session_of(key)
            return fees.choices_for(resident, found, self.clinic.rules, self.world.clock())

    def press(self, name: str, *appointments: Appointment) -> Payment:
        """Press “pay”."""
        resident, _patient = self.clinic.person(name)
        keys = [str(one.id) for one in appointments]
        place = Place(f"http://{self.slug}.localhost", "en")
        with self.world.inside(self.slug):
            city = self.world.city(self.slug)
            with self.world.app.test_request_context():
                now = self.world.clock()
                return begin_payment(city, resident, SERVICE, keys, place, now)

    def pay(self, name: str, *appointments: Appointment, **how: Any) -> Payment:
        """Pay, and come back."""
        made = self.press(name, *appointments)
        self.stripe.pay(**how)
        return self.follow(made)

    def follow(self, payment: Payment) -> Payment:
        """Ask the provider."""
        with self.world.inside(self.slug):
            return sync_payment(self.world.city(self.slug), payment.id, self.world.clock())

    def mark(self, appointment: Appointment, state: str) -> None:
        """The desk notes whether somebody came."""
        with self.world.inside(self.slug):
            booking.mark(system("desk"), appointment.id, state, self.world.clock())

    def visit(self, appointment: Appointment) -> None:
        """Time passes until the visit, and the desk notes it."""
        self.world.clock.now = appointment.starts_at + timedelta(minutes=5)
        self.mark(appointment, "attended")

    def fee(self, appointment: Appointment) -> AppointmentFee:
        """The fee as it is stored."""
        db.session.rollback()
        with self.world.inside(self.slug):
            query = select(AppointmentFee).where(AppointmentFee.appointment_id == appointment.id)
            return db.session.scalars(query).one()

    def has_fee(self, appointment: Appointment) -> bool:
        """Whether its fee is paid on the site at all."""
        with self.world.inside(self.slug):
            return fees.fee_of(appointment.id) is not None

    def state(self, appointment: Appointment) -> str:
        """What became of an appointment."""
        db.session.rollback()
        with self.world.inside(self.slug):
            query = select(Appointment.state).where(Appointment.id == appointment.id)
            return db.session.scalars(query).one()

    def payment(self, key: uuid.UUID) -> Payment:
        """A payment as it is stored."""
        db.session.rollback()
        with self.world.inside(self.slug):
            return db.session.scalars(select(Payment).where(Payment.id == key)).one()

    def work(self) -> None:
        """Let the outbox run until nothing is due, refunds and what follows from them."""
        for _round in range(6):
            if not self.world.work():
                break

    def books(self) -> dict[str, int]:
        """What stands in each account."""
        with self.world.inside(self.slug):
            return {name: amount for (name, _code), amount in balances().items() if amount}

    def postings(self) -> int:
        """How many transfers the ledger has."""
        with self.world.inside(self.slug):
            return len(db.session.scalars(select(LedgerEntry.id)).all())

    def refunds(self) -> list[tuple[int, str]]:
        """Every refund: amount and state."""
        db.session.rollback()
        with self.world.inside(self.slug):
            rows = db.session.scalars(select(Refund).order_by(Refund.id))
            return [(row.amount, str(row.state)) for row in rows]

    def told(self, name: str) -> list[str]:
        """The titles of a person's messages in English, the oldest first."""
        resident, _patient = self.clinic.person(name)
        with self.world.inside(self.slug):
            rows = db.session.scalars(
                select(Message).where(Message.resident_id == resident.id).order_by(Message.id)
            )
            return [row.title["en"] for row in rows]
