"""One-time codes: sent, typed once, not to be guessed, and no way to flood a telephone."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from sqlalchemy import select

from smartcity_saas.audit import system
from smartcity_saas.credentials import store_credential
from smartcity_saas.database import db
from smartcity_saas.errors import FieldErrors, Throttled
from smartcity_saas.identity.residents import one_time_codes
from smartcity_saas.identity.residents.models import OneTimeCode
from smartcity_saas.identity.residents.one_time_codes import (
    MOST_TO_NUMBER,
    MOST_TO_NUMBER_A_DAY,
    MOST_TRIES_FROM_ADDRESS,
    read_phone,
    send_code,
    use_code,
)
from smartcity_saas.identity.tokens import token_hash
from tests.support.back_office import TOKEN, BackOffice, open_office
from tests.support.documents import HANGZHOU
from tests.support.residents import PHONE, by_phone, code_of
from tests.support.world import World


def test_codes_cannot_be_guessed_day_after_hour(phones: World) -> None:
    """However many browsers and codes: within a day so many tries, and no more texts to one
    telephone than a day can bear."""
    city, tries = phones.city("hangzhou"), 0
    with pytest.raises(Throttled), phones.inside("hangzhou"):
        for round_ in range(60):
            now = phones.clock()
            _number, code = send_code(city, "p", PHONE, f"b{round_}", "192.0.2.1", "en", now)
            for _try in range(5):
                wrong = "000000" if code != "000000" else "111111"
                with pytest.raises(FieldErrors):
                    use_code("p", wrong, f"b{round_}", "192.0.2.1", now)
                tries += 1
            phones.clock.move(minutes=6)
    assert tries <= MOST_TRIES_FROM_ADDRESS


def test_one_network_does_not_shut_a_city(phones: World) -> None:
    """A /64 counts as one: its hundredth address is refused, somebody else's first is not."""
    with phones.inside("hangzhou"):
        city, now = phones.city("hangzhou"), phones.clock()
        with pytest.raises(Throttled):
            for number in range(100):
                address = f"2001:db8:0:1::{number:x}"
                send_code(city, "p", f"139{number:08d}", "b", address, "en", now)
        assert send_code(city, "p", PHONE, "b2", "203.0.113.9", "en", now)


def test_a_wrong_code_and_one_that_is_used(phones: World) -> None:
    """Five tries, then the code is dead; a right one is good once."""
    browser = phones.client("hangzhou.localhost")
    code = code_of(browser.post("/sign-in/phone", "/sign-in", phone=PHONE).text)
    wrong = "000000" if code != "000000" else "111111"
    for _try in range(5):
        assert (
            browser.post("/sign-in/phone", "/sign-in", phone=PHONE, code=wrong).status_code == 422
        )
    assert browser.post("/sign-in/phone", "/sign-in", phone=PHONE, code=code).status_code == 422
    assert browser.get("/me").status_code == 302


def test_a_right_code_is_good_once(phones: World) -> None:
    """Typed again after signing out, in the same browser, it is refused."""
    browser = phones.client("hangzhou.localhost")
    code = code_of(browser.post("/sign-in/phone", "/sign-in", phone=PHONE).text)
    with browser.client.session_transaction(base_url="http://hangzhou.localhost") as cookie:
        mark = cookie["browser"]
    typed = {"phone": PHONE, "code": code}
    assert browser.post("/sign-in/phone", "/sign-in", **typed).status_code == 302
    browser.post("/sign-out", "/me/consent")
    with browser.client.session_transaction(base_url="http://hangzhou.localhost") as cookie:
        cookie["browser"] = mark
    assert browser.post("/sign-in/phone", "/sign-in", **typed).status_code == 422
    assert browser.get("/me").status_code == 302


def test_a_code_is_stored_hashed(phones: World) -> None:
    """Whoever reads the table learns neither the code nor the number."""
    browser = phones.client("hangzhou.localhost")
    code = code_of(browser.post("/sign-in/phone", "/sign-in", phone=PHONE).text)
    with phones.inside("hangzhou"):
        row = db.session.scalars(select(OneTimeCode)).one()
        kept = [str(getattr(row, column.key)) for column in OneTimeCode.__table__.columns]
    assert [text for text in kept if code in text or PHONE in text] == []
    assert row.code_hash != token_hash(code), "a million plain hashes are soon tried"


@pytest.fixture
def gateway(phones: World) -> Iterator[BackOffice]:
    """Hangzhou's gateway of SMS, on loopback."""
    with open_office(BackOffice()) as found:
        phones.save(
            f"{HANGZHOU}channels: {{phone: {{state: open}}}}\nmessages:\n  sms: "
            f"{{provider: http, url: '{found.base}/payments', token: {{credential: sms_token}}}}\n"
        )
        with phones.inside("hangzhou"):
            ring = phones.app.product.keyring
            store_credential(ring, system("test"), "sms_token", TOKEN, phones.clock())
        yield found


def test_a_code_arrives_by_the_gateway(phones: World, gateway: BackOffice) -> None:
    """The city's own gateway gets one text to the number; the code in it signs in."""
    browser = phones.client("hangzhou.localhost")
    assert browser.post("/sign-in/phone", "/sign-in", phone=PHONE).status_code == 200
    (told,) = gateway.told.values()
    assert told["to"] == PHONE
    code = re.search(r"^【杭州市】Code (\d{6})\.", told["text"])
    assert code, told
    answer = browser.post("/sign-in/phone", "/sign-in", phone=PHONE, code=code[1])
    assert answer.status_code == 302


def test_a_code_that_was_taken_is_sent_whatever_the_gateway_says(
    phones: World, gateway: BackOffice
) -> None:
    """Promise: a 2xx is a delivery, whatever its body: nobody is told that nothing came."""
    gateway.trouble = "junk"
    browser = phones.client("hangzhou.localhost")
    answer = browser.post("/sign-in/phone", "/sign-in", phone=PHONE)
    assert (answer.status_code, 'name="code"' in answer.text) == (200, True)


@pytest.mark.parametrize("trouble", ["down", "refuses"])
def test_a_code_that_could_not_be_sent_is_said(
    phones: World, gateway: BackOffice, trouble: str
) -> None:
    """The gateway does not take it: the person is told so, and does not wait for a text."""
    gateway.trouble = trouble
    browser = phones.client("hangzhou.localhost")
    answer = browser.post("/sign-in/phone", "/sign-in", phone=PHONE)
    assert (answer.status_code, "We could not send the code" in answer.text) == (503, True)
    assert gateway.told == {}


def test_a_code_is_good_in_its_browser_for_a_while(phones: World) -> None:
    """Told to somebody on the telephone it opens nothing elsewhere; and it grows old."""
    browser, other = phones.client("hangzhou.localhost"), phones.client("hangzhou.localhost")
    code = code_of(browser.post("/sign-in/phone", "/sign-in", phone=PHONE).text)
    other.post("/sign-in/phone", "/sign-in", phone="13800000002")
    assert other.post("/sign-in/phone", "/sign-in", phone=PHONE, code=code).status_code == 422
    phones.clock.move(minutes=11)
    assert browser.post("/sign-in/phone", "/sign-in", phone=PHONE, code=code).status_code == 422


def test_codes_are_throttled_by_number(phones: World) -> None:
    """However many browsers ask: nobody's telephone is flooded, and other numbers go on."""
    for _time in range(MOST_TO_NUMBER):
        phones.client("hangzhou.localhost").post("/sign-in/phone", "/sign-in", phone=PHONE)
    answer = phones.client("hangzhou.localhost").post("/sign-in/phone", "/sign-in", phone=PHONE)
    assert answer.status_code == 429
    assert (
        phones.client("ningbo.localhost")
        .post("/sign-in/phone", "/sign-in", phone=PHONE)
        .status_code
        == 200
    )


def test_strangers_use_up_nobodys_codes(phones: World) -> None:
    """A day's codes asked for by others: whoever has come in by the number goes on in their own
    browser, and a new one waits."""
    mine = by_phone(phones)
    mine.post("/sign-out", "/me")
    for _time in range(MOST_TO_NUMBER_A_DAY):
        stranger = phones.client("hangzhou.localhost")
        stranger.post("/sign-in/phone", "/sign-in", phone=PHONE)
        phones.clock.move(minutes=3)
    stranger = phones.client("hangzhou.localhost")
    assert stranger.post("/sign-in/phone", "/sign-in", phone=PHONE).status_code == 429
    code = code_of(mine.post("/sign-in/phone", "/sign-in", phone=PHONE).text)
    assert mine.post("/sign-in/phone", "/sign-in", phone=PHONE, code=code).status_code == 302


def test_codes_are_throttled_by_city(phones: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A city's bill for SMS has a limit, whichever numbers are typed; another city goes on."""
    monkeypatch.setattr(one_time_codes, "MOST_OF_CITY", 2)
    numbers = ("13800000001", "13800000002", "13800000003")

    def ask(city: str) -> list[int]:
        browser = phones.client(f"{city}.localhost")
        return [
            browser.post("/sign-in/phone", "/sign-in", phone=number).status_code
            for number in numbers
        ]

    assert ask("hangzhou") == [200, 200, 429]
    assert ask("ningbo") == [200, 200, 429]


def test_marks_cannot_be_collected_to_flood_a_number(phones: World) -> None:
    """Every browser that is known by a number has a share of its own, and all of them together have
    one as well: whoever collects marks sends no more texts than a day can bear."""
    with phones.inside("hangzhou"):
        city, sent = phones.city("hangzhou"), 0
        with pytest.raises(Throttled):
            for number in range(100):
                one_time_codes.send_code(
                    city,
                    "p",
                    PHONE,
                    f"b{number}",
                    f"198.51.100.{number}",
                    "en",
                    phones.clock(),
                    lambda mark, number=number: f"device {number}",
                )
                sent += 1
    assert sent == one_time_codes.MOST_TO_NUMBER_KNOWN_A_DAY


@pytest.mark.parametrize(
    "typed", ["138", "2380000000a", "+8613800000001x", "", "１３８００００" * 2]
)
def test_what_is_no_number(phones: World, typed: str) -> None:
    """Told at the field, with what was typed kept."""
    answer = phones.client("hangzhou.localhost").post("/sign-in/phone", "/sign-in", phone=typed)
    assert (answer.status_code, "Enter a mobile number" in answer.text) == (422, True)


def test_numbers_as_people_write_them() -> None:
    """Spaces, hyphens and the country's code are forgiven; foreign ones keep theirs."""
    assert {read_phone(t) for t in ("13800000001", "138 0000 0001", "+86 138-0000-0001")} == {PHONE}
    assert read_phone("+1 (555) 010-0000") == "+15550100000"


def test_a_code_that_was_sent_stays_until_it_is_used(phones: World, gateway: BackOffice) -> None:
    """Promise: too many "send again", a gateway that fails, a wrong code, a page loaded anew: the
    field for the code that was sent stays, says what is left, and the code still signs in."""
    browser = phones.client("hangzhou.localhost")
    browser.post("/sign-in/phone", "/sign-in", phone=PHONE)
    browser.post("/sign-in/phone", "/sign-in", phone=PHONE)
    text = list(gateway.told.values())[-1]["text"]
    gateway.trouble = "down"
    failed = browser.post("/sign-in/phone", "/sign-in", phone=PHONE)
    assert failed.status_code == 503
    assert 'name="code"' in failed.text
    gateway.trouble = ""
    refused = browser.post("/sign-in/phone", "/sign-in", phone=PHONE)
    assert refused.status_code == 429
    assert "it is still valid" in refused.text
    assert 'name="code"' in refused.text
    assert int(refused.headers["Retry-After"]) > 0
    code = re.search(r"Code (\d{6})", text)
    assert code is not None
    empty = browser.post("/sign-in/phone", "/sign-in", phone=PHONE, code=" ")
    assert "Enter the 6 digits" in empty.text, "asked for, and no try used"
    wrong = browser.post("/sign-in/phone", "/sign-in", phone=PHONE, code="000000")
    assert "You can try 4 more times" in wrong.text
    assert 'name="code"' in browser.get("/sign-in/phone?next=/me").text
    assert 'name="code"' not in browser.get("/sign-in/phone?another=1").text
    answer = browser.post("/sign-in/phone", "/sign-in", phone=PHONE, code=code[1])
    assert answer.status_code == 302
