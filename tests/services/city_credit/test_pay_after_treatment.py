"""Leave to pay after treatment: what a level opens in other services, by terms alone."""

from __future__ import annotations

import pytest

from smartcity_saas.catalog.benefits import PayAfterTreatment, pay_after_treatment
from tests.support.city_credit import DOCUMENTS, OPEN, ROOT, CreditCity
from tests.support.documents import HANGZHOU
from tests.support.world import World

LATER = """        - {benefit: later, kind: pay_after_treatment, days: 7, limit: "200.00", level: good,
           name: {zh: 先诊后付, en: Pay after treatment}}
        - {benefit: much_later, kind: pay_after_treatment, days: 3, limit: "900.00", level: good,
           name: {zh: 先诊后付二, en: Pay after treatment too}}
        - {benefit: latest, kind: pay_after_treatment, days: 30, limit: "1000.00", level: excellent,
           name: {zh: 先诊后付三, en: Pay after treatment three}}
"""


@pytest.fixture
def later(credit: CreditCity) -> CreditCity:
    """Hangzhou with leave to pay after treatment from the second level."""
    credit.world.save(HANGZHOU + OPEN + LATER)
    return credit


def terms(credit: CreditCity) -> PayAfterTreatment | None:
    """What the city's first resident is given."""
    with credit.world.inside(credit.slug):
        return pay_after_treatment(credit.resident_id(), credit.world.clock())


def reach_the_second_level(credit: CreditCity) -> None:
    """What the first resident did for it."""
    for name in "ab":
        credit.tell(name)


def test_terms_hold_from_their_level_until_one_leaves(later: CreditCity) -> None:
    """Promise: nobody has a benefit before joining, below its level, or after leaving; at its level
    the best of all terms hold."""
    browser = later.world.resident()
    assert terms(later) is None
    later.join(browser)
    assert terms(later) is None
    reach_the_second_level(later)
    assert terms(later) == PayAfterTreatment(7, 90_000, "CNY")
    browser.post(f"{ROOT}/leave")
    assert terms(later) is None


def test_a_city_without_city_credit_gives_none(later: CreditCity) -> None:
    """Promise: closed, the service gives nothing, whatever entries there are."""
    later.member()
    reach_the_second_level(later)
    closed = (OPEN + LATER).replace("state: open", "state: closed")
    later.world.save(HANGZHOU + closed)
    assert terms(later) is None


def test_terms_stay_in_their_city(later: CreditCity) -> None:
    """Promise: what a resident has in one city says nothing in another."""
    later.member()
    reach_the_second_level(later)
    later.world.save(DOCUMENTS["ningbo"] + OPEN + LATER)
    other = CreditCity.__new__(CreditCity)
    other.world, other.slug = later.world, "ningbo"
    other.member()
    assert terms(later) is not None
    assert terms(other) is None


def test_the_page_says_the_terms_and_offers_no_code(later: CreditCity, world: World) -> None:
    """Promise: leave to pay after treatment is used where one books; no partner can ask for it."""
    browser = later.member()
    reach_the_second_level(later)
    page = browser.get(f"{ROOT}/mine").text
    assert "Pay within 7 days after the visit; up to ¥200.00" in page
    assert page.count('value="library_deposit"') == 1
    assert 'value="later"' not in page
    assert browser.post(f"{ROOT}/certificates", f"{ROOT}/mine", benefit="later").status_code == 404
