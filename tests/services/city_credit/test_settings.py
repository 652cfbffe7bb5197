"""The rules of a city, as its document gives them."""

from __future__ import annotations

import re

import pytest

from tests.support.city_credit import OPEN
from tests.support.documents import HANGZHOU
from tests.support.validation import check, said

SOURCES = (
    "services: {{city_credit: {{settings: {{sources: [{}], levels: [{}], benefits: [{}]}}}}}}\n"
)
PAID = "{event: utility_bills.paid_in_time, adds: 10, cap: 30, expires: 12}"
START = "{level: start, name: {zh: 起步, en: Start}, at_least: 0}"
GOOD = "{level: good, name: {zh: 良好, en: Good}, at_least: 20}"
LATER = (
    "{benefit: later, kind: pay_after_treatment, days: 7, "
    'limit: "200.00", level: start, name: {zh: 一, en: One}}'
)


def refused(sources: str = PAID, levels: str = START, benefits: str = "") -> str:
    """What is said of a city with these rules."""
    return said(HANGZHOU + SOURCES.format(sources, levels, benefits))


def test_the_sample_rules_are_taken() -> None:
    """Promise: what the pages of these tests use is a document like any other."""
    assert said(HANGZHOU + OPEN) == ""


@pytest.mark.parametrize(
    ("rules", "message"),
    [
        ({"sources": PAID.replace("paid_in_time", "paid")}, "No installed service has this event"),
        ({"sources": f"{PAID}, {PAID}"}, "twice"),
        ({"sources": PAID.replace("adds: 10", "adds: 40")}, "more than the cap"),
        ({"sources": PAID.replace("adds: 10", "adds: -10")}, "“-10”"),
        ({"sources": PAID.replace("adds: 10", "adds: 0")}, "“0”"),
        ({"sources": PAID.replace("expires: 12", "expires: 0")}, "“0”"),
        ({"sources": PAID.replace(", expires: 12", "")}, "missing"),
        ({"sources": "{adds: 1, cap: 1, expires: 1}"}, "either an event or something imported"),
        ({"sources": "{imported: hours, adds: 1, cap: 1, expires: 1}"}, "what residents read"),
        ({"levels": ""}, "at least one level"),
        ({"levels": START.replace("0", "5")}, "begins at 0"),
        ({"levels": f"{START}, {GOOD}, {GOOD}"}, "twice"),
        ({"levels": f"{START}, {GOOD}, {GOOD.replace('good', 'g2')}"}, "low to high"),
        ({"levels": f"{START}, {GOOD.replace('20', '31')}"}, "Nobody can reach this"),
        ({"benefits": "{benefit: b1, level: gold, name: {zh: 一, en: One}}"}, "No such level"),
        ({"benefits": LATER.replace("days: 7, ", "")}, "needs days and limit"),
        ({"benefits": LATER.replace(', limit: "200.00"', "")}, "needs days and limit"),
        ({"benefits": LATER.replace("kind: pay_after_treatment, ", "")}, "Take it out"),
        ({"benefits": LATER.replace("after_treatment", "never")}, "pay_after_treatment"),
        ({"benefits": LATER.replace('"200.00"', "200.00")}, "quotes"),
        ({"benefits": LATER.replace("200.00", "1,200.00")}, "thousands separators"),
        ({"benefits": LATER.replace("200.00", "0.00")}, "above zero"),
        ({"benefits": LATER.replace("200.00", "200.005")}, "decimal places"),
        ({"benefits": LATER.replace("days: 7", "days: 0")}, "“0”"),
    ],
)
def test_rules_that_cannot_be_are_refused(rules: dict[str, str], message: str) -> None:
    """Promise: an event that is not installed, a weight that is impossible, a level without a way
    up: refused before it is stored, with its place."""
    found = refused(**rules)
    assert message in found
    assert re.match(r"document-0:10:[0-9]+: ", found)


@pytest.mark.parametrize("name", ["age", "sex", "home_place", "hukou", "country_of_origin"])
def test_no_rule_is_about_who_somebody_is(name: str) -> None:
    """Promise: attributes of people cannot be named."""
    source = f"{{imported: {name}, name: {{zh: 甲, en: A}}, adds: 1, cap: 1, expires: 1}}"
    assert "who somebody is" in refused(sources=f"{PAID}, {source}")


def test_a_fault_has_its_line_and_column() -> None:
    """Promise: the fault stands at the value that is wrong, in the file that says it."""
    text = HANGZHOU + OPEN.replace("cap: 30", "cap: 3")
    problem = check(text)[0]
    assert text.splitlines()[problem.line - 1][problem.column - 1 :].startswith("10, cap: 3")


def test_paying_after_treatment_is_taken() -> None:
    """Promise: days and a limit in the city's currency are all that the kind needs."""
    assert refused(benefits=LATER) == ""


def test_a_limit_is_in_the_citys_own_currency() -> None:
    """Promise: an amount that the currency does not have is refused where it stands, whoever names
    the currency."""
    text = HANGZHOU + "site: {currency: JPY}\n" + SOURCES.format(PAID, START, LATER)
    problem = check(text)[0]
    assert "not a whole number" in str(problem)
    assert text.splitlines()[problem.line - 1][problem.column - 1 :].startswith('"200.00"')
