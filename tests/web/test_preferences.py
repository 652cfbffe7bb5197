"""Switches of language and text size, on every page and every answer to a form."""

from __future__ import annotations

import re
from html import unescape
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.test import TestResponse

import smartcity_saas
from smartcity_saas.configuration.secrets import names_secret
from smartcity_saas.web.preferences import FORM, filled
from tests.support.browser import Browser, fresh
from tests.support.world import World

QUERY = "q=%E6%B0%B4&from=a%26b&from=c&lang_x=1"


class Switches(HTMLParser):
    """The switches of a page: links, and buttons with the fields that they carry."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.links: dict[str, str] = {}
        self.fields: list[tuple[str, str]] = []
        self.inside = False
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        address = found.get("href") or found.get("formaction") or ""
        for name in ("lang", "text"):
            if re.search(rf"[?&]{name}=(zh|en|normal|large)\b", address):
                self.links[name] = address
        self.inside = found.get("id") == "typed-fields" or (self.inside and tag == "input")
        if self.inside and tag == "input":
            self.fields.append((found["name"], found.get("value", "")))


def press(browser: Browser, page: TestResponse, name: str) -> TestResponse:
    """Press a switch as a browser does: follow the link, or post the button's form."""
    found = Switches(page.text)
    base = f"http://{browser.host}"
    headers = {"Accept-Language": browser.language}
    if not found.fields:
        address = found.links[name]
        answer = browser.get(address)
        assert answer.status_code == 302
        return browser.get(answer.headers["Location"])
    data: dict[str, list[str]] = {}
    for key, value in found.fields:
        data.setdefault(key, []).append(value)
    return fresh(browser.client.post, found.links[name], base_url=base, headers=headers, data=data)


def send(browser: Browser, path: str, page: str, **fields: str) -> TestResponse:
    """Send a form as a browser does, with the address of its page."""
    data = {"csrf_token": browser.token(page), **fields}
    headers = {
        "Accept-Language": browser.language,
        "Referer": f"http://{browser.host}{page}",
    }
    return fresh(
        browser.client.post, path, base_url=f"http://{browser.host}", headers=headers, data=data
    )


@pytest.mark.parametrize(
    "host, path, switches",
    [
        ("hangzhou.localhost", path, {"lang", "text"})
        for path in (
            "/",
            "/services",
            "/search",
            "/announcements",
            "/sign-in",
            "/privacy",
            "/accessibility",
            "/services/utility-bills",
            "/services/traffic-tickets",
            "/services/hospital-appointments",
            "/no-such-page",
        )
    ]
    + [("console.localhost", "/sign-in", {"lang"}), ("localhost", "/", {"lang"})],
)
def test_links_keep_the_whole_query(world: World, host: str, path: str, switches: set[str]) -> None:
    """Promise: a switch leads to the same address with every parameter, in its order."""
    found = Switches(world.client(host).get(f"{path}?{QUERY}").text)
    assert set(found.links) == switches
    for name, address in found.links.items():
        parts = urlsplit(unescape(address))
        kept = [one for one in parse_qsl(parts.query) if one[0] != name]
        assert (parts.path, kept) == (path, parse_qsl(QUERY))


def test_a_pressed_switch_ends_where_it_began(world: World) -> None:
    """Promise: language and text size change, and the address stays as it was."""
    browser = world.client("hangzhou.localhost")
    page = browser.get("/search?q=water")
    answer = browser.get(Switches(page.text).links["text"])
    assert answer.headers["Location"] == "/search?q=water"
    again = browser.get("/search?q=water").text
    assert 'data-text="large"' in again
    assert 'value="water"' in again
    for path in ("//evil.example/", "/\\evil.example"):
        answer = fresh(
            browser.client.get,
            base_url="http://hangzhou.localhost",
            path=path,
            query_string="lang=zh",
        )
        assert urlsplit(answer.headers.get("Location", "/")).netloc == ""


FORMS = [
    (
        "/services/utility-bills/link",
        {"kind": "gas", "number": "12", "holder": '样例 <b>&"', "nickname": "家"},
    ),
    ("/services/traffic-tickets/vehicles", {"plate": "浙A", "tail": "12"}),
    ("/services/traffic-tickets/licence", {"number": "33", "file_tail": "7"}),
    ("/me/verify/phone", {"phone": "12"}),
]


@pytest.mark.parametrize("form_page, typed", FORMS)
@pytest.mark.parametrize("name", ["lang", "text"])
def test_a_switch_on_a_refused_form_gives_it_back_filled_in(
    world: World, form_page: str, typed: dict[str, str], name: str
) -> None:
    """Promise: after a refusal, each switch keeps every value typed, twice in a row."""
    browser = world.resident()
    browser.post("/me/consent", "/me/consent", next="/me")
    answer = send(browser, form_page, form_page, **typed)
    assert answer.status_code == 422, answer.text
    for _press in range(2):
        answer = press(browser, answer, name)
        assert answer.status_code == 200
        for value in typed.values():
            assert value in unescape(answer.text)
    chosen = {"lang": 'lang="en" data-text', "text": 'data-text="normal"'}
    assert chosen[name] in answer.text


def test_a_switch_sends_nothing_again_and_needs_no_trust(world: World) -> None:
    """Promise: a switch fetches, whatever it carries: a page of another origin fills nothing in,
    no secret is written into a page, and no draft tells that it is there."""
    browser = world.client("hangzhou.localhost")
    page = "/services/traffic-tickets"
    data = {FORM: f"{page}/look-up", "plate": "浙A90909", "tail": "123456"}
    base = "http://hangzhou.localhost"
    answer = fresh(browser.client.post, f"{page}?lang=zh", base_url=base, data=data)
    assert "浙A90909" in answer.text
    headers = {"Origin": "http://evil.example"}
    answer = fresh(
        browser.client.post, f"{page}?lang=zh", base_url=base, data=data, headers=headers
    )
    assert "浙A90909" not in answer.text
    console = world.client("console.localhost")
    refused = send(console, "/sign-in", "/sign-in", username="root", password="not-the-one")
    assert "not-the-one" not in refused.text
    assert ("username", "root") in Switches(refused.text).fields


def test_a_write_with_such_a_query_is_a_write(world: World) -> None:
    """Promise: only the switches' own buttons are turned into a fetch. A call of the API, a webhook
    or a form that happens to have ``lang`` in its address is done, or refused, as what it is."""
    base = "http://hangzhou.localhost"
    browser = world.resident()
    csrf = browser.get("/api/v1/session").json["csrf_token"]  # type: ignore[index]
    for path, options in (
        (
            "/api/v1/utility-bills/payments",
            {"json": {"bills": []}, "headers": {"X-CSRFToken": csrf}},
        ),
        ("/webhooks/stripe", {"data": "{}", "content_type": "application/json"}),
        ("/oauth/token", {"data": {"grant_type": "client_credentials"}}),
    ):
        plain = fresh(browser.client.post, path, base_url=base, **options)
        answer = fresh(browser.client.post, f"{path}?lang=zh", base_url=base, **options)
        assert answer.status_code == plain.status_code != 405, path
    token = browser.token("/me")
    data = {"csrf_token": token}
    assert (
        fresh(browser.client.post, "/sign-out?lang=zh", base_url=base, data=data).status_code == 302
    )
    assert browser.get("/me").status_code == 302, "signed out"


def test_every_field_of_a_secret_is_known_by_its_name() -> None:
    """Promise: what a page hides as it is typed is neither carried by a switch nor shown on the page
    of a conflict; both go by the field's name."""
    templates = Path(smartcity_saas.__file__).parent.rglob("*.html")
    found = {
        (path.name, name)
        for path in templates
        for name in re.findall(r'field\("?([\w-]+)"?(?: ~ \w+)?,[^}]*?"password"', path.read_text())
        if name != "name"
    }
    assert {name for _page, name in found} == {
        "password", "old_password", "new_password", "secret", "secret_"
    }  # fmt: skip
    assert all(names_secret(f"{name}x" if name.endswith("_") else name) for _page, name in found)


def test_a_refused_secret_is_not_shown_again(world: World) -> None:
    """Promise: a page that answers a form which brought a secret holds it nowhere."""
    staff = world.city_staff("hangzhou")
    for path, page, fields in (
        ("/cities/hangzhou/secrets", "", {"name": "unknown_one", "secret": "typed-by-hand"}),
        ("/account/password", "/account", {"old_password": "typed-by-hand", "new_password": "x"}),
    ):
        answer = staff.post(path, page or path, **fields)
        assert answer.status_code in (409, 422), path
        assert "typed-by-hand" not in answer.text, path


@given(
    text=st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=40),
    choice=st.sampled_from(["a", "b"]),
    ticked=st.lists(st.sampled_from(["1", "2", "3"]), unique=True),
)
def test_any_typed_value_comes_back(text: str, choice: str, ticked: list[str]) -> None:
    """Promise: text, choices and boxes come back as they were, in the form that was sent alone."""
    form = (
        '<form method="post" action="{}"><input type="hidden" name="csrf_token" value="new">'
        '<input name="text" value=""><textarea name="more"></textarea>'
        '<input type="radio" name="choice" value="a"><input type="radio" name="choice" value="b">'
        '<input type="checkbox" name="box" value="1" checked>'
        '<input type="checkbox" name="box" value="2"><input type="checkbox" name="box" value="3">'
        "</form>"
    )
    page = form.format("/here") + form.format("/there")
    typed = [(FORM, "/here"), ("text", text), ("more", text), ("choice", choice)]
    here, there = (
        made + "</form>"
        for made in filled(page, [*typed, *(("box", one) for one in ticked)]).split("</form>")[:2]
    )
    assert there == form.format("/there")
    assert 'value="new"' in here
    kept = Fields(here)
    assert kept.text == text
    assert kept.more.replace("\r\n", "\n") == text
    assert kept.checked == {choice, *ticked}


class Fields(HTMLParser):
    """What the fields of a form hold."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.text = self.more = ""
        self.checked: set[str] = set()
        self.in_area = False
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        self.in_area = tag == "textarea"
        if found.get("name") == "text":
            self.text = found.get("value") or ""
        if "checked" in found:
            self.checked.add(found["value"] or "")

    def handle_endtag(self, tag: str) -> None:
        self.in_area = False

    def handle_data(self, data: str) -> None:
        if self.in_area:
            self.more += data
