"""What services count: in the transaction of the act, by the way of coming in, refusals too."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from smartcity_saas.clock import today_in
from smartcity_saas.database import db
from smartcity_saas.measures import CityMeasure, Measure, Totals, Window, fold_all, totals_of
from smartcity_saas.worker import make_runner
from tests.support.browser import fresh
from tests.support.clinic import Clinic
from tests.support.payments import Owing
from tests.support.world import World

HOSPITAL, BILLS = "hospital_appointments", "utility_bills"


@pytest.fixture
def owing(world: World) -> Owing:
    """Someone with bills to pay."""
    return Owing(world)


def told(world: World, service: str) -> Totals:
    """What is known of a service of Hangzhou."""
    db.session.rollback()
    last = today_in(world.city("hangzhou").timezone, world.clock())
    city = world.city_id("hangzhou")
    return totals_of([city], Window.ending(last, 3)).get((city, service), Totals())


def test_a_booking_is_counted_with_its_wait_and_its_end(clinic: Clinic) -> None:
    """Booked, given back, and called off by the hospital: each is counted once."""
    first = clinic.book("Li")
    clinic.book("Wang")
    clinic.cancel("Li", first)
    found = told(clinic.world, HOSPITAL)
    assert (found[Measure.BEGUN], found[Measure.DONE], found[Measure.CALLED_OFF]) == (2, 2, 1)
    assert sum(found.waits.values()) == 2


def test_a_payment_is_counted_from_the_press_to_the_receipt(owing: Owing) -> None:
    """Begun, the amount, done in time; asked again nothing more is counted."""
    owing.press()
    owing.stripe.pay()
    payment = owing.follow()
    owing.follow()
    found = told(owing.world, BILLS)
    assert (found[Measure.BEGUN], found[Measure.DONE], found[Measure.LATE]) == (1, 1, 0)
    assert found.amounts == {payment.currency: payment.amount}


def test_a_payment_that_nobody_made_was_called_off(owing: Owing) -> None:
    """The payer went away: neither done nor a fault of the city's."""
    owing.press()
    owing.stripe.session()["expires_at"] = 0
    assert owing.follow().is_expired
    found = told(owing.world, BILLS)
    assert (found[Measure.DONE], found[Measure.FAILED], found[Measure.CALLED_OFF]) == (0, 0, 1)


def test_what_is_refused_is_counted_by_a_word_of_the_list(owing: Owing) -> None:
    """Wrong words typed are no fault of the service, but they are known."""
    form = {"kind": "water", "number": "0000000000", "holder": "nobody", "nickname": ""}
    answer = owing.browser.post("/services/utility-bills/link", **form)
    assert answer.status_code == 422
    assert told(owing.world, BILLS).refused == {"bad_input": 1}


def test_the_worker_folds_and_notes_what_is_offered(world: World) -> None:
    """After the worker's turn the days stand in their table, and the channel with them."""
    runner = make_runner(world.app)
    for city, day in runner._waiting_days().items():
        fresh(lambda city=city, day=day: runner._run_day(city, day))  # type: ignore[misc]
    world.work()
    fold_all()
    db.session.rollback()
    offered = select(CityMeasure.service).where(
        CityMeasure.city_id == world.city_id("hangzhou"),
        CityMeasure.measure == Measure.OFFERED.value,
    )
    open_services = {name for name, one in world.city("hangzhou").catalog.items() if one.is_open}
    assert set(db.session.scalars(offered)) == open_services
