"""One person, several ways in: by number, linking, unlinking, merging; levels of assurance."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select
from stdnum.iso7064 import mod_11_2

from smartcity_saas.audit import system
from smartcity_saas.credentials import CredentialError, store_credential
from smartcity_saas.credentials.personal_encryption import open_personal, seal_personal
from smartcity_saas.database import db
from smartcity_saas.errors import Throttled
from smartcity_saas.identity.residents import one_time_codes
from smartcity_saas.identity.residents.identity_numbers import (
    masked_number,
    read_number,
)
from smartcity_saas.identity.residents.models import (
    OneTimeCode,
    Resident,
    ResidentContact,
    ResidentIdentity,
)
from smartcity_saas.identity.residents.one_time_codes import (
    MOST_TO_NUMBER,
    MOST_TO_NUMBER_A_DAY,
    read_phone,
)
from smartcity_saas.identity.tokens import token_hash
from smartcity_saas.services.utility_bills.models import UtilityLink
from tests.support.back_office import TOKEN, BackOffice, open_office
from tests.support.bills import bring
from tests.support.browser import Browser
from tests.support.channels import AGENTS, Person
from tests.support.documents import HANGZHOU
from tests.support.residents import NUMBER, PHONE, by_phone, code_of
from tests.support.world import World


def test_a_number_brings_one_in(phones: World) -> None:
    """A code, used once; the number is a verified contact, and stands nowhere as it is."""
    browser = by_phone(phones)
    assert browser.get("/me").status_code == 200
    by_phone(phones)
    with phones.inside("hangzhou"):
        row = db.session.scalars(select(Resident)).one()
        contact = db.session.scalars(select(ResidentContact)).one()
        subject = db.session.scalars(select(ResidentIdentity.subject)).one()
        assert open_personal("sms", contact.sealed, phones.clock()) == PHONE
    assert row.assurance == "contact"
    assert contact.shown == "138****0001"
    assert PHONE not in subject


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
    assert (answer.status_code, "The code could not be sent" in answer.text) == (503, True)
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
    assert (answer.status_code, "Write a mobile number" in answer.text) == (422, True)


def test_numbers_as_people_write_them() -> None:
    """Spaces, hyphens and the country's code are forgiven; foreign ones keep theirs."""
    assert {read_phone(t) for t in ("13800000001", "138 0000 0001", "+86 138-0000-0001")} == {PHONE}
    assert read_phone("+1 (555) 010-0000") == "+15550100000"


def test_a_second_way_in(phones: World) -> None:
    """A sample resident links a number, comes in by it, and unlinks it; the last way stays."""
    browser = phones.resident("hangzhou")
    assert browser.post("/me/ways-in/demo/unlink", "/me/ways-in").status_code == 409
    page = browser.post("/me/ways-in/phone/verify", "/me/ways-in", phone=PHONE).text
    answer = browser.post(
        "/me/ways-in/phone/verify", "/me/ways-in", phone=PHONE, code=code_of(page)
    )
    assert answer.headers["Location"] == "/me/ways-in?linked=phone"
    other = by_phone(phones)
    assert "示例住户甲" in other.get("/me").text
    assert browser.post("/me/ways-in/phone/unlink", "/me/ways-in").status_code == 302
    assert other.get("/me").status_code == 302, "sessions of an unlinked way end"
    assert browser.get("/me").status_code == 200


def link_bill(browser: Browser) -> None:
    answer = browser.post(
        "/services/utility-bills/link",
        kind="water",
        number="4100280017",
        holder="王某",
        nickname="家",
    )
    assert answer.status_code == 302, answer.text


def ask_to_merge(browser: Browser) -> None:
    """Verify the number by which another account comes in: asked whether both are theirs."""
    page = browser.post("/me/ways-in/phone/verify", "/me/ways-in", phone=PHONE).text
    answer = browser.post(
        "/me/ways-in/phone/verify", "/me/ways-in", phone=PHONE, code=code_of(page)
    )
    assert answer.headers["Location"] == "/me/merge"


def test_two_accounts_become_one(phones: World) -> None:
    """Linking what leads to another account asks; merged, everything is here and the other closed."""
    mine = by_phone(phones)
    with phones.inside("hangzhou"):
        other_id = db.session.scalars(select(Resident.id)).one()
    browser = phones.resident("hangzhou")
    ask_to_merge(browser)
    assert "You have two accounts here" in browser.get("/me/merge").text
    assert browser.post("/me/merge", merge="1").status_code == 302
    assert mine.get("/me").status_code == 302
    with phones.inside("hangzhou"):
        other = db.session.scalars(select(Resident).where(Resident.id == other_id)).one()
        assert other.closed_at is not None
        assert db.session.scalars(select(ResidentContact.resident_id)).one() == other.merged_into
    assert "示例住户甲" in by_phone(phones).get("/me").text


@pytest.mark.parametrize("in_both", [False, True], ids=["in one", "in both"])
def test_merging_brings_along_what_a_service_keeps(phones: World, in_both: bool) -> None:
    """A utility account that the other had linked is here; linked in both, one link remains."""
    bring(phones)
    link_bill(by_phone(phones))
    browser = phones.resident("hangzhou")
    if in_both:
        link_bill(browser)
    ask_to_merge(browser)
    browser.post("/me/merge", merge="1")
    with phones.inside("hangzhou"):
        link = db.session.scalars(select(UtilityLink)).one()
        kept = db.session.scalars(select(Resident.id).where(Resident.closed_at.is_(None))).one()
    assert link.resident_id == kept
    account = browser.get("/services/utility-bills").headers["Location"]
    assert browser.get(account).status_code == 200


def test_merging_needs_both_and_a_yes(phones: World) -> None:
    """Without the question nothing merges; saying no leaves both; a question counts once."""
    by_phone(phones)
    browser = phones.resident("hangzhou")
    assert browser.post("/me/merge", "/me", merge="1").status_code == 404
    ask_to_merge(browser)
    browser.post("/me/merge", leave="1")
    assert browser.post("/me/merge", "/me", merge="1").status_code == 404
    with phones.inside("hangzhou"):
        assert (
            db.session.scalars(select(Resident).where(Resident.closed_at.is_not(None))).all() == []
        )


def test_linking_at_another_site(apps: World) -> None:
    """A channel of another site is linked by coming back from it, as whoever began."""
    browser = apps.resident("hangzhou")
    away = browser.post("/me/ways-in/weibo/link", "/me/ways-in").headers["Location"]
    person = Person(apps)
    person.browser = browser
    assert person.back(person.press(away)).headers["Location"] == "/me/ways-in?linked=weibo"
    again = Person(apps)
    again.sign_in("weibo")
    assert "示例住户甲" in again.browser.get("/me").text


def test_a_link_that_somebody_else_began(apps: World) -> None:
    """Begun as one resident and ended as another, in the same browser: refused."""
    browser = apps.resident("hangzhou")
    away = browser.post("/me/ways-in/weibo/link", "/me/ways-in").headers["Location"]
    person = Person(apps, agent=AGENTS["weibo"])
    person.browser = browser
    back = person.press(away)
    with browser.client.session_transaction(base_url="http://hangzhou.localhost") as cookie:
        mark = cookie["browser"]
    browser.post("/sign-out", "/me")
    browser.post("/sign-in/demo", "/sign-in", subject="parents")
    with browser.client.session_transaction(base_url="http://hangzhou.localhost") as cookie:
        cookie["browser"] = mark
    assert person.back(back).status_code == 400


def test_a_service_leads_through_the_step_it_needs(phones: World) -> None:
    """New business waits until the city is sure enough; then one is back where one was."""
    phones.save(
        HANGZHOU + "channels: {phone: {state: open}}\n"
        "services: {utility_bills: {assurance: real_name}}\n",
        based_on=2,
    )
    browser = phones.resident("hangzhou")
    answer = browser.get("/services/utility-bills/link?kind=water")
    where = answer.headers["Location"]
    assert where.startswith("/me/verify?next=/services/utility-bills/link")
    said = browser.get("/api/v1/session").json["csrf_token"]
    refused = browser.client.post(
        "/api/v1/utility-bills/payments",
        base_url="http://hangzhou.localhost",
        json={"bills": []},
        headers={"X-CSRFToken": said},
    )
    assert refused.status_code == 403
    fields: dict[str, Any] = {"real_name": "示例", "number": NUMBER, "next": "/me/payments"}
    assert browser.post("/me/verify", **fields).status_code == 422, "not without a yes"
    assert browser.post("/me/verify", agree="1", **fields).headers["Location"] == "/me/payments"
    assert browser.get("/services/utility-bills/link?kind=water").status_code == 200


def test_a_number_belongs_to_one_account(phones: World) -> None:
    """The second who types it is led to merging; another city does not know it."""
    fields = {"real_name": "示例", "number": NUMBER, "agree": "1"}
    assert phones.resident("hangzhou").post("/me/verify", **fields).status_code == 302
    answer = phones.resident("hangzhou", "parents").post("/me/verify", **fields)
    assert (answer.status_code, "Another account here has this number" in answer.text) == (
        409,
        True,
    )
    assert phones.resident("ningbo").post("/me/verify", **fields).status_code == 302


def test_what_is_sealed_opens_in_its_city_alone(world: World) -> None:
    """A sealed name moved to another city, or shown as something else, does not open."""
    with world.inside("hangzhou"):
        sealed = seal_personal("real_name", "示例", world.clock())
        with pytest.raises(CredentialError):
            open_personal("number", sealed, world.clock())
    with world.inside("ningbo"), pytest.raises(CredentialError):
        open_personal("real_name", sealed, world.clock())
    assert system("test")


@given(st.text("0123456789", min_size=3, max_size=3))
def test_the_check_digit_finds_every_single_slip(serial: str) -> None:
    """GB 11643: a number with a changed digit, or two neighbours swapped, is nobody's."""
    today = date(2026, 11, 22)
    digits = f"11010119900307{serial}"
    whole = digits + mod_11_2.calc_check_digit(digits)
    assert read_number(whole, today) == whole
    for place in range(17):
        for other in "0123456789":
            if other != whole[place]:
                assert read_number(whole[:place] + other + whole[place + 1 :], today) is None
        swapped = [*whole]
        swapped[place], swapped[place + 1] = swapped[place + 1], swapped[place]
        assert "".join(swapped) == whole or read_number("".join(swapped), today) is None


@pytest.mark.parametrize(
    "text, expected",
    [
        (NUMBER, NUMBER),
        (" 110101 19900307 0011 ", NUMBER),
        ("１１０１０１１９９００３０７００１１", NUMBER),
        ("11010119900307001X", None),
        ("110101199013070011", None),
        ("990101199003070011", None),
        ("1101019003070011", None),
        ("11010119900307001", None),
        ("", None),
    ],
)
def test_resident_numbers(text: str, expected: str | None) -> None:
    """The standard's own shape, a real day, a province, and the check digit."""
    assert read_number(text, date(2026, 11, 22)) == expected


def test_an_x_is_kept_large() -> None:
    """The check digit ten is an X, whichever way it is typed."""
    body = next(
        f"1101011990030{n:04d}"
        for n in range(1000)
        if mod_11_2.calc_check_digit(f"1101011990030{n:04d}") == "X"
    )
    assert read_number(f"{body}x", date(2026, 1, 1)) in (f"{body}X", None)
    assert masked_number(NUMBER) == "1****************1"


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
    assert "it is still good" in refused.text
    assert 'name="code"' in refused.text
    assert int(refused.headers["Retry-After"]) > 0
    code = re.search(r"Code (\d{6})", text)
    assert code is not None
    empty = browser.post("/sign-in/phone", "/sign-in", phone=PHONE, code=" ")
    assert "Write the six digits" in empty.text, "asked for, and no try used"
    wrong = browser.post("/sign-in/phone", "/sign-in", phone=PHONE, code="000000")
    assert "4 tries are left" in wrong.text
    assert 'name="code"' in browser.get("/sign-in/phone?next=/me").text
    assert 'name="code"' not in browser.get("/sign-in/phone?another=1").text
    answer = browser.post("/sign-in/phone", "/sign-in", phone=PHONE, code=code[1])
    assert answer.status_code == 302
