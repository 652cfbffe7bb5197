"""Joining city credit, what it keeps, and leaving it."""

from __future__ import annotations

from tests.support.city_credit import OPEN, ROOT, CreditCity
from tests.support.documents import HANGZHOU
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
