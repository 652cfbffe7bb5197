"""Joining city credit, what it keeps, and leaving it."""

from __future__ import annotations

from smartcity_saas.identity.personal_data.records import erase
from smartcity_saas.services.city_credit.membership import join, membership_of
from tests.support.city_credit import OPEN, ROOT, SOURCES, CreditCity
from tests.support.clinic import Clinic
from tests.support.documents import HANGZHOU
from tests.support.residents import PHONE, by_phone
from tests.support.world import World


def test_the_page_says_what_it_is_in_both_languages(credit: CreditCity) -> None:
    """Promise: anybody reads what counts, what it opens and that nobody loses by staying out."""
    chinese = credit.world.client("hangzhou.localhost", "zh").get(ROOT).text
    assert "按时缴水电燃气费" in chinese
    assert "免押金借书" in chinese
    english = credit.world.client("hangzhou.localhost", "en").get(ROOT).text
    assert "Utility bills paid on time" in english
    assert "Nobody has to join" in english


def test_nobody_joins_without_ticking_the_box(credit: CreditCity) -> None:
    """Promise: consent is an act of its own; pressed without it, nothing is kept."""
    browser = credit.world.resident()
    refused = browser.post(f"{ROOT}/join", ROOT)
    assert refused.status_code == 422
    assert browser.get(f"{ROOT}/mine").headers["Location"] == ROOT


def test_nothing_is_kept_of_whoever_never_joined(credit: CreditCity) -> None:
    """Promise: an event of a resident who does not take part leaves no entry."""
    credit.tell("never joined")
    assert credit.rows() == 0


def test_leaving_erases_entries_and_appeals_at_once(credit: CreditCity) -> None:
    """Promise: whoever leaves takes their entries along; who joins again starts anew."""
    browser = credit.member()
    credit.tell("late", fulfilled=False)
    credit.appeal(browser)
    assert credit.rows() == 1
    assert browser.get(f"{ROOT}/leave").status_code == 200
    assert browser.post(f"{ROOT}/leave").status_code == 303
    assert credit.rows() == 0
    assert "Your entries are erased" in browser.get(f"{ROOT}/left").text
    credit.join(browser)
    assert "Starting" in browser.get(f"{ROOT}/mine").text


def test_a_pause_leaves_a_member_everything_they_have(credit: CreditCity) -> None:
    """Promise: while the service is paused nobody joins; entries are seen, and one can leave."""
    browser = credit.member()
    credit.tell("bill")
    notice = "state: paused\n    notice: {zh: 维护中, en: Under maintenance}"
    credit.world.save(HANGZHOU + OPEN.replace("state: open", notice, 1), based_on=None)
    assert browser.get(f"{ROOT}/mine").status_code == 200
    assert browser.get(f"{ROOT}/entries").status_code == 200
    assert credit.world.resident(subject="parents").get(ROOT).status_code == 503
    assert browser.post(f"{ROOT}/leave").status_code == 303


def test_another_city_knows_nothing(world: World) -> None:
    """Promise: an entry counts in its own city alone, for the same person too."""
    credit = CreditCity(world)
    credit.member()
    credit.tell("bill")
    other = CreditCity(world, "ningbo")
    other.member()
    assert other.rows() == 0
    assert credit.rows() == 1


def test_a_deleted_account_takes_part_no_longer(credit: CreditCity) -> None:
    """Promise: whoever deletes their account collects nothing afterwards."""
    resident, _patient = Clinic(credit.world).person("a")
    now = credit.world.clock()
    with credit.world.inside("hangzhou"):
        join(resident, SOURCES, now)
        assert membership_of(resident.id) is not None
        erase(resident, now)
        assert membership_of(resident.id) is None
    credit.tell("after")
    assert credit.rows() == 0


def test_nobody_joins_or_looks_for_somebody_else(phones: World) -> None:
    """Promise: the counter neither consents for a resident, nor sees their level, nor leaves."""
    phones.save(HANGZHOU + "channels: {phone: {state: open}}\n" + OPEN)
    resident = by_phone(phones)
    assert resident.post(f"{ROOT}/join", ROOT, agree="1", source=[*SOURCES]).status_code == 303
    desk = phones.staff("desk", "desk:city_credit", city="hangzhou")
    answer = desk.post("/cities/hangzhou/counter", number=PHONE, reason="忘带手机")
    path = answer.text.partition('href="http://hangzhou.localhost')[2].partition('"')[0]
    browser = phones.client("hangzhou.localhost")
    browser.get(path)
    assert browser.post(path).status_code == 302
    for page in ("mine", "entries", "leave"):
        assert browser.get(f"{ROOT}/{page}").status_code == 403
    assert resident.get(f"{ROOT}/mine").status_code == 200


def test_the_answer_to_an_appeal_leaves_with_it(credit: CreditCity) -> None:
    """Promise: nothing of an appeal is left, the message that told of it included."""
    browser = credit.member()
    credit.tell("late", fulfilled=False)
    credit.appeal(browser)
    staff = credit.world.city_staff("hangzhou")
    page = f"/cities/hangzhou/city-credit/appeals/{credit.one_appeal().id}"
    staff.post(page, decision="rejected", answer="The bank has it a day later.")
    assert "not upheld" in browser.get("/me/messages").text
    browser.post(f"{ROOT}/leave")
    assert "not upheld" not in browser.get("/me/messages").text
