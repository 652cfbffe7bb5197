"""Residents who come in by their number."""

from __future__ import annotations

import re

from tests.support.browser import Browser
from tests.support.world import World

NUMBER = "110101199003070011"
PHONE = "13800000001"


def code_of(page: str) -> str:
    found = re.search(r"The code is (\d{6})", page)
    assert found, page
    return found[1]


def by_phone(world: World, number: str = PHONE, city: str = "hangzhou") -> Browser:
    browser = world.client(f"{city}.localhost")
    page = browser.post("/sign-in/phone", "/sign-in", phone=number).text
    answer = browser.post("/sign-in/phone", "/sign-in", phone=number, code=code_of(page))
    assert answer.status_code == 302, answer.text
    browser.post("/me/consent", next="/me")
    return browser
