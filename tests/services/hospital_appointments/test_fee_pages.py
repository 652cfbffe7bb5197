"""Fees on the pages of a city's site, at its desk and as JSON."""

from __future__ import annotations

import re
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import select

from smartcity_saas.clock import local_time
from smartcity_saas.database import db
from smartcity_saas.identity.staff.roles import CITY_ADMIN
from smartcity_saas.payments.models import Payment
from smartcity_saas.payments.providers import CannotBegin, ProviderUnreachable
from smartcity_saas.sandboxes.stripe import money
from smartcity_saas.services.hospital_appointments.models import Appointment, ClinicSession
from tests.support.browser import Browser
from tests.support.city_credit import DOCUMENTS
from tests.support.clinic import Clinic
from tests.support.clinic_pages import NEW, ROOT, api
from tests.support.fees import CREDIT, FeeClinic


@pytest.fixture
def fees(clinic: Clinic, clinic_time: None) -> FeeClinic:
    """Hangzhou, where fees are paid ahead."""
    return FeeClinic(clinic)


def slot(fees: FeeClinic) -> str:
    """The form that books the first time of the clinic."""
    return f"{ROOT}/sessions/{fees.clinic.session()}/book?at={fees.clinic.day()}T08:00"


def member(fees: FeeClinic) -> Browser:
    """A resident who may pay after the visit, with a browser."""
    fees.benefit("household")
    return fees.world.resident()


def appointment_page(browser: Browser) -> str:
    """The page of the only appointment there is."""
    found = re.search(rf"{ROOT}/appointments/[0-9a-f-]+", browser.get(f"{ROOT}/appointments").text)
    assert found
    return found[0]


def test_booking_leads_to_the_page_to_pay_on(fees: FeeClinic) -> None:
    """Promise: the form says what is paid and what happens otherwise; pressing it leads to the
    provider; until it is paid the page says until when, without a code to show at the hospital."""
    browser = fees.world.resident()
    form = browser.get(slot(fees)).text
    assert "Book and pay ¥50.00" in form
    assert "held for 30 minutes" in form
    assert "After the visit" not in form
    done = browser.post(slot(fees), "/me", **NEW)
    assert done.status_code == 303
    assert "/pay/" in done.headers["Location"] or "cs_test" in done.headers["Location"]
    path = appointment_page(browser)
    shown = browser.get(path).text
    assert "Held for you" in shown
    assert "QR code" not in shown
    assert "or the slot is given back" in browser.get("/me").text
    fees.stripe.pay()
    fees.stripe.send_all()
    shown = browser.get(path).text
    assert "Booked: " in shown
    assert "QR code" in shown
    assert "¥50.00, paid" in shown
    assert "Your fee goes back to what you paid with." in shown
    browser.post(f"{path}/cancel", path)
    fees.work()
    assert "Your fee goes back to what you paid with" in browser.get(path).text


def test_without_the_provider_the_page_says_so_and_has_the_button(
    fees: FeeClinic, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Promise: a provider that is away loses nobody their place for the minutes it is held."""

    def away(*_args: object, **_options: object) -> None:
        raise ProviderUnreachable

    browser = fees.world.resident()
    monkeypatch.setattr(
        "smartcity_saas.services.hospital_appointments.fee_display.begin_checkout", away
    )
    done = browser.post(slot(fees), "/me", **NEW)
    assert done.headers["Location"] == appointment_page(browser)
    assert "Pay by" in browser.get(done.headers["Location"]).text


def test_what_the_provider_will_not_take_is_paid_at_the_hospital(
    fees: FeeClinic, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Promise: nobody loses a place over an amount that cannot be charged."""

    def refused(*_args: object, **_options: object) -> None:
        raise CannotBegin("too_small")

    monkeypatch.setattr(
        "smartcity_saas.services.hospital_appointments.fee_display.begin_checkout", refused
    )
    browser = fees.world.resident()
    done = browser.post(slot(fees), "/me", **NEW)
    shown = browser.get(done.headers["Location"]).text
    assert "Booked: " in shown
    assert "paid at the hospital" in shown
    fees.world.clock.move(hours=1)
    fees.work()
    assert "Booked: " in browser.get(done.headers["Location"]).text


def test_a_slot_that_lapsed_says_so(fees: FeeClinic) -> None:
    """Promise: who comes back too late reads that nothing was charged, and can book again."""
    browser = fees.world.resident()
    browser.post(slot(fees), "/me", **NEW)
    path = appointment_page(browser)
    fees.world.clock.move(minutes=30)
    assert "slot is being given back" in browser.get(path).text
    fees.work()
    shown = browser.get(path).text
    assert "Given back: not paid in time" in shown
    assert "Nothing was charged." in shown


def test_a_member_may_choose_the_visit_first(fees: FeeClinic) -> None:
    """Promise: offered beside paying now, chosen by nobody but the resident; due after the visit on
    their own page with its day, and paid from there."""
    browser = member(fees)
    form = browser.get(slot(fees)).text
    assert re.search(r'value="ahead" checked', form)
    assert re.search(r'value="after"[^>]*>', form)
    assert '<span class="pays-ahead">Book and pay ¥50.00</span>' in form, "what is chosen, is said"
    assert '<span class="pays-after">Book</span>' in form
    assert "Nothing is due if you cancel, or if you do not come." in form
    done = browser.post(slot(fees), "/me", **NEW, pays="after")
    path = done.headers["Location"]
    assert path == appointment_page(browser)
    assert "within 7 days after the visit" in browser.get(path).text
    made = booked_at(fees, path)
    fees.world.clock.now = made.starts_at + timedelta(hours=1)
    assert "noted that you came" in browser.get(path).text
    fees.mark(made, "attended")
    shown = browser.get(path).text
    assert 'class="amount">¥50.00' in shown
    assert "¥50.00" in browser.get("/me").text
    assert "Consultation fee · Cardiology" in browser.get("/me").text
    listed = browser.get(f"{ROOT}/fees").text
    assert str(made.id) in listed
    assert browser.post(f"{ROOT}/pay", path).status_code == 422
    gone = browser.post(f"{ROOT}/pay", path, appointment=str(made.id))
    assert gone.status_code == 303
    fees.stripe.pay()
    fees.stripe.send_all()
    assert "¥50.00, paid" in browser.get(path).text
    assert "Nothing to pay" in browser.get(f"{ROOT}/fees").text


def test_late_the_form_says_what_brings_it_back(fees: FeeClinic) -> None:
    """Promise: where it rests, the form books as for everybody and leads to what is due; so does the
    page of city credit."""
    browser = member(fees)
    browser.post(slot(fees), "/me", **NEW, pays="after")
    path = appointment_page(browser)
    made = booked_at(fees, path)
    fees.visit(made)
    fees.world.clock.move(days=8)
    fees.clinic.bring({})
    browser = fees.world.resident()
    form = browser.get(book_path(fees)).text
    assert "Book and pay ¥50.00" in form
    assert "It comes back as soon as you have paid ¥50.00" in form
    assert f'href="{path}"' in form
    mine = browser.get("/services/city-credit/mine").text
    assert "Resting." in mine
    assert f'href="{path}"' in mine
    assert "Until this is paid you cannot choose" in browser.get(path).text


def test_the_desk_sees_what_is_open_and_no_level(fees: FeeClinic) -> None:
    """Promise: the desk knows what to take, what is paid and what is due, notes what was paid at the
    counter, and reads nothing of levels."""
    browser = member(fees)
    browser.post(slot(fees), "/me", **NEW, pays="after")
    path = appointment_page(browser)
    made = booked_at(fees, path)
    fees.book("b")
    staff = fees.world.city_staff()
    base = "/cities/hangzhou/hospital-appointments"
    session = f"{base}/sessions/{made.session_id}"
    listed = staff.get(session).text
    assert "after the visit" in listed
    assert "not paid yet, held until" in listed
    assert "50.00,open" in staff.get(f"{session}/list.csv").text
    page = staff.get(base).text
    assert "After visits to come" in page
    assert "For slots held until they are paid" in page
    fees.visit(made)
    fees.world.clock.move(days=8)
    staff = fees.world.staff("desk-later", CITY_ADMIN, city="hangzhou")
    browser = fees.world.resident()
    page = staff.get(base).text
    assert "late" in page
    fees_part = page.partition('id="fees"')[2].partition("</section>")[0]
    assert not re.search("good|level|credit|benefit", fees_part, re.IGNORECASE)
    done = staff.post(f"{base}/appointments/{made.id}/paid", base)
    assert done.status_code == 302
    assert "paid at the hospital" in browser.get(path).text
    assert staff.post(f"{base}/appointments/{made.id}/paid", base).status_code == 409


def test_the_same_as_json(fees: FeeClinic) -> None:
    """Promise: programs book, read and pay in the same ways."""
    browser = member(fees)
    patient = api(browser, "get", "/api/v1/hospital-appointments").json["patients"]
    body = {"session": str(fees.clinic.session()), "patient": patient[0]["id"]}
    wrong = api(browser, "post", "/api/v1/hospital-appointments", {**body, "pays": "never"})
    assert wrong.status_code == 422
    refused = api(browser, "post", "/api/v1/hospital-appointments", {**body, "pays": "at_hospital"})
    assert refused.status_code == 409
    made = api(browser, "post", "/api/v1/hospital-appointments", body).json
    assert made["fee"]["state"] == "open"
    assert (made["fee"]["pays"], made["fee"]["amount"]) == ("ahead", 5000)
    begun = api(
        browser,
        "post",
        "/api/v1/hospital-appointments/payments",
        {"appointments": [made["id"]]},
    )
    assert (begun.status_code, begun.json["amount"]) == (201, 5000)
    fees.stripe.pay()
    fees.stripe.send_all()
    (own,) = api(browser, "get", "/api/v1/hospital-appointments").json["appointments"]
    assert own["fee"]["state"] == "paid"
    assert own["fee"]["payment"] == begun.json["payment"]


def test_paying_goes_on_while_the_service_is_paused(fees: FeeClinic) -> None:
    """Promise: what somebody has can be paid while nothing new is booked."""
    browser = member(fees)
    browser.post(slot(fees), "/me", **NEW)
    path = appointment_page(browser)
    entry = "{state: paused, notice: {zh: 停, en: Off}, settings: {payment: ahead}}"
    paused = f"  hospital_appointments: {entry}\n"
    fees.world.save(DOCUMENTS["hangzhou"] + CREDIT + paused)
    assert "Pay by" in browser.get(path).text
    done = browser.post(f"{ROOT}/pay", path, appointment=path.rpartition("/")[2])
    assert done.status_code == 303


def booked_at(fees: FeeClinic, path: str) -> Appointment:
    """The appointment of a page."""
    db.session.rollback()
    with fees.world.inside("hangzhou"):
        key = UUID(path.rpartition("/")[2])
        return db.session.scalars(select(Appointment).where(Appointment.id == key)).one()


def book_path(fees: FeeClinic) -> str:
    """The form that books the first time of the newest clinic."""
    with fees.world.inside("hangzhou"):
        query = select(ClinicSession).order_by(ClinicSession.id.desc()).limit(1)
        session = db.session.scalars(query).one()
        return f"{ROOT}/sessions/{session.id}/book?at={session.day}T08:00"


def test_cancelling_while_money_is_on_its_way_says_what_becomes_of_it(fees: FeeClinic) -> None:
    """Promise: before it is pressed and after it, the page says that the money goes back as soon as
    it has arrived; then it does."""
    browser = fees.world.resident()
    browser.post(slot(fees), "/me", **NEW)
    path = appointment_page(browser)
    fees.stripe.pay(later=True)
    fees.stripe.send_all()
    words = "¥50.00 goes back whole to what you paid with, as soon as it has arrived."
    assert words in browser.get(path).text
    browser.post(f"{path}/cancel", path)
    fees.work()
    shown = browser.get(path).text
    assert "Cancelled" in shown
    assert words in shown
    money.settle(fees.stripe.sandbox, fees.stripe.account, fees.stripe.session(), succeeds=True)
    fees.stripe.send_all()
    fees.work()
    assert fees.refunds() == [(5000, "done")]
    assert words not in browser.get(path).text


def test_the_payment_says_until_when_the_slot_is_held(fees: FeeClinic) -> None:
    """Promise: whoever left the provider's page reads the earlier of two ends: of the slot that is
    held, not of the page."""
    browser = fees.world.resident()
    browser.post(slot(fees), "/me", **NEW)
    with fees.world.inside("hangzhou"):
        payment = db.session.scalars(select(Payment)).one()
    held = local_time(fees.clinic.now + timedelta(minutes=30), fees.clinic.rules.zone)
    assert payment.expires_at == fees.clinic.now + timedelta(minutes=35)
    shown = browser.get(f"/me/payments/{payment.id}").text
    (said,) = re.findall(r"You can pay until ([^<]+)\.", shown)
    assert said.endswith(f"{held.hour}:{held:%M}")
