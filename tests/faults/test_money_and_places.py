"""Killed between every two steps of a payment, a refund, a booking, a cancellation: what was
stored is whole, and doing it again ends as if nothing had happened.

A step is a statement sent, a commit, a call to the provider, and its answer. Each act is run in
a process of its own that kills itself (SIGKILL) before its n-th step, for every n there is.
"""

from __future__ import annotations

import os
import signal
import uuid
import warnings
from collections.abc import Callable
from datetime import UTC, datetime
from itertools import count
from typing import Any

import httpx
import pytest
from sqlalchemy import event, func, select

from smartcity_saas.audit import system
from smartcity_saas.database import db
from smartcity_saas.payments import stripe_client
from smartcity_saas.payments.checkout import Place, begin_payment
from smartcity_saas.payments.ledger import balances
from smartcity_saas.payments.models import LedgerEntry, Payment
from smartcity_saas.payments.refunds import carry_out, refundable, request_refund
from smartcity_saas.payments.repository import refunds_of
from smartcity_saas.payments.settlement import sync_payment
from smartcity_saas.services.hospital_appointments.models import Appointment, ClinicSession
from smartcity_saas.services.utility_bills.bills import LinkRequest, link_account
from smartcity_saas.services.utility_bills.models import UtilityAccount, UtilityBill
from tests.support.bills import HEADER, ROW, bring
from tests.support.clinic import Clinic
from tests.support.world import World

pytestmark = pytest.mark.faults

MOST_STEPS = 400
PLACE = Place("http://hangzhou.localhost", "zh")


class Killed:
    """Runs an act in a process that kills itself before one of its steps."""

    def __init__(self, world: World) -> None:
        self.world = world

    def every_step(self, prepare: Callable[[int], Any], act: Callable[[Any], None],
                   check: Callable[[Any], None]) -> int:  # fmt: skip
        """For each step: prepare anew, die before it, check. Returns how many there were."""
        for step in count(1):
            thing = prepare(step)
            survived = self._run(step, lambda thing=thing: act(thing))  # type: ignore[misc]
            check(thing)
            if survived:
                return step - 1
            assert step < MOST_STEPS
        raise AssertionError

    def _run(self, step: int, act: Callable[[], None]) -> bool:
        db.session.rollback()
        stripe_client.client_of.cache_clear()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # forking beside threads: the child runs none of them
            child = os.fork()
        if child == 0:
            self._die_before(step)
            code = 1
            try:
                act()
                code = 0
            finally:
                os._exit(code)
        _pid, status = os.waitpid(child, 0)
        if os.WIFSIGNALED(status):
            assert os.WTERMSIG(status) == signal.SIGKILL
            return False
        assert os.WEXITSTATUS(status) == 0, "the act itself failed"
        return True

    def _die_before(self, step: int) -> None:
        taken = 0

        def one(*_arguments: Any, **_options: Any) -> None:
            nonlocal taken
            taken += 1
            if taken == step:
                os.kill(os.getpid(), signal.SIGKILL)

        engine = db.engine
        engine.dispose(close=False)  # the parent's connections are the parent's
        event.listen(engine, "before_cursor_execute", one)
        event.listen(engine, "commit", one)
        asked = stripe_client.Connections.request

        def request(*arguments: Any, **options: Any) -> Any:
            one()
            answer = asked(*arguments, **options)
            one()
            return answer

        stripe_client.Connections.request = request  # type: ignore[method-assign]


@pytest.fixture
def killed(world: World) -> Killed:
    """With the parent's own connections."""
    return Killed(world)


def resident(world: World) -> Any:
    clinic = Clinic(world)
    return clinic.person("payer")[0]


def owe(world: World, who: Any, step: int) -> str:
    """A bill of its own for each step; returns its key."""
    period = f"{2000 + step // 12}-{step % 12 + 1:02d}"
    bring(world, HEADER + ROW.replace("2026-10", period))

    with world.inside("hangzhou"):
        entry = world.city("hangzhou").catalog["utility_bills"]
        if step == 1:
            wanted = LinkRequest("water", "4100280017", "王某", "家")
            link_account(who, entry, wanted, world.clock())
        account = db.session.scalars(select(UtilityAccount.id)).one()
        query = select(UtilityBill).where(UtilityBill.account_id == account)
        return str(max(db.session.scalars(query), key=lambda bill: bill.id).id)


def test_a_payment_killed_at_any_step(killed: Killed, world: World) -> None:
    """Pressed again, paid if it was not, followed: one payment received, one posting, the bill
    paid, nothing held."""
    stripe, who = world.open_payments(), resident(world)
    city = world.city("hangzhou")

    def pay(bill: str) -> None:
        world.clock.now = datetime.now(UTC)  # the sandbox has a clock of its own
        with world.inside("hangzhou"):
            payment = begin_payment(city, who, "utility_bills", [bill], PLACE, world.clock())
            if payment.state in ("created", "open"):
                _pay_over_http(stripe, payment)
                sync_payment(city, payment.id, world.clock())

    def check(bill: str) -> None:
        with world.inside("hangzhou"):
            row = db.session.scalars(
                select(UtilityBill).where(UtilityBill.id == uuid.UUID(bill))
            ).one()
            paid = row.paid_on is not None
        world.work()
        if not paid:
            stripe.send_all()
            with world.inside("hangzhou"):
                paid = (
                    db.session.scalars(
                        select(UtilityBill.paid_on).where(UtilityBill.id == uuid.UUID(bill))
                    ).one()
                    is not None
                )
            if not paid:
                pay(bill)
        stripe.send_all()
        captured = sum(
            o["amount"] for o in stripe.account.objects.values() if o["object"] == "charge"
        )
        with world.inside("hangzhou"):
            states = list(db.session.scalars(select(Payment.state)))
            posted = db.session.scalar(select(func.sum(LedgerEntry.amount))) or 0
            kept = db.session.scalars(
                select(UtilityBill).where(UtilityBill.id == uuid.UUID(bill))
            ).one()
            assert kept.paid_on is not None
            assert set(states) == {"paid"}
            assert posted == captured == 4350 * len(states)
            assert sum(balances().values()) == 0

    assert killed.every_step(lambda step: owe(world, who, step), pay, check) > 30


def _pay_over_http(stripe: Any, payment: Payment) -> None:
    """The payer pays, in another process: the sandbox's lever."""

    base = stripe.world.app.product.settings.stripe_api_base
    session = httpx.post(f"{base}/sandbox/sessions/{payment.checkout_id}/pay", json={}).json()
    assert session["payment_status"] == "paid"


@pytest.mark.parametrize("forgotten", [False, True])
def test_a_refund_killed_at_any_step(killed: Killed, world: World, forgotten: bool) -> None:
    """Asked for again if it was lost, also a day later when the provider has forgotten the key: a
    hundred fen went back, once, and the books say so."""
    stripe, who = world.open_payments(), resident(world)
    city = world.city("hangzhou")

    def paid(step: int) -> uuid.UUID:
        world.clock.now = datetime.now(UTC)
        bill = owe(world, who, step)
        with world.inside("hangzhou"):
            payment = begin_payment(city, who, "utility_bills", [bill], PLACE, world.clock())
            stripe.pay(stripe.account.objects[payment.checkout_id])
            sync_payment(city, payment.id, world.clock())
            return payment.id

    def refund(payment_id: uuid.UUID) -> None:
        with world.inside("hangzhou"):
            request_refund(system("test"), payment_id, 100, "test", world.clock())
            carry_out(city, refunds_of(payment_id)[0].id, world.clock())

    def check(payment_id: uuid.UUID) -> None:
        before = world.clock.now
        if forgotten:
            stripe.account.idempotent.clear()
            world.clock.move(hours=25)
        try_again(payment_id)
        world.clock.now = before

    def try_again(payment_id: uuid.UUID) -> None:
        world.work()
        with world.inside("hangzhou"):
            if not refunds_of(payment_id):
                request_refund(system("test"), payment_id, 100, "again", world.clock())
        world.work()
        with world.inside("hangzhou"):
            payment = db.session.scalars(select(Payment).where(Payment.id == payment_id)).one()
            assert (payment.refunded, payment.state, refundable(payment)) == (100, "paid", 4250)
            there = [
                o["amount"]
                for o in stripe.account.objects.values()
                if o["object"] == "refund" and o["payment_intent"] == payment.provider_reference
            ]
            assert there == [100]

    assert killed.every_step(paid, refund, check) > 15


def test_a_booking_killed_at_any_step(killed: Killed, world: World) -> None:
    """Booked again: one appointment, its place taken, everyone else's free."""
    clinic = Clinic(world)
    clinic.person("a")

    def session(step: int) -> uuid.UUID:
        clinic.bring({"doctor_code": f"d{step}", "department_code": f"x{step}"})
        with world.inside("hangzhou"):
            query = select(ClinicSession.id).order_by(ClinicSession.id.desc()).limit(1)
            return db.session.scalars(query).one()

    def free() -> None:
        """One patient holds few appointments at once: the last one goes."""
        with world.inside("hangzhou"):
            rows = db.session.scalars(select(Appointment).where(Appointment.state == "booked"))
            made = list(rows)
        for one in made:
            clinic.cancel("a", one)

    def check(key: uuid.UUID) -> None:
        clinic.check()
        with world.inside("hangzhou"):
            query = select(Appointment).where(Appointment.session_id == key)
            held = [one for one in db.session.scalars(query) if one.state == "booked"]
        if not held:
            held = [clinic.book("a", key)]
        assert len(held) == 1
        clinic.check()
        world.work()
        free()
        clinic.check()

    assert killed.every_step(session, lambda key: clinic.book("a", key), check) > 8  # type: ignore[arg-type, return-value]


def test_a_cancellation_killed_at_any_step(killed: Killed, world: World) -> None:
    """Cancelled again: whoever waits has the offer, and the place is sold to nobody else."""
    clinic = Clinic(world)
    for name in "abcd":
        clinic.person(name)
    clinic.bring({"capacity": "1"})

    def full(step: int) -> tuple[Appointment, Any]:
        made = clinic.book("a")
        return made, clinic.wait("b")

    def check(thing: tuple[Appointment, Any]) -> None:
        made, entry = thing
        clinic.check()
        clinic.cancel("a", made)
        clinic.check()
        assert clinic.places() == ["offered"]
        taken = clinic.accept("b", entry)
        clinic.cancel("b", taken)
        assert clinic.places() == ["free"]

    assert killed.every_step(full, lambda thing: clinic.cancel("a", thing[0]), check) > 8  # type: ignore[arg-type, return-value]
