"""Forms of the console: what is locked is seen before anything is typed, and each fault stands at its
field, all at once, with the field's name."""

from __future__ import annotations

import io
import re

import pytest
from lxml import html

from smartcity_saas.web.form_errors import named_faults
from tests.support.documents import PLATFORM, ZHEJIANG
from tests.support.world import World

LOCKED = "locked: [branding.color, services.utility_bills, site.icp]\n"


def fields(page: str, name: str) -> str:
    found = re.search(rf'<(?:input|textarea)[^>]* name="{name}"[^>]*>', page)
    assert found, name
    return found[0]


@pytest.mark.parametrize("text, by", [(ZHEJIANG, "province:zhejiang"), (PLATFORM, "platform")])
def test_a_locked_setting_is_shown_as_locked(world: World, text: str, by: str) -> None:
    """By province and by platform: a tag that says who, a field that cannot be changed, on every form
    and in the table of sources; what is open stays open, and the other part can be saved."""
    world.save(text + LOCKED)
    staff, admin = world.city_staff(), world.province_admin()
    tag = f"locked by {by}"
    branding = staff.get("/cities/hangzhou/branding").text
    assert tag in branding
    assert "disabled" in fields(branding, "color")
    assert "disabled" not in fields(branding, "logo")
    pause = staff.get("/cities/hangzhou/services/utility-bills/pause").text
    assert tag in pause
    assert all("disabled" in fields(pause, name) for name in ("zh", "en", "until"))
    other = staff.get("/cities/hangzhou/services/traffic-tickets/pause").text
    assert "locked by" not in other
    row = re.search(
        r"<tr[^>]*><td[^>]*><code>branding.color</code>.*?</tr>",
        staff.get("/cities/hangzhou/document").text,
    )
    assert row
    assert tag in row[0]
    onboard = admin.get("/provinces/zhejiang/onboard?code=330300").text
    assert "disabled" in fields(onboard, "color")
    assert "disabled" in fields(onboard, "icp")
    number = world.documents().live("hangzhou").number
    saved = staff.post("/cities/hangzhou/branding", revision=number, message="nothing")
    assert saved.status_code == 302, saved.text


def test_a_locked_logo_is_shown_as_locked_where_a_city_is_onboarded(world: World) -> None:
    """Promise: no field of the form sends what a lock above would refuse."""
    page, admin = "/provinces/zhejiang/onboard?code=330300", world.province_admin()
    for locked in (False, True):
        if locked:
            world.save(ZHEJIANG + "locked: [branding.logo]\n")
        shown = admin.get(page).text
        assert ("disabled" in fields(shown, "logo")) is locked
        assert shown.count("locked by province:zhejiang") == locked


def test_a_fault_of_onboarding_stands_at_its_field(world: World) -> None:
    """Promise: a picture that cannot be kept is said at the logo, a colour that cannot be read at
    the colour; nothing is stored."""
    admin, page = world.province_admin(), "/provinces/zhejiang/onboard"
    typed = {"code": "330300", "zh": "温州市", "en": "Wenzhou", "live": "1"}
    for name, value in (("logo", (io.BytesIO(b"MZ"), "logo.png")), ("color", "#777777")):
        answer = admin.post(page, f"{page}?code=330300", **typed, **{name: value})
        assert answer.status_code == 422
        found = html.fromstring(answer.text)
        assert found.get_element_by_id(f"{name}-error").text_content().strip()
        described = found.get_element_by_id(name).get("aria-describedby", "")
        assert f"{name}-error" in described.split()
        (summary,) = found.find_class("summary")
        assert [one.get("href") for one in summary.iter("a")] == [f"#{name}"]
        assert not list(summary.iter("code")), "a place in a file that nobody has seen"
    assert "wenzhou" not in world.app.registry.snapshot.cities


def test_each_fault_of_a_refund_stands_at_its_field(world: World) -> None:
    """The summary names the field of each line; a fault that names it already is left."""
    page = (
        '<div class="summary" role="alert"><ul><li><a href="#a">Write it.</a></li>'
        '<li><a href="#b">Write it.</a></li><li><a href="#c">Why: write it.</a></li></ul></div>'
        '<label for="a">Amount</label><label for="c">Why</label>'
    )
    found = re.findall(r">([^<>]+)</a>", named_faults(page))
    assert found == ["Amount: Write it.", "Write it.", "Why: write it."]
    assert named_faults(named_faults(page)) == named_faults(page)


def test_no_two_lines_of_a_summary_read_alike(world: World) -> None:
    """An empty announcement and an empty notice of a pause: six lines and two, each with its field."""
    staff = world.city_staff()
    for page, count in (
        ("/cities/hangzhou/announcements", 6),
        ("/cities/hangzhou/services/utility-bills/pause", 2),
    ):
        answer = staff.post(page, revision=world.documents().live("hangzhou").number)
        summary = re.search(r'<div class="summary".*?</div>', answer.text, re.DOTALL)
        assert summary
        lines = re.findall(r'<a href="#\w+">(.*?)</a>', summary[0])
        assert (len(lines), len(set(lines))) == (count, count)


CITY = "/cities/hangzhou"
SERVICES = "/services"
FORMS: dict[str, tuple[str, str, dict[str, str], set[str]]] = {
    "invitation": ("staff", f"{CITY}/staff", {}, {"mail", "name", "roles"}),
    "invitation elsewhere": (
        "operator",
        "/platform/staff",
        {"mail": "a@b.cc", "name": "A", "roles": "city_admin", "at": "atlantis"},
        {"at"},
    ),
    "API client": ("staff", f"{CITY}/clients", {}, {"name", "scopes"}),
    "secret": ("staff", f"{CITY}/secrets", {"name": "Not this"}, {"name", "secret"}),
    "secret of no document": ("staff", f"{CITY}/secrets", {"name": "x", "secret": "y"}, {"name"}),
    "counter": ("staff", f"{CITY}/counter", {}, {"number", "reason"}),
    "password": (
        "staff",
        "/account/password",
        {"old_password": "no", "new_password": "n"},
        {"old_password"},
    ),
    "proof": ("staff", "/account/prove", {"password": "no"}, {"password"}),
    "app of codes": ("staff", "/account/factors", {"code": "1"}, {"code"}),
    "announcement": (
        "staff",
        f"{CITY}/announcements",
        {},
        {f"{part}_{language}" for part in ("title", "body", "source") for language in ("zh", "en")},
    ),
    "pause": ("staff", f"{CITY}/services/utility-bills/pause", {}, {"zh", "en"}),
    "colour": ("staff", f"{CITY}/branding", {"color": "#ffffff1"}, {"color"}),
    "person": (
        "resident",
        f"{SERVICES}/hospital-appointments/patients",
        {},
        {"name", "relation", "phone"},
    ),
    "vehicle": (
        "resident",
        f"{SERVICES}/traffic-tickets/vehicles",
        {},
        {"plate", "tail"},
    ),
    "licence": (
        "resident",
        f"{SERVICES}/traffic-tickets/licence",
        {},
        {"number", "file_tail"},
    ),
    "utility account": (
        "resident",
        f"{SERVICES}/utility-bills/link",
        {},
        {"kind", "holder", "nickname"},
    ),
    "real name": ("resident", "/me/verify", {}, {"real_name", "number", "agree"}),
}
"""Forms: who sends them, where, what is typed, and the fields at which a fault stands then."""


@pytest.mark.parametrize("form", FORMS)
def test_each_fault_stands_at_its_field(world: World, form: str) -> None:
    """Promise: whatever is wrong with a form is said all at once, in the summary with a link to the
    field, and at the field, which says so to whoever does not see it."""
    who, path, typed, wrong = FORMS[form]
    browser = {
        "staff": world.city_staff,
        "operator": world.operator,
        "resident": world.resident,
    }[who]()
    pages = {"/account/password": "/account", "/services/traffic-tickets/licence": None}
    page = pages.get(path, path) or path
    if "revision" in browser.get(page).text:
        typed = {**typed, "revision": str(world.documents().live("hangzhou").number)}
    answer = browser.post(path, page, **typed)
    assert answer.status_code == 422, answer.text
    found = html.fromstring(answer.text)
    (summary,) = found.find_class("summary")
    assert summary.get("role") == "alert"
    lines = {link.get("href")[1:]: link.text_content() for link in summary.iter("a")}
    assert set(lines) == wrong
    for name, line in lines.items():
        field, said = found.get_element_by_id(name), found.get_element_by_id(f"{name}-error")
        assert f"{name}-error" in field.get("aria-describedby", "").split(), name
        assert line.endswith(said.text_content().strip()), name
        assert field.tag != "fieldset" or field.get("tabindex") == "-1"


EMPTY: dict[str, dict[str, str]] = {
    "/services/hospital-appointments/patients": {},
    "/services/traffic-tickets/look-up": {},
    "/services/traffic-tickets/vehicles": {},
    "/services/traffic-tickets/licence": {},
    "/services/utility-bills/link": {"kind": "water"},
    "/me/verify": {},
}
"""Forms of the residents' site, with what must be chosen before the rest is asked for."""


@pytest.mark.parametrize("path", EMPTY)
@pytest.mark.parametrize("language", ["en", "zh"])
def test_an_empty_field_is_asked_for(world: World, path: str, language: str) -> None:
    """Promise: who leaves a field empty is asked to fill it in, and not told that it is wrong."""
    browser = world.resident()
    browser.get(f"/?lang={language}")
    answer = browser.post(path, "/me/data", **EMPTY[path])
    assert answer.status_code == 422, answer.text
    asks = "(Enter|Choose|Say|Give|Tick)" if language == "en" else "请?(写|填|选|给|起|勾|照|按)"
    found = html.fromstring(answer.text).find_class("field-error")
    said = [one.text_content().strip() for one in found if "hidden" not in one.attrib]
    assert said
    assert [one for one in said if not re.match(asks, one)] == []
