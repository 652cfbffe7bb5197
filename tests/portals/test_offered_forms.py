"""Pages of the console offer no press that would be refused."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urljoin

import pytest
from lxml import html

from smartcity_saas.identity.staff.roles import split
from tests.support.browser import Browser
from tests.support.world import World

ROLES = ("catalog_editor", "desk:utility_bills", "desk:hospital_appointments", "finance", "auditor")


def _forms(browser: Browser, start: str) -> Iterator[tuple[str, str]]:
    """Every page that the navigation leads to, and the history, with the forms that post there."""
    page = html.fromstring(browser.get(start).text)
    links = {one.get("href") for nav in page.iter("nav") for one in nav.iter("a")}
    for address in sorted({*links, f"{start}/history/1", f"{start}/history/2"}):
        answer = browser.get(address)
        if not address.startswith(start):
            continue
        assert answer.status_code == 200, address
        for form in html.fromstring(answer.text).iter("form"):
            if form.get("method") == "post" and form.xpath(".//button"):
                yield address, urljoin(address, form.get("action") or address)


@pytest.mark.parametrize("role", ROLES)
def test_no_form_is_shown_to_whoever_may_not_send_it(world: World, role: str) -> None:
    """Each role sees everything that it may see; what it may not change has no button."""
    start = "/cities/hangzhou"
    admin = world.city_staff()
    admin.post(f"{start}/services/utility-bills/close", start, revision="1")
    name = role.replace(":", "-").replace("_", "-")
    browser = world.staff(name, role, city="hangzhou")
    held, only = split(role)
    assert held is not None
    policies = world.app.policies
    urls = world.app.url_map.bind("console")
    refused = []
    for page, action in _forms(browser, start):
        endpoint, _values = urls.match(action.partition("?")[0], method="POST")
        policy = policies[endpoint]
        allowed = policy.permission in (None, "own") or policy.permission in held.permissions
        mine = policy.service in (None, only) or not held.per_service
        refused += [] if allowed and mine else [f"{page}: {action}"]
    assert refused == []


def test_a_form_to_look_at_keeps_what_it_shows(world: World) -> None:
    """A desk reads the document and the look; nothing there can be typed in, and the page says why.
    Whoever may send it finds it as it was."""
    desk, admin = world.staff("till", "desk:utility_bills", city="hangzhou"), world.city_staff()
    for path, name in (("document", "text"), ("branding", "color")):
        for browser, may in ((desk, False), (admin, True)):
            text = browser.get(f"/cities/hangzhou/{path}").text
            field = html.fromstring(text).get_element_by_id(name)
            assert ("readonly" in field.attrib or "disabled" in field.attrib) is not may
            assert ("You may look at this, not change it." in text) is not may
            assert ("<button>Save</button>" in text) is may
