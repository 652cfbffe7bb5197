"""Fees that are paid after the visit: a benefit, up to a limit, that rests while something is late."""

from __future__ import annotations

import uuid
from dataclasses import replace
from datetime import date, datetime, time, timedelta

import pytest
from sqlalchemy import func, select

from smartcity_saas.audit import system
from smartcity_saas.catalog.benefits import resting_benefits
from smartcity_saas.database import db
from smartcity_saas.errors import Conflict, NotFound
from smartcity_saas.identity.residents.accounts import Acting
from smartcity_saas.payments.refunds import request_refund
from smartcity_saas.services.hospital_appointments.fee_models import AppointmentFee, PayWhen
from smartcity_saas.services.hospital_appointments.fee_notifications import remind_of_fees
from smartcity_saas.services.hospital_appointments.fees import PayChoices, note_paid_there
from smartcity_saas.services.hospital_appointments.models import Appointment
from smartcity_saas.services.hospital_appointments.names import ROOT
from smartcity_saas.services.hospital_appointments.registration import service
from tests.support.clinic import ZONE, Clinic
from tests.support.fees import FeeClinic

AFTER = PayWhen.AFTER
AFTERNOON = {"half": "pm", "starts": "13:30", "ends": "15:00"}


@pytest.fixture
def fees(clinic: Clinic, clinic_time: None) -> FeeClinic:
    """Hangzhou, where fees are paid ahead, and a person who may pay after the visit."""
    found = FeeClinic(clinic)
    found.benefit("a")
    return found


def today(fees: FeeClinic) -> date:
    """The city's day."""
    return fees.world.clock().astimezone(ZONE).date()


def remind(fees: FeeClinic) -> None:
    """What a day brings."""
    with fees.world.inside("hangzhou"):
        remind_of_fees(fees.world.clock())


def resting(fees: FeeClinic, name: str = "a") -> list[str]:
    """What a person reads of a benefit that rests."""
    resident, _patient = fees.clinic.person(name)
    with fees.world.inside(fees.slug):
        return [str(one.reason) for one in resting_benefits(resident.id, fees.world.clock())]


def visited(fees: FeeClinic) -> Appointment:
    """A visit of “a”'s, agreed to be paid for afterwards."""
    made = fees.book("a", AFTER)
    fees.visit(made)
    return made


def test_the_visit_makes_it_due_and_paying_settles_it(fees: FeeClinic) -> None:
    """Promise: booked at once and held by no clock; due seven of the city's days after the visit;
    paid by the same checkout, and the benefit is as before."""
    made = fees.book("a", AFTER)
    assert fees.told("a")[-1].startswith("Booked")
    fees.world.clock.move(hours=2)
    fees.work()
    assert (fees.state(made), fees.fee(made).state) == ("booked", "open")
    with pytest.raises(Conflict):
        fees.press("a", made)
    fees.visit(made)
    fee = fees.fee(made)
    assert (fee.state, fee.due_on) == ("due", today(fees) + timedelta(days=7))
    assert fees.told("a")[-1].startswith("Pay ¥50.00 by")
    fees.pay("a", made)
    assert fees.fee(made).state == "paid"
    assert fees.books() == {"provider:stripe": 5000, "service:hospital_appointments": -5000}


def test_what_is_due_is_told_before_an_account_is_deleted(fees: FeeClinic) -> None:
    """Promise: a fee that is due stands among what is to be ended first, with the page to pay on;
    paid, it does not."""
    made = fees.book("a", AFTER)
    fees.visit(made)
    resident, _patient = fees.clinic.person("a")

    def told() -> list[tuple[str, str]]:
        with fees.world.app.test_request_context(), fees.world.inside("hangzhou"):
            return [(str(text), path) for text, path in service.unfinished(resident)]

    assert [path for _text, path in told()] == [f"{ROOT}/appointments/{made.id}"]
    assert "50.00" in told()[0][0]
    fees.pay("a", made)
    assert told() == []


def test_nobody_else_is_offered_it(fees: FeeClinic) -> None:
    """Promise: whoever does not take part, or has not reached the level, pays as everybody does, and
    a form made up gets them nothing else."""
    fees.clinic.person("b")
    assert fees.choices("b").after is None
    assert fees.choices("b").resting is None
    with pytest.raises(Conflict):
        fees.book("b", AFTER)
    assert fees.book("b").state == "booked"


def test_no_staff_at_the_counter_sees_who_holds_it(fees: FeeClinic) -> None:
    """Promise: whoever acts for a resident at the counter books as for everybody, and learns nothing
    of what they hold."""
    resident, patient = fees.clinic.person("a")
    acting = replace(resident, acting=Acting("staff:desk", "x", "by hand"))
    fees.clinic.people["a"] = (acting, patient)
    assert fees.choices("a") == PayChoices(PayWhen.AHEAD)
    with pytest.raises(Conflict):
        fees.book("a", AFTER)


def test_nothing_is_due_for_what_was_cancelled_or_missed(fees: FeeClinic) -> None:
    """Promise: cancelled in time, called off, or nobody came: nothing is due."""
    made = fees.book("a", AFTER)
    fees.clinic.cancel("a", made)
    assert fees.fee(made).state == "void"
    missed = fees.book("a", AFTER)
    fees.world.clock.now = missed.starts_at + timedelta(hours=1)
    assert fees.fee(missed).state == "open"
    fees.mark(missed, "no_show")
    assert fees.fee(missed).state == "void"
    fees.world.clock.move(days=30)
    remind(fees)
    assert resting(fees) == []
    assert not any("due" in title or "Pay" in title for title in fees.told("a"))


def test_a_visit_that_is_noted_late_leaves_all_days(fees: FeeClinic) -> None:
    """Promise: the days count from the later of the visit and its note."""
    made = fees.book("a", AFTER)
    fees.world.clock.now = made.starts_at + timedelta(days=12)
    fees.mark(made, "attended")
    assert fees.fee(made).due_on == today(fees) + timedelta(days=7)


def test_up_to_the_limit_over_what_is_open(fees: FeeClinic) -> None:
    """Promise: fees together stay within the limit of ¥120; what is paid makes room at once."""
    first = fees.book("a", AFTER)
    second_session = fees.session_with(fee="70.00", **AFTERNOON)
    third_session = fees.session_with(fee="0.50", half="pm", starts="16:00", ends="17:00")
    fees.book("a", AFTER, session=second_session)
    assert fees.choices("a", third_session).after is None
    assert "¥120.00 is open now" in str(fees.choices("a", third_session).resting)
    with pytest.raises(Conflict):
        fees.book("a", AFTER, session=third_session)
    fees.visit(first)
    fees.pay("a", first)
    assert fees.choices("a", third_session).after is not None


def test_two_bookings_at_once_stay_within_the_limit(fees: FeeClinic) -> None:
    """Promise: in two tabs, for two of the family, together no more than the limit."""
    sessions = [
        fees.session_with(fee="70.00", **{**AFTERNOON, "starts": start, "ends": end})
        for start, end in (("13:30", "14:00"), ("16:00", "16:30"))
    ]
    found = fees.clinic.at_once(
        *(lambda key=one: fees.book("a", AFTER, session=key) for one in sessions)
    )
    assert sorted(type(one).__name__ for one in found) == ["Appointment", "Conflict"]


def test_unnoted_visits_stop_counting_after_their_days(fees: FeeClinic) -> None:
    """Promise: a hospital that notes nothing holds nobody's limit for ever."""
    made = fees.book("a", AFTER)
    later = fees.session_with(day=fees.clinic.day(5), fee="100.00")
    assert fees.choices("a", later).after is None
    fees.world.clock.now = made.starts_at + timedelta(days=7)
    assert fees.choices("a", later).after is None
    fees.world.clock.move(days=1)
    assert fees.choices("a", later).after is not None


def test_late_it_rests_and_nothing_else_happens(fees: FeeClinic) -> None:
    """Promise: on its day the benefit still holds, the day after it rests and says what brings it
    back; booking goes on as for everybody; paid, it is back at once."""
    made = visited(fees)
    fees.clinic.bring({"day": str(today(fees) + timedelta(days=9))})
    later = fees.session_with(day=str(today(fees) + timedelta(days=9)), fee="20.00")
    fees.world.clock.now = _noon(fees.fee(made).due_on)
    assert fees.choices("a", later).after is not None
    fees.world.clock.move(days=1)
    choices = fees.choices("a", later)
    assert (choices.after, choices.usual) == (None, PayWhen.AHEAD)
    assert "¥50.00" in str(choices.resting)
    assert choices.see.endswith(str(made.id))
    assert resting(fees)
    with pytest.raises(Conflict):
        fees.book("a", AFTER, session=later)
    assert fees.book("a", session=later).state == "booked"
    fees.pay("a", made)
    assert resting(fees) == []
    assert fees.choices("a", later).after is not None


def test_reminders_before_on_and_after_the_day_once_each(fees: FeeClinic) -> None:
    """Promise: three days before, on the day and the day after it, each once however often the
    daily work runs; then silence."""
    made = visited(fees)
    due, told = fees.fee(made).due_on, len(fees.told("a"))
    heard: dict[int, list[str]] = {}
    for day in range(-6, 12):
        fees.world.clock.now = _noon(due + timedelta(days=day))
        remind(fees)
        remind(fees)
        new = fees.told("a")[told:]
        told += len(new)
        heard |= {day: new} if new else {}
    assert sorted(heard) == [-3, 0, 1]
    assert heard[0] == ["¥50.00 is due today"]
    assert heard[1][0].startswith("¥50.00 was to be paid by")


def test_what_is_paid_is_not_reminded_of(fees: FeeClinic) -> None:
    """Promise: nobody is reminded of what they have paid."""
    made = visited(fees)
    fees.pay("a", made)
    told = fees.told("a")
    fees.world.clock.move(days=8)
    remind(fees)
    assert fees.told("a") == told


def test_leaving_city_credit_leaves_what_was_agreed(fees: FeeClinic) -> None:
    """Promise: what is booked stays as agreed; only new bookings are as everybody's."""
    made = fees.book("a", AFTER)
    fees.leave("a")
    assert fees.choices("a", fees.session_with()).after is None
    fees.visit(made)
    assert fees.fee(made).due_on == today(fees) + timedelta(days=7)
    fees.pay("a", made)
    assert fees.fee(made).state == "paid"


def test_a_note_that_is_corrected_gives_the_fee_back(fees: FeeClinic) -> None:
    """Promise: paid and then noted as missed, the fee goes back; noted as attended after that it is
    due again."""
    made = visited(fees)
    payment = fees.pay("a", made)
    fees.mark(made, "no_show")
    fees.work()
    assert (fees.fee(made).state, fees.payment(payment.id).state) == ("void", "refunded")
    assert fees.books() == {}
    fees.mark(made, "attended")
    assert fees.fee(made).state == "due"
    fees.pay("a", made)
    assert fees.books() == {"provider:stripe": 5000, "service:hospital_appointments": -5000}


def test_a_slip_of_the_desk_moves_no_money(fees: FeeClinic) -> None:
    """Promise: missed and at once attended again: what was paid stays paid."""
    made = visited(fees)
    fees.pay("a", made)
    fees.mark(made, "no_show")
    fees.mark(made, "attended")
    fees.work()
    assert (fees.fee(made).state, fees.refunds()) == ("paid", [])
    fees.mark(made, "booked")
    assert fees.fee(made).state == "paid"


def test_noted_as_not_yet_attended_it_is_not_due(fees: FeeClinic) -> None:
    """Promise: a note that is taken back takes what was due with it."""
    made = visited(fees)
    fees.mark(made, "booked")
    assert (fees.fee(made).state, fees.fee(made).due_on) == ("open", None)


def test_a_refund_makes_it_due_with_its_days_anew(fees: FeeClinic) -> None:
    """Promise: what finance sends back after its day is late for nobody at once."""
    made = visited(fees)
    payment = fees.pay("a", made)
    fees.world.clock.move(days=30)
    with fees.world.inside("hangzhou"):
        request_refund(system("t"), payment.id, 5000, "x", fees.world.clock())
    fees.work()
    assert (fees.fee(made).state, fees.fee(made).due_on) == ("due", today(fees) + timedelta(days=7))
    assert resting(fees) == []


def test_paid_at_the_counter_brings_it_back(fees: FeeClinic) -> None:
    """Promise: whoever pays at the hospital has paid; the page to pay on closes, and money that
    came all the same is held for finance, not counted twice."""
    made = visited(fees)
    fees.world.clock.move(days=9)
    assert resting(fees)
    payment = fees.press("a", made)
    with fees.world.inside("hangzhou"):
        note_paid_there(system("desk"), made.id, fees.world.clock())
        with pytest.raises(Conflict):
            note_paid_there(system("desk"), made.id, fees.world.clock())
        with pytest.raises(NotFound):
            note_paid_there(system("desk"), uuid.uuid4(), fees.world.clock())
    assert resting(fees) == []
    fees.work()
    assert fees.stripe.session()["status"] == "expired"
    fees.stripe.pay()
    assert fees.follow(payment).held_reason == "paid"
    assert fees.books() == {"provider:stripe": 5000, "held": -5000}


def test_several_visits_are_paid_together(fees: FeeClinic) -> None:
    """Promise: what is due is one checkout."""
    made = fees.book("a", AFTER)
    other = fees.book("a", AFTER, session=fees.session_with(fee="60.00", **AFTERNOON))
    fees.visit(made)
    fees.visit(other)
    payment = fees.pay("a", made, other)
    assert payment.amount == 11_000
    assert [fees.fee(one).state for one in (made, other)] == ["paid", "paid"]


def test_a_place_from_the_waiting_list_is_paid_after_the_visit_too(fees: FeeClinic) -> None:
    """Promise: the benefit holds wherever one books; without it the place is held as any."""
    fees.clinic.bring({"capacity": "1"})
    taken = fees.book("b")
    entry = fees.clinic.wait("a")
    fees.clinic.cancel("b", taken)
    made = fees.accept("a", entry, AFTER)
    assert fees.fee(made).pays == AFTER
    assert fees.fee(made).hold_until is None


def test_what_is_late_in_one_city_rests_in_no_other(fees: FeeClinic, clinic: Clinic) -> None:
    """Promise: nothing of one city's fees is known in another, and none is paid there."""
    made = visited(fees)
    fees.world.clock.move(days=9)
    assert resting(fees)
    other = Clinic(fees.world, "ningbo")
    other.bring()
    there = FeeClinic(other)
    there.benefit("a")
    assert resting(there) == []
    assert there.choices("a").after is not None
    with pytest.raises(NotFound):
        there.press("a", made)
    with fees.world.inside("ningbo"):
        assert db.session.scalar(select(func.count()).select_from(AppointmentFee)) == 0


def test_paying_at_the_hospital_is_the_usual_way_elsewhere(clinic: Clinic) -> None:
    """Promise: where fees are not paid ahead the benefit stands beside the hospital's counter."""
    fees = FeeClinic(clinic, "at_hospital")
    fees.benefit("a")
    assert fees.choices("a").usual == PayWhen.AT_HOSPITAL
    made = visited(fees)
    assert fees.fee(made).state == "due"
    fees.world.clock.move(days=9)
    later = fees.session_with(day=str(today(fees) + timedelta(days=1)))
    assert not fees.has_fee(fees.book("a", session=later))


def _noon(day: date | None) -> datetime:
    assert day is not None
    return datetime.combine(day, time(12), ZONE)
