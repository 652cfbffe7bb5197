"""Fees that are paid ahead: a place is held for them, and what is not owed goes back whole."""

from __future__ import annotations

from datetime import timedelta

import pytest

from smartcity_saas.audit import system
from smartcity_saas.database import transaction
from smartcity_saas.errors import Conflict, NotFound
from smartcity_saas.payments.refunds import request_refund
from smartcity_saas.sandboxes.stripe import money
from smartcity_saas.services.hospital_appointments import cancellation
from smartcity_saas.services.hospital_appointments.booking_limits import Blocked
from smartcity_saas.services.hospital_appointments.fee_models import PayWhen
from smartcity_saas.services.hospital_appointments.fee_tasks import settle
from smartcity_saas.services.hospital_appointments.fees import fees_of
from tests.support.city_credit import DOCUMENTS
from tests.support.clinic import Clinic
from tests.support.fees import CREDIT, FEES, FeeClinic

AFTERNOON = {"half": "pm", "starts": "13:30", "ends": "15:00"}
PAID_BOOKS = {"provider:stripe": 5000, "service:hospital_appointments": -5000}


@pytest.fixture
def fees(clinic: Clinic, clinic_time: None) -> FeeClinic:
    """Hangzhou, where fees are paid ahead."""
    return FeeClinic(clinic)


def test_a_place_is_held_until_it_is_paid_for(fees: FeeClinic) -> None:
    """Promise: booking holds the place for the city's minutes; paid, it is booked, and nothing takes
    it away."""
    made = fees.book("a")
    fee = fees.fee(made)
    assert (fee.amount, fee.currency, fee.state) == (5000, "CNY", "open")
    assert fee.hold_until == fees.clinic.now + timedelta(minutes=30)
    assert fees.told("a")[-1].startswith("Held for you")
    paid = fees.pay("a", made)
    assert (paid.state, fees.fee(made).payment_id) == ("paid", paid.id)
    fees.world.clock.move(minutes=31)
    fees.work()
    assert (fees.state(made), fees.fee(made).state) == ("booked", "paid")
    assert fees.books() == PAID_BOOKS
    fees.clinic.check()


def test_a_place_that_nobody_pays_for_goes_to_the_next_in_line(fees: FeeClinic) -> None:
    """Promise: once the minutes are over the place is given back and offered, nothing was charged,
    nothing can be paid for it any more, and whoever had it is told."""
    fees.clinic.bring({"capacity": "1"})
    made = fees.book("a")
    fees.press("a", made)
    entry = fees.clinic.wait("b")
    fees.world.clock.move(minutes=29)
    fees.work()
    assert fees.state(made) == "booked"
    fees.world.clock.move(minutes=1)
    fees.work()
    assert (fees.state(made), fees.fee(made).state) == ("cancelled", "void")
    assert fees.stripe.session()["status"] == "expired"
    assert fees.clinic.entry(entry.id).state == "offered"
    assert fees.told("a")[-1].startswith("Your slot was given back")
    assert fees.books() == {}
    with pytest.raises(Conflict):
        fees.press("a", made)
    fees.clinic.check()


def test_what_is_paid_in_the_last_moment_counts(fees: FeeClinic) -> None:
    """Promise: paid before the page was closed, the place is booked, whoever heard of it first."""
    made = fees.book("a")
    fees.press("a", made)
    fees.stripe.pay()
    fees.world.clock.move(minutes=30)
    fees.work()
    assert (fees.state(made), fees.fee(made).state) == ("booked", "paid")
    assert fees.books() == PAID_BOOKS


def test_money_on_its_way_holds_the_place(fees: FeeClinic) -> None:
    """Promise: a bank that is slow costs nobody their place; one that refuses frees it."""
    made = fees.book("a")
    payment = fees.press("a", made)
    fees.stripe.pay(later=True)
    assert fees.follow(payment).is_processing
    fees.world.clock.move(minutes=31)
    fees.work()
    assert fees.state(made) == "booked"
    session = fees.stripe.session()
    money.settle(fees.stripe.sandbox, fees.stripe.account, session, succeeds=False)
    fees.world.clock.move(minutes=31)
    fees.work()
    assert fees.state(made) == "cancelled"
    assert fees.books() == {}


def test_money_for_a_place_that_is_gone_goes_straight_back(fees: FeeClinic) -> None:
    """Promise: what a provider takes on a page that had closed is sent back by itself, once."""
    made = fees.book("a")
    payment = fees.press("a", made)
    fees.world.clock.move(minutes=30)
    fees.work()
    fees.stripe.pay()
    fees.follow(payment)
    fees.work()
    fees.work()
    assert fees.payment(payment.id).state == "refunded"
    assert fees.refunds() == [(5000, "done")]
    assert fees.books() == {}


def test_cancelled_in_time_the_whole_fee_goes_back(fees: FeeClinic) -> None:
    """Promise: one refund of the whole, however often the task runs; the books are even, and the
    place is free."""
    made = fees.book("a")
    payment = fees.pay("a", made)
    fees.clinic.cancel("a", made)
    fees.clinic.cancel("a", made)
    fees.work()
    assert fees.fee(made).is_going_back
    assert fees.refunds() == [(5000, "done")]
    assert fees.payment(payment.id).state == "refunded"
    assert (fees.books(), fees.postings()) == ({}, 2)
    assert fees.clinic.places() == ["free"] * 3


def test_cancelled_before_it_is_paid_closes_the_page(fees: FeeClinic) -> None:
    """Promise: nobody can pay for what was given back."""
    made = fees.book("a")
    payment = fees.press("a", made)
    fees.clinic.cancel("a", made)
    fees.work()
    assert fees.stripe.session()["status"] == "expired"
    assert fees.payment(payment.id).state == "expired"
    assert fees.refunds() == []


def test_cancelling_and_paying_at_once_leaves_no_money_behind(fees: FeeClinic) -> None:
    """Promise: whichever comes first, the place is given back and the whole fee with it."""
    made = fees.book("a")
    payment = fees.press("a", made)
    fees.stripe.pay()
    found = fees.clinic.at_once(lambda: fees.follow(payment), lambda: fees.clinic.cancel("a", made))
    assert not any(isinstance(one, Exception) for one in found), found
    fees.work()
    assert fees.state(made) == "cancelled"
    assert fees.refunds() == [(5000, "done")]
    assert fees.books() == {}
    fees.clinic.check()


def test_pressing_twice_pays_once(fees: FeeClinic) -> None:
    """Promise: two tabs lead to one page, and settle one payment."""
    made = fees.book("a")
    first, second = fees.clinic.at_once(
        lambda: fees.press("a", made), lambda: fees.press("a", made)
    )
    assert first.id == second.id
    fees.stripe.pay()
    fees.clinic.at_once(lambda: fees.follow(first), lambda: fees.follow(first))
    assert fees.books() == PAID_BOOKS


def test_a_session_called_off_sends_every_fee_back(fees: FeeClinic) -> None:
    """Promise: the hospital's cancelling returns what was paid, also after the residents' own
    deadline, and says so; what was not paid can be paid no more."""
    paid, unpaid = fees.book("a"), fees.book("b")
    fees.pay("a", paid)
    fees.press("b", unpaid)
    reason = {"zh": "医生外出", "en": "Doctor away"}
    session, rules_now = fees.clinic.session(), fees.clinic.now
    with fees.world.inside("hangzhou"):
        cancellation.close_session(system("t"), session, reason, rules_now)
    fees.work()
    assert fees.refunds() == [(5000, "done")]
    assert fees.books() == {}
    assert fees.stripe.session()["status"] == "expired"
    assert "Clinic cancelled" in fees.told("a")[-2]
    fees.clinic.check()


def test_one_of_two_fees_goes_back_alone(fees: FeeClinic) -> None:
    """Promise: of a payment for two, the one that was cancelled is sent back and the other stays
    paid, however often the task runs; then the other."""
    one, two = (
        fees.book("a"),
        fees.book("a", session=fees.session_with(fee="30.00", **AFTERNOON)),
    )
    payment = fees.pay("a", one, two)
    assert payment.amount == 8000
    fees.clinic.cancel("a", two)
    fees.work()
    with fees.world.inside("hangzhou"):
        settle({"fee": str(fees_of([two.id])[two.id].id)}, fees.clinic.now)
    fees.work()
    assert (fees.refunds(), fees.fee(one).state) == ([(3000, "done")], "paid")
    assert fees.payment(payment.id).state == "paid"
    assert fees.books() == PAID_BOOKS
    fees.clinic.cancel("a", one)
    fees.work()
    assert fees.payment(payment.id).state == "refunded"
    assert fees.books() == {}


def test_a_fee_that_finance_sends_back_leaves_the_place(fees: FeeClinic) -> None:
    """Promise: whoever has a place keeps it; the hospital takes the fee then, and nothing lapses."""
    made = fees.book("a")
    payment = fees.pay("a", made)
    with fees.world.inside("hangzhou"):
        request_refund(system("t"), payment.id, 5000, "goodwill", fees.clinic.now)
    fees.work()
    assert (fees.state(made), fees.fee(made).state) == ("booked", "at_hospital")
    fees.world.clock.move(hours=1)
    fees.work()
    assert fees.state(made) == "booked"
    fees.clinic.cancel("a", made)
    fees.work()
    assert fees.refunds() == [(5000, "done")]


def test_nothing_changes_where_there_is_nothing_to_pay_here(clinic: Clinic) -> None:
    """Promise: a fee of nothing, or a city that has not chosen this: booked at once, paid at the
    hospital as before."""
    fees = FeeClinic(clinic)
    free = fees.book("a", session=fees.session_with(fee="0.00"))
    assert not fees.has_fee(free)
    fees.clinic.cancel("a", free)
    fees = FeeClinic(clinic, "at_hospital")
    made = fees.book("a")
    assert not fees.has_fee(made)
    assert fees.told("a")[-1].startswith("Booked")
    with pytest.raises(NotFound):
        fees.press("a", made)


def test_a_city_without_payments_takes_fees_at_the_hospital(clinic: Clinic) -> None:
    """Promise: a document that says “ahead” before payments are open turns nobody away."""
    clinic.world.save(DOCUMENTS["hangzhou"] + CREDIT + FEES.format("ahead"))
    fees = FeeClinic.__new__(FeeClinic)
    fees.clinic, fees.world, fees.slug = clinic, clinic.world, "hangzhou"
    assert not fees.has_fee(fees.book("a"))


def test_nobody_pays_in_a_way_that_is_not_offered(fees: FeeClinic) -> None:
    """Promise: a form that was made before the city changed its way, or up, is refused and books
    nothing."""
    for pays in (PayWhen.AT_HOSPITAL, PayWhen.AFTER):
        with pytest.raises(Conflict):
            fees.book("a", pays)
    assert fees.clinic.places() == ["free"] * 3


def test_nobody_pays_for_another(fees: FeeClinic) -> None:
    """Promise: somebody else's fee is nothing that one could pay."""
    made = fees.book("a")
    fees.clinic.person("b")
    with pytest.raises(NotFound):
        fees.press("b", made)


def test_a_price_that_changes_later_is_not_the_agreed_one(fees: FeeClinic) -> None:
    """Promise: what was agreed is paid, whatever the schedule says by then."""
    made = fees.book("a")
    fees.clinic.bring({"fee": "80.00"})
    payment = fees.pay("a", made)
    assert (payment.amount, payment.state) == (5000, "paid")


def test_whoever_comes_before_paying_pays_there(fees: FeeClinic) -> None:
    """Promise: a place whose time has come is nobody else's; the hospital takes the fee."""
    soon = fees.session_with(capacity="1")
    made = fees.book("a", session=soon)
    fees.world.clock.now = made.starts_at
    fees.work()
    assert fees.state(made) == "booked"
    assert fees.fee(made).state == "at_hospital"


def test_a_patient_who_comes_unpaid_pays_there_and_not_twice(fees: FeeClinic) -> None:
    """Promise: once the desk has noted that somebody came, the page is closed and the hospital takes
    the fee; what was paid on it before that counts."""
    one, two = (
        fees.book("a", session=fees.session_with(**AFTERNOON)),
        fees.book("b", session=fees.session_with(**AFTERNOON)),
    )
    fees.world.clock.now = one.starts_at - timedelta(hours=1)
    with fees.world.inside("hangzhou"), transaction():
        for made in (one, two):
            fees_of([made.id])[made.id].hold_until = one.starts_at
    fees.press("a", one)
    page = fees.stripe.session()
    paid = fees.press("b", two)
    fees.stripe.pay()
    fees.mark(one, "attended")
    fees.mark(two, "attended")
    fees.work()
    assert page["status"] == "expired"
    assert (fees.state(one), fees.fee(one).state) == ("attended", "at_hospital")
    assert (fees.fee(two).state, fees.payment(paid.id).state) == ("paid", "paid")
    assert fees.books() == PAID_BOOKS


def test_a_place_is_not_held_again_and_again(fees: FeeClinic) -> None:
    """Promise: held three times within a day without paying, given back or lapsed, the clinic is
    refused to that person and to nobody else, with where to go; the next day it is open again."""
    for lapses in (False, True, False):
        made = fees.book("a")
        if lapses:
            fees.world.clock.move(minutes=31)
            fees.work()
        else:
            fees.clinic.cancel("a", made)
            fees.work()
        assert fees.state(made) == "cancelled"
    with pytest.raises(Blocked, match=r"held for a several times and not paid for.*12345"):
        fees.book("a")
    fees.book("b")
    other = fees.session_with(**AFTERNOON)
    fees.clinic.cancel("a", fees.book("a", session=other))
    fees.world.clock.move(days=1)
    fees.book("a")


def test_what_was_paid_and_cancelled_is_no_unpaid_hold(fees: FeeClinic) -> None:
    """Promise: whoever pays and then cannot come may book as often as anybody."""
    for _time in range(4):
        made = fees.book("a")
        fees.pay("a", made)
        fees.clinic.cancel("a", made)
        fees.work()
    assert fees.state(fees.book("a")) == "booked"


def test_what_a_bank_disputes_is_not_sent_back_twice(fees: FeeClinic) -> None:
    """Promise: cancelled while the payer's bank has taken the money back, nothing is sent on top; won,
    the city has it again and it goes back to the payer."""
    made = fees.book("a")
    payment = fees.pay("a", made)
    stripe = fees.stripe
    dispute = money.dispute(stripe.sandbox, stripe.account, stripe.session())
    assert fees.follow(payment).is_disputed
    assert fees.state(made) == "booked"
    fees.clinic.cancel("a", made)
    fees.work()
    assert fees.refunds() == []
    money.close_dispute(stripe.sandbox, stripe.account, dispute, won=True)
    fees.follow(payment)
    fees.world.clock.move(days=1, minutes=1)
    fees.work()
    assert fees.refunds() == [(5000, "done")]
    assert fees.books() == {}
