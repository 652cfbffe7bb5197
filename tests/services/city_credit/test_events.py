"""What services tell of their residents: the events that city credit hears."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import select

from smartcity_saas.audit import system
from smartcity_saas.database import db
from smartcity_saas.payments.models import Payment
from smartcity_saas.payments.settlement import sync_payment
from smartcity_saas.services.city_credit.membership import join
from smartcity_saas.services.city_credit.models import CreditEntry
from smartcity_saas.services.hospital_appointments import booking
from smartcity_saas.services.traffic_tickets.models import Violation
from smartcity_saas.services.traffic_tickets.names import SETTLED_IN_TIME as SETTLED
from smartcity_saas.services.utility_bills.models import UtilityBill
from tests.support.city_credit import OPEN, PAID, ROOT, SOURCES, CreditCity
from tests.support.clinic import Clinic
from tests.support.documents import HANGZHOU
from tests.support.payments import Paid
from tests.support.tickets import bring, linked
from tests.support.world import World


def entries(world: World) -> list[tuple[str, int]]:
    """Source and quantity of all entries of Hangzhou."""
    with world.inside("hangzhou"):
        rows = db.session.scalars(select(CreditEntry).order_by(CreditEntry.reference))
        return [(row.source, row.quantity) for row in rows]


def test_the_same_event_counts_once(credit: CreditCity) -> None:
    """Promise: told twice, an event is one entry, as it was told last."""
    credit.member()
    credit.tell("bill")
    credit.tell("bill", fulfilled=False)
    assert entries(credit.world) == [("utility_bills.paid_in_time", 0)]


def test_only_what_a_rule_asks_for_is_kept(credit: CreditCity) -> None:
    """Promise: an event without a rule in the city's document leaves nothing."""
    credit.member()
    credit.world.save(
        HANGZHOU + OPEN.replace("utility_bills.paid_in_time", "traffic_tickets.settled_in_time")
    )
    credit.tell("bill")
    assert entries(credit.world) == []


def test_a_bill_that_is_paid_is_an_entry_until_its_money_goes_back(world: World) -> None:
    """Promise: bills paid here count from the moment the payment is settled, each as in time or
    not by its own due day; refunded whole, they count no longer."""
    CreditCity(world).member()
    paid = Paid(world)
    with world.inside("hangzhou"):
        due = db.session.scalars(select(UtilityBill).where(UtilityBill.paid_on.is_not(None)))
        expected = sorted((PAID, int(bill.paid_on <= bill.due_on)) for bill in due)
    assert sorted(entries(world)) == expected
    assert len(expected) == 2
    paid.ask(7350)
    world.work()
    paid.follow()
    assert entries(world) == []


def test_an_appointment_is_an_entry_by_whether_somebody_came(clinic: Clinic) -> None:
    """Promise: attended adds, missed adds nothing and can be appealed, unmarked leaves nothing."""
    world = clinic.world
    CreditCity(world)
    made = clinic.book("a")
    resident, _patient = clinic.person("a")
    with world.inside("hangzhou"):
        join(resident, SOURCES, world.clock())
    world.clock.move(days=5)
    for state, quantity in (("attended", [1]), ("no_show", [0]), ("booked", [])):
        with world.inside("hangzhou"):
            booking.mark(system("desk"), made.id, state, world.clock())
        assert [found for _source, found in entries(world)] == quantity


def test_a_ticket_that_is_settled_is_an_entry(world: World) -> None:
    """Promise: a ticket paid within the city's days counts; later it is an entry that adds nothing."""
    rules = OPEN.replace("event: hospital_appointments.attended", f"event: {SETTLED}")
    world.save(HANGZHOU + rules)
    now = world.clock()
    recent, old = now - timedelta(days=3), now - timedelta(days=40)
    for number, at in (("T-1", recent), ("T-2", old)):
        bring(world, {"number": number, "at": at.strftime("%Y-%m-%dT%H:%M")})
    browser = linked(world)
    assert browser.post(f"{ROOT}/join", ROOT, agree="1", source=[SETTLED]).status_code == 303
    stripe = world.open_payments()
    with world.inside("hangzhou"):
        keys = [str(key) for key in db.session.scalars(select(Violation.id))]
    pressed = browser.post("/services/traffic-tickets/pay", "/me", ticket=keys)
    assert pressed.status_code == 303, pressed.text
    stripe.pay()
    with world.inside("hangzhou"):
        payment = db.session.scalars(select(Payment)).one()
        sync_payment(world.city("hangzhou"), payment.id, world.clock())
    assert sorted(entries(world)) == [(SETTLED, 0), (SETTLED, 1)]
