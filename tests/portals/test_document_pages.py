"""Documents on the console: edited as text, by forms, never over somebody's newer revision."""

from __future__ import annotations

import re
from html import unescape

import pytest

from tests.support.documents import HANGZHOU, NINGBO, ZHEJIANG
from tests.support.forms import LETTER
from tests.support.paths import ROOT
from tests.support.routes import home
from tests.support.world import World

CITY_PAGES, PROVINCE_PAGES = "/cities/hangzhou", "/provinces/zhejiang"
FORMS: dict[str, tuple[str, dict[str, str]]] = {
    "state": (f"{CITY_PAGES}/state", {"state": "suspended"}),
    "open": (f"{CITY_PAGES}/services/utility-bills/open", {}),
    "close": (f"{CITY_PAGES}/services/utility-bills/close", {}),
    "pause": (f"{CITY_PAGES}/services/utility-bills/pause", {"zh": "升级", "en": "Upgrade"}),
    "branding": (f"{CITY_PAGES}/branding", {"color": "#8a1c1c"}),
    "text": (f"{CITY_PAGES}/document", {"text": HANGZHOU.replace("0b6e4f", "8a1c1c")}),
    "new service": (f"{CITY_PAGES}/new-service/yaml", {"text": LETTER}),
    "province's new service": (f"{PROVINCE_PAGES}/new-service/yaml", {"text": LETTER}),
    "undo": (f"{CITY_PAGES}/history/2/undo", {}),
    "rollback": (f"{CITY_PAGES}/history/1/rollback", {}),
    "province's text": (f"{PROVINCE_PAGES}/document", {"text": ZHEJIANG + "# x\n"}),
    "province's rollback": (f"{PROVINCE_PAGES}/history/1/rollback", {}),
    "province's undo": (f"{PROVINCE_PAGES}/history/2/undo", {}),
    "single sign-on": (
        f"{PROVINCE_PAGES}/single-sign-on",
        {"issuer": "https://id.example", "client_id": "x"},
    ),
    "single sign-on's state": (f"{PROVINCE_PAGES}/single-sign-on/state", {"state": "closed"}),
}


def test_editing_the_document_as_text(world: World) -> None:
    """Faults come back with line and column and the text as typed; a secret does not."""
    staff = world.city_staff()
    page = "/cities/hangzhou/document"
    bad = staff.post(page, revision="1", text=HANGZHOU + "brandin: {}\npassword: hunter2\n")
    assert bad.status_code == 422
    assert "hangzhou:10:1" in bad.text
    assert "brandin" in bad.text
    assert "hunter2" not in bad.text
    good = staff.post(page, revision="1", text=HANGZHOU.replace("#0b6e4f", "#123456"), message="x")
    assert good.status_code == 302
    assert "/brand/" in home(world)
    assert world.app.registry.snapshot.cities["hangzhou"].color == "#123456"


def test_a_secret_is_not_repeated_by_any_answer(world: World) -> None:
    """In a comment, in broken YAML, in a stale edit, in a reason: refused and masked."""
    staff = world.city_staff()
    page = "/cities/hangzhou/document"
    secret = "sk_live_abcdefgh12345678"
    world.documents().change("hangzhou", 1, "other", {("branding", "color"): "#123456"})
    for text in (
        f"{HANGZHOU}# {secret}\n",
        f"{HANGZHOU}x: [1,\npassword: {secret}\n",
        f"{HANGZHOU}token: {secret}\n",
    ):
        answer = staff.post(page, revision="1", text=text)
        assert answer.status_code == 422
        assert secret not in answer.text
    answer = staff.post(page, revision="2", text=HANGZHOU, message=f"new key {secret}")
    assert answer.status_code == 422
    assert world.documents().live("hangzhou").number == 2


SSO = "single_sign_on: {issuer: https://id.example, client_id: y}\n"


@pytest.mark.parametrize("form", FORMS)
def test_a_form_opened_before_a_newer_revision_is_a_conflict(world: World, form: str) -> None:
    """Whichever form makes a revision: what a colleague has saved meanwhile is shown, and nothing
    is stored over it; pressed once more on the conflict's page, it is on top of theirs."""
    path, fields = FORMS[form]
    world.save(ZHEJIANG + SSO, 1)
    world.documents().change("hangzhou", 1, "", {("branding", "color"): "#223344"})
    admin = world.province_admin()
    opened = world.documents()
    names = ("hangzhou", "province:zhejiang")
    assert [opened.live(name).number for name in names] == [2, 2]
    opened.change("hangzhou", 2, "", {("services", "traffic_tickets", "state"): "closed"})
    opened.change("province:zhejiang", 2, "", {("site", "icp"): "浙ICP备1号-1"})
    answer = admin.post(path, "/account", revision="2", **fields)
    assert answer.status_code == 409, form
    assert "revision 3" in answer.text
    assert [world.documents().live(name).number for name in names] == [3, 3]
    again = re.search(r'name="revision" value="(\d+)"', answer.text)
    assert again
    assert again[1] == "3"


def test_every_form_that_makes_a_revision_is_tried() -> None:
    """Nothing but ``base_revision`` reads the field, and the table above has every call."""
    source, calls = ROOT / "src/smartcity_saas/portals", 0
    for path in source.rglob("*.py"):
        text = path.read_text("utf-8")
        if path.name != "base_revision.py":
            words = re.sub(r"typed = .*|\"revision\": _\(.*", "", text)  # a form's own, a label
            assert '"revision"' not in words, path.name
        calls += len(re.findall(r"documents\(\)\.(?:change|save|undo|rollback)\(", text))
    assert calls == 11, "add the new form to FORMS; a new document is based on nothing"


def test_the_pages_of_revisions_carry_what_they_were_opened_on(world: World) -> None:
    """A rollback pressed on an old page drops nothing of a colleague's."""
    admin = world.city_staff()
    world.documents().change("hangzhou", 1, "", {("branding", "color"): "#223344"})
    page = admin.get("/cities/hangzhou/history/1").text
    fields = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', page))
    world.documents().change("hangzhou", 2, "", {("branding", "color"): "#334455"})
    answer = admin.post("/cities/hangzhou/history/1/rollback", "/account", **{
        name: value for name, value in fields.items() if name != "csrf_token"
    })  # fmt: skip
    assert answer.status_code == 409
    assert world.documents().live("hangzhou").values["branding"]["color"] == "#334455"


@pytest.mark.parametrize(
    "added",
    ['locked: ["\\udc00"]\n', '"\\udc00": x\n', 'site: {icp: "a\\0b"}\n', "# \x7f\n", "# \x1b\n"],
)
def test_characters_that_cannot_be_stored_are_a_fault_of_the_form(world: World, added: str) -> None:
    """In a key, a value or a comment of a document: 422 with what is wrong, never a 500; in the
    reason they are left out."""
    admin = world.province_admin()
    page = "/cities/ningbo/document"
    answer = admin.post(page, revision="1", text=NINGBO + added)
    assert answer.status_code == 422
    assert "character" in answer.text
    answer = admin.post(page, revision="1", text=NINGBO + "# why\n", message="becau\x1bse")
    assert answer.status_code == 302
    assert world.documents().history("ningbo")[0].message == "because"


@pytest.mark.parametrize(
    "text",
    [
        NINGBO.replace("\n", "\r\n"),
        "\n" + NINGBO,
        "\r\n\r\n" + NINGBO.replace("\n", "\r\n", 2),
        NINGBO.rstrip("\n"),
    ],
)
def test_the_editor_leaves_what_was_not_typed(world: World, text: str) -> None:
    """CRLF, mixed ends, leading blank lines, no last newline: saved unchanged there is no
    revision; changed, only the line that was typed in is another. A form's switch too."""
    world.save(text)
    number = world.documents().live("ningbo").number
    admin = world.province_admin()
    page = admin.get("/cities/ningbo/document").text
    shown = unescape(re.search(r"<textarea[^>]*>\n?(.*?)</textarea>", page, re.S)[1])
    assert re.sub(r"\r\n?", "\n", shown) == re.sub(r"\r\n?", "\n", text)
    sent = re.sub(r"\r\n?|\n", "\r\n", shown)
    admin.post("/cities/ningbo/document", revision=str(number), text=sent)
    assert world.documents().live("ningbo").number == number
    admin.post(
        "/cities/ningbo/document", revision=str(number), text=sent.replace("Ningbo", "Ning Bo")
    )
    assert world.documents().live_revision("ningbo").text == text.replace("Ningbo", "Ning Bo")
