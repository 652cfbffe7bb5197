"""A city's own back office: asked within limits, never in the way, told of everything once."""

from __future__ import annotations

import ipaddress
import socket
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from ruamel.yaml import YAML
from sqlalchemy import select

from smartcity_saas.audit import system
from smartcity_saas.configuration.validation import Candidate
from smartcity_saas.configuration.yaml_source import parse
from smartcity_saas.connectors import BackOfficeDown, BackOfficeRefused, http_client
from smartcity_saas.connectors.address_guard import ForbiddenAddress, connect, is_forbidden
from smartcity_saas.connectors.circuit_breaker import FAILURES, OPEN_SECONDS, CircuitBreakers
from smartcity_saas.credentials import store_credential
from smartcity_saas.database import db
from smartcity_saas.services.hospital_appointments.models import ClinicSession
from smartcity_saas.services.utility_bills.models import UtilityBill
from tests.support.back_office import TOKEN, BackOffice
from tests.support.clinic import ROW, Clinic
from tests.support.documents import HANGZHOU
from tests.support.linked_office import ACCOUNT, NUMBER, VEHICLE, linked
from tests.support.paths import ROOT
from tests.support.probes import probed
from tests.support.world import World


def reach(world: World, office: BackOffice) -> http_client.BackOffice:
    return http_client.BackOffice("test", office.base, TOKEN)


@pytest.mark.parametrize(
    "token, trouble, said",
    [
        (TOKEN, "", ("Works", "HTTP 200")),
        ("another", "", ("Does not work", "HTTP 401")),
        (TOKEN, "refuses", ("Does not work", "HTTP 403")),
        (TOKEN, "down", ("could not be tested", "HTTP 503")),
    ],
)
def test_a_probe_asks_the_back_office(
    world: World, office: BackOffice, token: str, trouble: str, said: tuple[str, str]
) -> None:
    """Its answer to the city's token stands on the page of secrets; that it is down says nothing
    of the token."""
    root = f"{office.base}/schedule"
    world.save(
        f"{HANGZHOU}services:\n  utility_bills:\n    "
        f"connector: {{kind: http, base_url: '{root}', token: {{credential: root}}}}\n"
    )
    with world.inside("hangzhou"):
        ring = world.app.product.keyring
        store_credential(ring, system("test"), "root", token, world.clock())
    office.trouble = trouble
    assert probed(world, "root") == said


def test_bills_come_from_the_back_office_and_payments_go_there(
    world: World, office: BackOffice
) -> None:
    """Linked, seen, paid, reported once; refunded, reported too."""
    stripe = world.open_payments()
    browser, account = linked(world)
    assert "43.50" in browser.get(account).text
    with world.inside("hangzhou"):
        bill = db.session.scalars(select(UtilityBill)).one()
    browser.post("/services/utility-bills/pay", "/me", bill=[str(bill.id)])
    stripe.pay()
    stripe.send_all()
    world.work()
    (told,) = office.told.values()
    assert (told["number"], told["period"], told["amount"]) == (NUMBER, "2026-10", 4350)
    world.clock.move(minutes=20)
    page = browser.get(account).text
    assert "nothing to pay" in page, "what was paid here stays paid before the supplier knows"


def test_the_last_good_data_is_shown_with_its_age(world: World, office: BackOffice) -> None:
    """Down: what was known, when, and the way to the counter; back: fresh again. What cannot be
    known at all says so."""
    browser, account = linked(world)
    office.trouble = "down"
    world.clock.move(minutes=20)
    page = browser.get(account)
    assert page.status_code == 200
    assert "is not responding at the moment" in page.text
    assert "43.50" in page.text
    refused = browser.post(
        "/services/utility-bills/link",
        kind="gas",
        number="20028017",
        holder="王某",
        nickname="我家",
    )
    assert refused.status_code == 503
    assert refused.headers["Retry-After"] == str(int(OPEN_SECONDS))
    assert "go to the counter" in refused.text
    office.trouble = ""
    http_client.breakers.forget()
    assert "is not responding at the moment" not in browser.get(account).text


@pytest.mark.parametrize("trouble", ["redirect", "junk", "large", "gzip", "slow", "down"])
def test_an_odd_answer_counts_as_none(world: World, office: BackOffice, trouble: str) -> None:
    """Redirects are not followed, junk not parsed, much not read, slowness not waited for."""
    office.trouble = trouble
    with world.inside("hangzhou"), pytest.raises(BackOfficeDown):
        reach(world, office).get(f"/accounts/water/{NUMBER}")


@pytest.mark.parametrize(
    "change",
    [
        {"holder": ""},
        {"holder": "a\0b"},
        {"bills": None},
        {"bills": [{**ACCOUNT["bills"][0], "amount": -1}]},  # type: ignore[index]
        {"bills": [ACCOUNT["bills"][0]] * 2},  # type: ignore[index]
        {"bills": [{**ACCOUNT["bills"][0], "due_on": "soon"}]},  # type: ignore[index]
    ],
)
def test_an_answer_beyond_the_contract_is_refused(
    world: World, office: BackOffice, change: dict[str, Any]
) -> None:
    """Nothing of it is stored, and the resident reads a sentence."""
    office.accounts["water", NUMBER] = {**ACCOUNT, **change}
    browser = world.resident()
    done = browser.post(
        "/services/utility-bills/link", kind="water", number=NUMBER, holder="王某", nickname="我家"
    )
    assert done.status_code == 503
    with world.inside("hangzhou"):
        assert db.session.scalars(select(UtilityBill)).all() == []


def test_a_refusal_is_an_answer(world: World, office: BackOffice) -> None:
    """404 and 401 are told from silence, and open no breaker."""
    with world.inside("hangzhou"):
        for _call in range(FAILURES + 2):
            with pytest.raises(BackOfficeRefused) as refused:
                reach(world, office).get("/accounts/water/0")
            assert refused.value.code == 404
        with pytest.raises(BackOfficeRefused):
            http_client.BackOffice("test", office.base, "wrong").get("/accounts/water/0")


def test_a_breaker_is_one_citys(world: World, office: BackOffice) -> None:
    """After five failures it is left alone; another city's calls go through."""
    office.trouble = "down"
    with world.inside("hangzhou"):
        for _call in range(FAILURES):
            with pytest.raises(BackOfficeDown):
                reach(world, office).get("/schedule")
        before = office.calls
        with pytest.raises(BackOfficeDown):
            reach(world, office).get("/schedule")
        assert office.calls == before
    office.trouble = ""
    with world.inside("ningbo"):
        assert reach(world, office).get("/schedule") == {"sessions": []}


def test_a_breaker_lets_one_try_again() -> None:
    """After its time one call may go; its success closes it, its failure opens it anew."""
    now = [0.0]
    breakers = CircuitBreakers(lambda: now[0])
    for _failure in range(FAILURES):
        assert breakers.admits("a")
        breakers.failed("a")
    assert not breakers.admits("a")
    assert breakers.admits("b")
    now[0] += OPEN_SECONDS
    assert breakers.admits("a")
    assert not breakers.admits("a"), "one at a time"
    breakers.failed("a")
    assert not breakers.admits("a")
    now[0] += OPEN_SECONDS
    assert breakers.admits("a")
    breakers.succeeded("a")
    assert breakers.admits("a")


FORBIDDEN = [
    "127.0.0.1",
    "10.1.2.3",
    "172.16.0.1",
    "192.168.1.1",
    "169.254.169.254",
    "100.64.0.1",
    "0.0.0.0",
    "224.0.0.1",
    "192.0.0.8",
    "192.88.99.1",
    "::1",
    "::ffff:10.0.0.1",
    "::ffff:0:127.0.0.1",
    "::127.0.0.1",
    "fe80::1",
    "fc00::1",
    "fec0::1",
    "64:ff9b::7f00:1",
    "64:ff9b:1::7f00:1",
    "2002:7f00:1::",
    "3fff::1",
    "5f00::1",
    "ff02::1",
]


@pytest.mark.parametrize("text", FORBIDDEN)
def test_addresses_that_are_not_public_are_forbidden(text: str) -> None:
    """Loopback, link-local, private, translated and mapped ones, unless the operator allows."""
    address = ipaddress.ip_address(text)
    assert is_forbidden(address, ())
    assert not is_forbidden(address, (ipaddress.ip_network(text),))


@pytest.mark.parametrize("text", ["93.184.215.14", "2606:2800:220:1::1"])
def test_public_addresses_are_allowed(text: str) -> None:
    """The open Internet."""
    assert not is_forbidden(ipaddress.ip_address(text), ())


def test_a_name_that_leads_inside_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where only one of its addresses does: such a name is not to be trusted."""

    def answers(*_arguments: Any, **_options: Any) -> list[Any]:
        return [(2, 1, 6, "", ("93.184.215.14", 80)), (2, 1, 6, "", ("10.0.0.1", 80))]

    monkeypatch.setattr(socket, "getaddrinfo", answers)
    with pytest.raises(ForbiddenAddress):
        connect("rebinding.example", 80, 1, ())


def test_nothing_goes_unencrypted_to_a_public_address(monkeypatch: pytest.MonkeyPatch) -> None:
    """A token over http:// stays in networks that the operator names."""

    def answers(*_arguments: Any, **_options: Any) -> list[Any]:
        return [(2, 1, 6, "", ("93.184.215.14", 80))]

    monkeypatch.setattr(socket, "getaddrinfo", answers)
    with pytest.raises(ForbiddenAddress):
        connect("public.example", 80, 1, (), plain=True)


def test_tickets_come_and_their_payment_goes_back(world: World, office: BackOffice) -> None:
    """Asked with the piece that the owner knows; paid, reported with the payment's key."""
    stripe = world.open_payments()
    browser = world.resident()
    page = "/services/traffic-tickets/vehicles"
    wrong = browser.post(page, plate="浙A12345", tail="B00017")
    assert wrong.status_code == 422
    assert browser.post(page, plate="浙a·12345", tail="a00017").status_code == 302
    found = browser.get("/api/v1/traffic-tickets").json
    (ticket,) = found["tickets"]
    assert (ticket["amount"], ticket["status"]) == (10_000, "open")
    browser.post("/services/traffic-tickets/pay", "/me", ticket=[ticket["id"]])
    stripe.pay()
    stripe.send_all()
    world.work()
    (told,) = office.told.values()
    assert (told["number"], told["status"]) == ("V-1", "paid")


@pytest.mark.parametrize("trouble", ["down", "junk", "refuses", "odd row", "no list"])
def test_what_is_held_of_a_schedule_is_shown(
    world: World, office: BackOffice, trouble: str
) -> None:
    """A hospital that does not answer, will not, or says what does not fit leaves the department's
    page standing, which says so each time it is opened: nothing is fresh that was not taken."""
    clinic = Clinic(world)
    clinic.bring()
    office.trouble = trouble
    if trouble == "odd row":
        office.sessions = [{"day": clinic.day(5), **ROW, "fee": 50}]
    if trouble == "no list":
        office.sessions = 3  # type: ignore[assignment]
    with world.inside("hangzhou"):
        department = db.session.scalars(select(ClinicSession)).one().department_id
    browser = world.resident()
    for _again in range(2):
        page = browser.get(f"/services/hospital-appointments/departments/{department}")
        assert page.status_code == 200, page.text
        assert "is not responding at the moment" in page.text


def test_schedules_come_and_bookings_go_back(world: World, office: BackOffice) -> None:
    """A department's schedule is fetched when someone looks; the hospital hears of each act."""
    clinic = Clinic(world)
    clinic.bring()
    office.sessions = [{"day": clinic.day(5), **ROW, "capacity": 2}]
    with world.inside("hangzhou"):
        session = db.session.scalars(select(ClinicSession)).one()
    browser = world.resident()
    page = browser.get(f"/services/hospital-appointments/departments/{session.department_id}")
    assert page.status_code == 200
    with world.inside("hangzhou"):
        assert len(db.session.scalars(select(ClinicSession)).all()) == 2
    made = clinic.book("a")
    clinic.cancel("a", made)
    world.work()
    assert [one["act"] for one in office.told.values()] == ["cancelled"], "no ghost is reported"
    clinic.book("b")
    world.work()
    booked = [one for one in office.told.values() if one["act"] == "booked"]
    assert (booked[0]["doctor"], booked[0]["patient"]["name"]) == ("d1", "b")


def test_reports_wait_until_the_office_is_back(world: World, office: BackOffice) -> None:
    """Down for an hour: told afterwards, once."""
    clinic = Clinic(world)
    clinic.bring()
    office.trouble = "down"
    clinic.book("a")
    for _minute in range(6):
        world.work()
        world.clock.move(minutes=10)
    assert office.told == {}
    office.trouble = ""
    http_client.breakers.forget()
    world.clock.move(hours=1)
    world.work()
    world.work()
    assert len(office.told) == 1


CONTRACTS = sorted((ROOT / "docs/connectors").glob("*.yaml"))


@pytest.mark.parametrize(
    "name, schema, value",
    [
        ("utility-bills", "Account", ACCOUNT),
        ("traffic-tickets", "Vehicle", VEHICLE),
        ("hospital-appointments", "Session", {**ROW, "day": "2026-11-26"}),
    ],
)
def test_the_reference_server_keeps_the_contract(name: str, schema: str, value: Any) -> None:
    """What the tests' back office says fits the OpenAPI files that cities build from."""
    document = YAML(typ="safe").load(Path(ROOT / f"docs/connectors/{name}.yaml"))
    whole = {"$ref": f"#/components/schemas/{schema}", "components": document["components"]}
    jsonschema.Draft202012Validator(whole).validate(value)


def test_an_address_with_a_secret_in_it_is_refused() -> None:
    """A document names where, never with which password."""
    from tests.support.validation import check

    for address in ("https://u:p@x.example", "ftp://x.example", "https://[v1.a]/", "x"):
        text = (
            f"{HANGZHOU}services:\n  utility_bills:\n    connector: "
            f"{{kind: http, base_url: '{address}', token: {{credential: t}}}}\n"
        )
        assert check(text), address
    assert Candidate(parse(HANGZHOU, "x")).name == "hangzhou"
