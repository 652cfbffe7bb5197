"""Certificates: what a partner learns, and what nobody learns."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest

from smartcity_saas.services.city_credit.certificates import forget_codes
from smartcity_saas.services.city_credit.models import CreditCertificate, CreditQuestion
from tests.support.api_client import Office
from tests.support.browser import Browser
from tests.support.city_credit import ROOT, CreditCity

ASK = "/city-credit/verifications"


def shown(credit: CreditCity, browser: Browser) -> str:
    """The code on a resident's screen, for the benefit of the city."""
    page = browser.post(f"{ROOT}/certificates", f"{ROOT}/mine", benefit="library_deposit")
    assert page.status_code == 200, page.text
    found = re.search(r"([0-9]{5}) ([0-9]{5})", page.text)
    assert found
    assert page.headers["Cache-Control"] == "no-store"
    return found[1] + found[2]


def good(credit: CreditCity) -> Browser:
    """A resident whose level opens the benefit."""
    browser = credit.member()
    for reference in ("one", "two"):
        credit.tell(reference)
    return browser


def ask(office: Office, code: str, benefit: str = "library_deposit", **options: object) -> object:
    """The whole of what a partner is told."""
    answer = office.call("POST", ASK, {"code": code, "benefit": benefit}, **options)
    assert answer.status_code == 200, answer.text
    return answer.json


def test_a_partner_learns_yes_or_no_and_nothing_else(credit: CreditCity) -> None:
    """Promise: the answer has one word; the resident sees who asked and what was said."""
    browser = good(credit)
    office = Office(credit.world, "hangzhou", "credit:verify")
    assert ask(office, shown(credit, browser)) == {"holds": True}
    page = browser.get(f"{ROOT}/mine").text
    assert "Who looked" in page
    assert "was told: holds" in page


def test_a_code_works_once(credit: CreditCity) -> None:
    """Promise: shown twice, or read over a shoulder, a code says no the second time."""
    code = shown(credit, good(credit))
    office = Office(credit.world, "hangzhou", "credit:verify")
    assert ask(office, code) == {"holds": True}
    assert ask(office, code) == {"holds": False}


@pytest.mark.parametrize(("minutes", "holds"), [(9, True), (10, False)])
def test_a_code_works_for_ten_minutes(credit: CreditCity, minutes: int, *, holds: bool) -> None:
    """Promise: after ten minutes a code says no."""
    code = shown(credit, good(credit))
    credit.world.clock.move(minutes=minutes)
    office = Office(credit.world, "hangzhou", "credit:verify")
    assert ask(office, code) == {"holds": holds}


def test_a_code_says_nothing_in_another_city_or_for_another_benefit(credit: CreditCity) -> None:
    """Promise: a code is for one benefit in one city; whatever else is asked is answered no."""
    browser = good(credit)
    code = shown(credit, browser)
    CreditCity(credit.world, "ningbo")
    abroad = Office(credit.world, "ningbo", "credit:verify")
    assert ask(abroad, code) == {"holds": False}
    office = Office(credit.world, "hangzhou", "credit:verify")
    assert ask(office, code, "bicycle_deposit") == {"holds": False}
    assert ask(office, "0000000000") == {"holds": False}


def test_every_question_about_a_code_stands_in_who_looked(credit: CreditCity) -> None:
    """Promise: also a question that comes again, too late or for another benefit is seen by the
    resident, with the partner, the benefit and the answer; a code that nobody had is nobody's."""
    browser = good(credit)
    office = Office(credit.world, "hangzhou", "credit:verify")
    code = shown(credit, browser)
    for _again in range(2):
        ask(office, code)
    late = shown(credit, browser)
    credit.world.clock.move(minutes=11)
    ask(office, late)
    ask(office, "0000000000")
    page = browser.get(f"{ROOT}/mine").text
    assert page.count("was told: holds") == 1
    assert page.count("was told: does not hold") == 2
    with credit.world.inside("hangzhou"):
        forget_codes(credit.world.clock() + timedelta(days=2))
    assert credit.rows(CreditCertificate) == 0
    assert browser.get(f"{ROOT}/mine").text.count("was told:") == 3
    assert "Who asked about city credit" in browser.get("/me/data").text
    browser.post(f"{ROOT}/leave")
    assert credit.rows(CreditQuestion) == 0


def test_only_its_own_scope_may_ask(credit: CreditCity) -> None:
    """Promise: an office with other scopes is refused, whatever code it has."""
    code = shown(credit, good(credit))
    office = Office(credit.world, "hangzhou", "bills:read")
    answer = office.call("POST", ASK, {"code": code, "benefit": "library_deposit"})
    assert answer.status_code == 403


def test_who_has_not_the_level_gets_no_code(credit: CreditCity) -> None:
    """Promise: no code is made where the benefit does not hold, and the page says so plainly."""
    browser = credit.member()
    refused = browser.post(f"{ROOT}/certificates", f"{ROOT}/leave", benefit="library_deposit")
    assert refused.status_code == 409
    assert "does not hold for you yet" in refused.text
    unknown = browser.post(f"{ROOT}/certificates", f"{ROOT}/leave", benefit="none")
    assert unknown.status_code == 404


def test_a_code_shown_before_leaving_says_no_after(credit: CreditCity) -> None:
    """Promise: whoever leaves takes every code along."""
    browser = good(credit)
    code = shown(credit, browser)
    browser.post(f"{ROOT}/leave")
    office = Office(credit.world, "hangzhou", "credit:verify")
    assert ask(office, code) == {"holds": False}


def test_a_code_that_is_opened_again_leads_to_the_own_page(credit: CreditCity) -> None:
    """Promise: going back to the page of a code, which is shown once, leads to where a new one is."""
    browser = credit.member()
    again = browser.get(f"{ROOT}/certificates")
    assert (again.status_code, again.headers["Location"]) == (302, f"{ROOT}/mine")
