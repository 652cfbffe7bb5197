"""The counter: staff act for a resident, with a reason, within limits, and are seen doing so."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import select, update

from smartcity_saas.audit import city_audit_events, reasons_of, system
from smartcity_saas.database import db, transaction
from smartcity_saas.identity.demo import sample_resident
from smartcity_saas.identity.federation.channels import AuthenticatedIdentity
from smartcity_saas.identity.residents.accounts import link, subject_of_number
from smartcity_saas.identity.residents.models import Resident
from smartcity_saas.identity.staff.accounts import change_roles, disable_staff
from smartcity_saas.payments.models import Payment
from smartcity_saas.web.plates import shown
from tests.support.browser import Browser
from tests.support.documents import HANGZHOU
from tests.support.residents import NUMBER, PHONE, by_phone
from tests.support.staff import path_of
from tests.support.world import World

COUNTER = "/cities/hangzhou/counter"


def act(world: World, number: str = PHONE, reason: str = "忘带手机") -> tuple[Any, Browser]:
    desk = world.staff("desk", "desk:utility_bills", city="hangzhou")
    answer = desk.post(COUNTER, number=number, reason=reason)
    browser = world.client("hangzhou.localhost")
    if answer.status_code == 200:
        path = link_of(answer)
        assert browser.get(path).status_code == 200, "asks first"
        assert browser.post(path).status_code == 302
        assert world.client("hangzhou.localhost").post(path).status_code == 404
    return answer, browser


def link_of(answer: Any) -> str:
    """The path that the console's page leads to."""
    found: str = answer.text.partition('href="http://hangzhou.localhost')[2]
    return found.partition('"')[0]


def verify_by_channel(world: World) -> None:
    """The one account has its number by a channel's word."""
    with world.inside("hangzhou"), transaction() as session:
        session.execute(update(Resident).values(verified_by="alipay"))


@pytest.mark.parametrize("number", [PHONE, NUMBER])
def test_staff_act_and_the_resident_sees_it(phones: World, number: str) -> None:
    """Found by either number; the services are open, the audit log names staff, the resident reads
    who and why, and is told."""
    resident = by_phone(phones)
    resident.post("/me/verify", real_name="示例", number=NUMBER, agree="1")
    verify_by_channel(phones)
    answer, browser = act(phones, number)
    assert answer.status_code == 200, answer.text
    page = browser.get("/services/utility-bills/link?kind=water")
    assert (page.status_code, "you are acting for" in page.text) == (200, True)
    typed = {"kind": "water", "number": "1", "holder": "x", "nickname": "x"}
    assert browser.post("/services/utility-bills/link", **typed).status_code == 422
    seen = resident.get("/me/data/access").text
    assert seen.count("Counter: 忘带手机") == 1, "one look is one line"
    assert "Utility bills: 忘带手机" in seen
    assert "Utility bills (data submitted): 忘带手机" in seen
    assert "account desk" in seen
    assert "staff have opened your account" in resident.get("/me/messages").text
    assert "Found: *例, 1***" in answer.text, "staff compare it with the card"
    with phones.inside("hangzhou"):
        last = next(e for e in city_audit_events() if e.action == "resident.counter")
        assert (last.actor, reasons_of([last])) == ("staff:desk", {last.id: "忘带手机"})


def test_what_only_the_resident_may_do_stays_shut(phones: World) -> None:
    """Ways in, real name, data, leaving: not at the counter; payments are."""
    by_phone(phones)
    _answer, browser = act(phones)
    for path in (
        "/me",
        "/me/data",
        "/me/ways-in",
        "/me/verify",
        "/me/sessions",
        "/me/data/delete",
        "/me/messages",
        "/me/data/consents",
    ):
        assert browser.get(path).status_code == 403, path
    assert browser.post("/me/data/delete", "/", word="delete").status_code in (400, 403)
    assert browser.get("/me/payments").status_code == 200
    phones.clock.move(minutes=16)
    assert browser.get("/me/payments").status_code == 302
    with phones.inside("hangzhou"):
        assert db.session.scalars(select(Resident)).one().closed_at is None


@pytest.mark.parametrize(
    "number, reason", [("13899999999", "忘带手机"), ("x", "忘带手机"), (PHONE, " ")]
)
def test_nobody_is_found_without_a_number_and_a_reason(
    phones: World,
    number: str,
    reason: str,
) -> None:
    """An unknown number, none at all, no reason: refused at the field."""
    by_phone(phones)
    answer, _browser = act(phones, number, reason)
    assert answer.status_code == 422


def test_a_service_s_first_page_is_a_look(phones: World) -> None:
    """It is everyone's, and shows what the resident has; the city's first page, and what was
    refused, show nothing of them."""
    resident = by_phone(phones)
    _answer, browser = act(phones)
    for path in ("/", "/privacy", "/me/data", "/services/utility-bills"):
        browser.get(path)
    seen = resident.get("/me/data/access").text
    assert "Utility bills: 忘带手机" in seen
    assert seen.count("忘带手机") == 2, "the opening, and the service"


def test_a_number_that_anybody_could_have_typed_opens_nothing(phones: World) -> None:
    """Whoever has typed somebody's resident number first is not whom the card shows."""
    squatter = by_phone(phones)
    squatter.post("/me/verify", real_name="示例", number=NUMBER, agree="1")
    answer, _browser = act(phones, NUMBER)
    assert (answer.status_code, "nobody has verified" in answer.text) == (422, True)


OUT: dict[str, Callable[[World, Browser], Any]] = {
    "disabled": lambda world, desk: disable_staff(system("test"), "desk", world.clock()),
    "another role": lambda world, desk: change_roles(
        system("test"), "desk", ["auditor"], world.clock()
    ),
    "signed out": lambda world, desk: desk.post("/sign-out", "/account"),
}


@pytest.mark.parametrize("why", OUT)
def test_whoever_is_out_acts_no_longer(phones: World, why: str) -> None:
    """What began on the console ends with it, at the next request; a link not opened yet too."""
    by_phone(phones)
    desk = phones.staff("desk", "desk:utility_bills", city="hangzhou")
    links = [link_of(desk.post(COUNTER, number=PHONE, reason="忘带手机")) for _n in range(2)]
    browser, late = (phones.client("hangzhou.localhost") for _n in range(2))
    browser.post(links[0])
    assert browser.get("/me/payments").status_code == 200
    OUT[why](phones, desk)
    assert browser.get("/me/payments").status_code == 302
    late.post(links[1])
    assert late.get("/me/payments").status_code == 302


def test_a_desk_acts_for_its_own_service(phones: World) -> None:
    """The desk of one service opens no other, by pages or by the API."""
    by_phone(phones)
    _answer, browser = act(phones)
    assert browser.get("/services/utility-bills/link?kind=water").status_code == 200
    for path in ("/services/hospital-appointments/patients", "/services/traffic-tickets/licence"):
        assert browser.get(path).status_code == 403, path
    assert browser.get("/api/v1/hospital-appointments").status_code == 403
    assert browser.get("/api/v1/utility-bills").status_code == 200


def test_a_resident_of_another_city_is_nobody_here(phones: World) -> None:
    """The same number at another city is another person's account."""
    by_phone(phones, city="ningbo")
    assert act(phones)[0].status_code == 422


SECRET = "浙A00017"
"""The plate of the sample's car: what no desk but that of tickets may read."""


@pytest.fixture
def full(phones: World) -> World:
    """A resident with something in every service, and a payment for each."""
    phones.once("full", lambda: fill(phones))
    return phones


def fill(phones: World) -> None:
    opened = "channels: {phone: {state: open}}\nservices: {city_credit: {state: open}, problem_reports: {state: open}}\n"
    phones.save(HANGZHOU + opened)
    city, services = phones.city("hangzhou"), phones.app.product.services
    with phones.inside("hangzhou"):
        for service in services.values():
            assert service.demo is not None
            service.demo(city, phones.clock())
        resident = sample_resident("household", phones.clock())
        subject = subject_of_number(PHONE, phones.clock())
        link(resident, "phone", AuthenticatedIdentity((subject,), "示例"), phones.clock())
        with transaction() as session:
            for n, name in enumerate(services):
                title = f"{services[name].title['en']} {SECRET if 'traffic' in name else ''}"
                session.add(payment_for(resident.id, name, n, title, phones.clock()))


def payment_for(resident_id: Any, service: str, n: int, title: str, now: Any) -> Payment:
    return Payment(
        number=f"N{n}", resident_id=resident_id, service=service,
        title={"zh": title, "en": title}, amount=100, received=100, currency="CNY", state="paid",
        provider="stripe", site="http://hangzhou.localhost", language="en", back="/",
        created_at=now, expires_at=now, paid_at=now,
    )  # fmt: skip


@pytest.mark.parametrize("service", ["utility_bills", "traffic_tickets", "hospital_appointments"])
def test_a_desk_sees_the_payments_of_its_own_service(full: World, service: str) -> None:
    """The list, the payment, its receipt and its cancelling: another service's are not there."""
    desk = full.staff("desk", f"desk:{service}", city="hangzhou")
    browser = full.client("hangzhou.localhost")
    browser.post(link_of(desk.post(COUNTER, number=PHONE, reason="忘带手机")))
    with full.inside("hangzhou"):
        payments = {one.service: one.id for one in db.session.scalars(select(Payment))}
    assert set(payments) == set(full.app.product.services)
    shown = browser.get("/me/payments").text
    for name, key in payments.items():
        expected = 200 if name == service else 404
        assert (f"/me/payments/{key}" in shown) == (name == service), name
        assert browser.get(f"/me/payments/{key}").status_code == expected, name
        assert browser.get(f"/me/payments/{key}/receipt.pdf").status_code == expected, name
        cancel = browser.post(f"/me/payments/{key}/cancel", "/me/payments")
        assert cancel.status_code == (302 if name == service else 404), name


def test_whoever_holds_every_service_sees_every_payment(full: World) -> None:
    """An admin of the city at the counter, and the resident themselves."""
    admin = full.city_staff("hangzhou")
    browser = full.client("hangzhou.localhost")
    browser.post(link_of(admin.post(COUNTER, number=PHONE, reason="忘带手机")))
    for one in (browser, full.resident("hangzhou")):
        assert one.get("/me/payments").text.count('href="/me/payments/') == len(
            full.app.product.services
        )


def test_nothing_of_another_desk_is_reached_by_any_way(full: World) -> None:
    """Every page and every operation of a city, fetched at the counter of bills, with the keys of
    payments in them, while services are open and while they are paused: the car's plate is read
    nowhere, and what is another service's is refused."""
    _answer, browser = act(full)
    with full.inside("hangzhou"):
        key = db.session.scalars(
            select(Payment.id).where(Payment.service == "traffic_tickets")
        ).one()
    policies, walked = full.app.policies, 0
    full.app.config["API_LIMITS"] = {"client": 10**6, "resident": 10**6, "address": 10**6}
    for state in ("open", "paused"):
        if state == "paused":
            notice = {"zh": "升级", "en": "Upgrade"}
            change = {("services", "traffic_tickets"): {"state": "paused", "notice": notice}}
            documents = full.documents()
            documents.change("hangzhou", documents.live("hangzhou").number, "", change)
            full.app.registry.refresh()
        for rule in full.app.url_map.iter_rules():
            if rule.host != "city" or "GET" not in rule.methods or rule.rule == "/sign-out":
                continue
            path = path_of(full, rule, {"payment_id": str(key)})
            answer = browser.get(path)
            walked += 1
            assert SECRET not in answer.text.replace(shown(SECRET), SECRET), path
            assert answer.status_code < 500 or answer.status_code == 503, path
            policy = policies[rule.endpoint]
            another = policy.service not in (None, "utility_bills") and policy.who != "client"
            allowed = (403,) if state == "open" else (403, 503)
            allowed += (404,) if callable(policy.service) else ()  # no form of that name
            assert not another or answer.status_code in allowed, (path, answer.status_code)
    del full.app.config["API_LIMITS"]
    assert walked > 100
