"""Consent: each source by itself, and asked again when the rules or the text change."""

from __future__ import annotations

from datetime import timedelta

import pytest

from smartcity_saas.services.city_credit import consent, membership
from tests.support.browser import Browser
from tests.support.city_credit import ATTENDED, HOURS, OPEN, PAID, ROOT, CreditCity
from tests.support.documents import HANGZHOU

CHOICE = f"{ROOT}/sources"
FOURTH = "        - {event: traffic_tickets.settled_in_time, adds: 5, cap: 10, expires: 24}\n"
MORE = OPEN.replace("      levels:\n", f"{FOURTH}      levels:\n")
TICKETS = "traffic_tickets.settled_in_time"


def choose(browser: Browser, *sources: str, confirmed: bool = True) -> int:
    """Tick some sources and save; the status of the answer."""
    more = {"confirmed": "1"} if confirmed else {}
    return browser.post(CHOICE, source=[*sources], **more).status_code


def change(credit: CreditCity, rules: str) -> None:
    """Make other rules the city's."""
    credit.world.save(HANGZHOU + rules)


def test_joining_needs_a_source(credit: CreditCity) -> None:
    """Promise: nothing is ticked beforehand; without a tick nobody joins, and what was ticked is
    kept where the agreement is missing."""
    browser = credit.world.resident()
    page = browser.get(ROOT).text
    assert page.count('name="source"') == 3
    assert "checked" not in page
    refused = browser.post(f"{ROOT}/join", ROOT, agree="1")
    assert refused.status_code == 422
    assert "Choose at least one source" in refused.text
    half = browser.post(f"{ROOT}/join", ROOT, source=PAID)
    assert half.status_code == 422
    assert f'value="{PAID}" checked' in half.text


def test_only_what_was_ticked_is_kept(credit: CreditCity) -> None:
    """Promise: an event of a source that the member left out leaves no entry."""
    browser = credit.world.resident()
    credit.join(browser, ATTENDED)
    credit.tell("bill")
    assert credit.rows() == 0


def test_turning_a_source_off_says_what_goes_and_erases_it(credit: CreditCity) -> None:
    """Promise: before pressing a member reads how many entries go and what becomes of the level;
    then they are gone, and nothing new is kept; on again, it counts from that day."""
    browser = credit.member()
    for reference in ("one", "two"):
        credit.tell(reference)
    told = browser.post(CHOICE, source=[ATTENDED, HOURS])
    assert "2 entries are erased at once" in told.text
    assert "from “Good” to “Starting”" in told.text
    assert credit.rows() == 2, "nothing is erased by looking"
    assert choose(browser, ATTENDED, HOURS) == 303
    assert credit.rows() == 0
    credit.tell("while off")
    assert credit.rows() == 0
    credit.world.clock.move(days=3)
    assert choose(browser, PAID, ATTENDED, HOURS) == 303
    credit.tell("earlier", day=credit.today() - timedelta(days=1))
    assert credit.rows() == 0
    credit.tell("from that day on")
    assert credit.rows() == 1


def test_an_appeal_goes_with_its_source(credit: CreditCity) -> None:
    """Promise: an appeal against an entry of a source that is turned off is erased with it."""
    browser = credit.member()
    credit.tell("late", fulfilled=False)
    credit.appeal(browser)
    assert choose(browser, ATTENDED, HOURS) == 303
    assert (
        "No appeals are waiting"
        in credit.world.city_staff("hangzhou").get("/cities/hangzhou/city-credit").text
    )


def test_a_new_source_is_asked_for_once(credit: CreditCity) -> None:
    """Promise: after a new source came into the rules nothing of it is kept until the member agrees;
    the page asks once, whatever is answered, and the others go on."""
    browser = credit.member()
    change(credit, MORE)
    page = browser.get(f"{ROOT}/mine").text
    assert "The rules have changed: version 2" in page
    assert "Nothing of it counts until you agree" in page
    credit.tell("ticket", kind=TICKETS)
    assert credit.rows() == 0
    credit.tell("bill")
    assert credit.rows() == 1, "what was agreed to goes on"
    assert browser.post(f"{CHOICE}/unchanged", f"{ROOT}/mine").status_code == 303
    assert "The rules have changed" not in browser.get(f"{ROOT}/mine").text
    credit.tell("ticket", kind=TICKETS)
    assert credit.rows() == 1
    assert choose(browser, PAID, ATTENDED, HOURS, TICKETS) == 303
    credit.tell("ticket", kind=TICKETS)
    assert credit.rows() == 2
    assert "version 2" in browser.get(f"{ROOT}/mine").text


def test_a_source_that_became_something_else_takes_nothing_new(credit: CreditCity) -> None:
    """Promise: renamed, or kept for longer, a source is another one: what is there counts on, and
    nothing new is taken before the member agrees to it."""
    browser = credit.member()
    credit.tell("bill")
    change(credit, OPEN.replace("adds: 10, cap: 30, expires: 12", "adds: 10, cap: 30, expires: 24"))
    credit.tell("new")
    assert credit.rows() == 1
    assert "10 + 0 + 0 = 10" in browser.get(f"{ROOT}/entries").text
    page = browser.get(CHOICE).text
    assert "an entry is now kept for 24 months" in page
    assert choose(browser, PAID, ATTENDED, HOURS) == 303
    credit.tell("new")
    assert credit.rows() == 2


def test_another_weight_is_told_and_stops_nothing(credit: CreditCity) -> None:
    """Promise: what a source adds is the city's to change: members are told, and what they agreed
    to goes on."""
    browser = credit.member()
    change(credit, OPEN.replace("adds: 10, cap: 30", "adds: 15, cap: 30"))
    assert "what it adds has changed" in browser.get(f"{ROOT}/mine").text
    credit.tell("bill")
    assert credit.rows() == 1


def test_a_change_elsewhere_asks_nobody(credit: CreditCity) -> None:
    """Promise: another revision of the city's document that leaves these rules alone asks nothing."""
    browser = credit.member()
    credit.world.save(HANGZHOU.replace("杭州市", "杭州", 1) + OPEN)
    assert "The rules have changed" not in browser.get(f"{ROOT}/mine").text


def test_another_text_asks_for_everything(
    credit: CreditCity, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Promise: when the text of the consent changes nothing new is taken until the member agrees,
    and what they have stays."""
    browser = credit.member()
    credit.tell("bill")
    for module in (consent, membership):
        monkeypatch.setattr(module, "CONSENT_VERSION", "another")
    assert "The text of the consent has changed" in browser.get(f"{ROOT}/mine").text
    credit.tell("new")
    assert credit.rows() == 1
    assert choose(browser, PAID, ATTENDED, HOURS) == 303
    credit.tell("new")
    assert credit.rows() == 2


def test_nobody_chooses_for_who_does_not_take_part(credit: CreditCity) -> None:
    """Promise: the pages of a choice lead whoever has not joined to where one joins."""
    browser = credit.world.resident()
    assert browser.get(CHOICE).headers["Location"] == ROOT
    assert browser.post(f"{CHOICE}/unchanged", ROOT).status_code == 303
    assert browser.post(CHOICE, ROOT, source=PAID).status_code == 303
    credit.tell("bill")
    assert credit.rows() == 0


def test_saving_nothing_says_that_nothing_counts(credit: CreditCity) -> None:
    """Promise: with no source ticked the page says so, with the way back."""
    browser = credit.member()
    saved = browser.post(f"{ROOT}/sources")
    assert saved.status_code == 303
    shown = browser.get(saved.headers["Location"]).text
    assert "Saved. Nothing counts now." in shown
    assert "Back to city credit" in shown
