"""The console: one press changes the site, everyone within their reach, nothing unseen."""

from __future__ import annotations

import io
import re
from datetime import timedelta
from html import unescape
from typing import Any

import pytest

from smartcity_saas.audit import Actor
from smartcity_saas.configuration.csv_input import MOST_BYTES
from smartcity_saas.configuration.onboarding_csv import read_rows
from smartcity_saas.configuration.validation import Candidate
from smartcity_saas.configuration.yaml_source import parse
from smartcity_saas.tenancy.registry import CHECK_SECONDS
from tests.support.documents import HANGZHOU, NINGBO, ZHEJIANG
from tests.support.paths import ROOT
from tests.support.product import other_settings
from tests.support.world import PASSWORD, World

BILLS = "/cities/hangzhou/services/utility-bills"


def home(world: World, city: str = "hangzhou") -> str:
    world.app.registry.refresh()
    return world.client(f"{city}.localhost").get("/").text


def test_one_press_closes_and_one_press_opens(world: World) -> None:
    """The site changes at once, and the history tells who did it."""
    staff = world.city_staff()
    done = staff.post(f"{BILLS}/close", "/cities/hangzhou", revision="1")
    assert done.headers["Location"] == "/cities/hangzhou?done=2"
    assert "Utility bills" not in home(world)
    page = staff.get("/cities/hangzhou?done=2").text
    assert "Saved as revision 2" in page
    assert "Staff-Hangzhou" in page
    staff.post("/cities/hangzhou/history/2/undo", "/cities/hangzhou")
    assert "Utility bills" in home(world)


def test_saved_is_said_when_every_process_serves_it(world: World) -> None:
    """The answer to a press that changed something waits until the others must look again;
    what changed nothing is answered at once."""
    staff, waits = world.city_staff(), list[float]()
    world.app.registry.sleep = waits.append
    staff.post(f"{BILLS}/pause", revision="1", zh="升级", en="")
    staff.get("/cities/hangzhou")
    assert waits == []
    staff.post(f"{BILLS}/close", "/cities/hangzhou", revision="1")
    assert waits == [CHECK_SECONDS]


def test_pausing_asks_for_a_notice_in_both_languages(world: World) -> None:
    """Without it nothing is stored and what was typed is kept; with it the site shows it."""
    staff = world.city_staff()
    page = f"{BILLS}/pause"
    wrong = staff.post(page, revision="1", zh="升级，周五恢复。", en="")
    assert wrong.status_code == 422
    assert "升级，周五恢复。" in wrong.text
    assert world.documents().live("hangzhou").number == 1
    seen = staff.post(page, revision="1", zh="升级，周五恢复。", en="Back on Friday.", preview="1")
    assert "+services:" in seen.text
    assert world.documents().live("hangzhou").number == 1
    staff.post(
        page,
        revision="1",
        zh="升级，周五恢复。",
        en="Back on Friday.",
        until=f"{world.clock() + timedelta(days=3):%Y-%m-%dT18:00}",
        message="ask",
    )
    assert "Back on Friday." in home(world)
    document = world.documents().revision("hangzhou", 2)
    assert document.message == "ask"
    assert document.text.startswith("# The city's own comment.")


def test_staff_are_reminded_and_nothing_reopens_by_itself(world: World) -> None:
    """Once the expected time has passed the console says so; the service stays paused."""
    staff = world.city_staff()
    until = (world.clock() + timedelta(hours=10)).strftime("%Y-%m-%dT%H:%M")  # Asia/Shanghai is +8
    staff.post(f"{BILLS}/pause", revision="1", zh="升级", en="Upgrade", until=until)
    assert "is still paused" not in staff.get("/cities/hangzhou").text
    world.clock.move(hours=3)
    assert "is still paused" in staff.get("/cities/hangzhou").text
    assert "Upgrade" in home(world)


def test_the_second_of_two_is_shown_the_difference(world: World) -> None:
    """A stale press changes nothing, shows what changed since, and can be sent again."""
    staff = world.city_staff()
    world.documents().change("hangzhou", 1, "other", {("branding", "color"): "#123456"})
    for odd in ("99999999999999999999", "-1", "x"):
        assert staff.post(f"{BILLS}/close", "/cities/hangzhou", revision=odd).status_code == 409
    assert staff.get(f"/cities/hangzhou/history/{10**22}").status_code == 404
    conflict = staff.post(f"{BILLS}/close", "/cities/hangzhou", revision="1")
    assert conflict.status_code == 409
    assert "#123456" in conflict.text
    assert 'name="revision" value="2"' in conflict.text
    again = staff.post(f"{BILLS}/close", "/cities/hangzhou", revision="2")
    assert again.status_code == 302
    assert world.documents().live("hangzhou").number == 3


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


def test_branding_with_a_logo(world: World) -> None:
    """A colour nobody can read is refused; a logo is cleaned, stored and shown."""
    staff = world.city_staff()
    page = "/cities/hangzhou/branding"
    refused = staff.post(page, revision="1", color="#7a7a7a")
    assert refused.status_code == 422
    svg = b'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 8 8"><script/><path d="M0 0h8z"/></svg>'
    saved = staff.post(page, revision="1", color="#123456", logo=(io.BytesIO(svg), "x.exe"))
    assert saved.status_code == 302
    city_page = home(world)
    logo = world.app.registry.snapshot.cities["hangzhou"].logo
    assert logo
    assert f"/assets/{logo}" in city_page
    served = world.client("hangzhou.localhost").get(f"/assets/{logo}")
    assert b"script" not in served.data
    assert (
        staff.post(page, revision="2", logo=(io.BytesIO(b"MZ\x90"), "logo.png")).status_code == 422
    )


def test_announcements_reach_the_site_and_leave_it(world: World) -> None:
    """Written in both languages, shown at once, withdrawn and put back with one press."""
    staff = world.city_staff()
    page = "/cities/hangzhou/announcements"
    texts = {
        f"{part}_{language}": f"{part} {language}"
        for part in ("title", "body", "source")
        for language in ("zh", "en")
    }
    assert staff.post(page, **{**texts, "body_en": ""}).status_code == 422
    assert staff.post(page, **texts, urgent="1").status_code == 302
    assert "title en" in home(world)
    listing = staff.get(page).text
    notice = listing.split("/announcements/")[1].split("/")[0]
    staff.post(f"{page}/{notice}/withdraw", page)
    assert "title en" not in home(world)
    assert world.client("hangzhou.localhost").get(f"/announcements/{notice}").status_code == 404
    staff.post(f"{page}/{notice}/restore", page)
    assert world.client("hangzhou.localhost").get(f"/announcements/{notice}").status_code == 200
    assert world.client("shanghai.localhost").get(f"/announcements/{notice}").status_code == 404
    trail = staff.get("/cities/hangzhou/audit").text
    assert "announcement.withdraw" in trail


def test_onboarding_a_city_from_the_official_list(world: World) -> None:
    """Found by pinyin, previewed, ready, live: and it answers on its own host."""
    admin = world.province_admin()
    page = "/provinces/zhejiang/onboard"
    found = admin.get(f"{page}?find=wenz")
    assert "温州市" in found.text
    assert "嘉兴市" not in found.text
    filled = admin.get(f"{page}?code=330300&color=%23b8232f")
    assert "city: wenzhou" in filled.text
    preview = admin.get(f"{page}/preview?code=330300&color=%23b8232f&lang_shown=en")
    assert "Wenzhou" in preview.text
    assert "frame-ancestors 'self'" in preview.headers["Content-Security-Policy"]
    done = admin.post(
        page,
        f"{page}?code=330300",
        code="330300",
        zh="温州市",
        en="Wenzhou",
        color="#b8232f",
        live="1",
    )
    assert done.headers["Location"] == "/provinces/zhejiang?made=wenzhou"
    assert "Wenzhou" in home(world, "wenzhou")
    text = world.documents().live_revision("wenzhou").text
    assert text == (
        'city: wenzhou\nprovince: zhejiang\ndivision_code: "330300"\n'
        'name: {zh: 温州市, en: Wenzhou}\nstate: live\nbranding: {color: "#b8232f"}\n'
    )


def test_onboarding_refuses_what_is_not_ready(world: World) -> None:
    """Without a name or a readable colour nothing is stored and what was typed is kept."""
    admin = world.province_admin()
    page = "/provinces/zhejiang/onboard"
    closed = {f"service_{name}": "closed" for name in world.app.product.services}
    for wrong in ({"en": ""}, {"color": "#7a7a7a"}, closed):
        typed = {"code": "330300", "zh": "温州市", "en": "Wenzhou", "live": "1", **wrong}
        assert admin.post(page, f"{page}?code=330300", **typed).status_code == 422
    assert "wenzhou" not in {found.name for found in world.documents().all()}
    draft = {"code": "330300", "zh": "温州市", "en": "Wenzhou", "draft": "1"}
    assert admin.post(page, f"{page}?code=330300", **draft).status_code == 302
    live = admin.post("/cities/wenzhou/state", "/cities/wenzhou", revision="1", state="live")
    assert live.status_code == 302
    assert "Wenzhou" in home(world, "wenzhou")


def test_a_csv_is_rolled_out_step_by_step(world: World) -> None:
    """The page drives it; each step is safe to repeat; faults are listed by line."""
    admin = world.province_admin()
    page = "/provinces/zhejiang/rollouts"
    rows = "division_code,slug,name_zh,name_en,province_slug\n" + "".join(
        f"33{2000 + n},town-{n},城{n},Town {n},zhejiang\n" for n in range(20)
    )
    rows += "310101,stolen,偷,Stolen,shanghai\n"
    started = admin.post(page, file=(io.BytesIO(rows.encode()), "cities.csv"))
    job = started.headers["Location"]
    shown = admin.get(job).text
    assert "0 of 21" in shown
    assert shown.count("Becomes a draft") == 21  # 20 rows and the sum
    assert "stolen" in shown
    assert "town-0" not in {found.name for found in world.documents().all()}
    for _step in range(4):
        admin.post(f"{job}/step", job)
    # The button is gone when all is done; the last post above had no token and did nothing.
    done = admin.get(job).text
    assert "21 of 21" in done
    assert "0 made live, 20 made drafts" in done
    failed = admin.get(f"{job}/failed.csv").text.splitlines()
    assert failed[1].startswith("310101,stolen,偷,Stolen,shanghai,")
    again = read_rows("\n".join(failed), "failed.csv")
    assert [row.values["slug"] for row in again] == ["stolen"]
    assert "stolen" in done
    assert "stolen" not in {found.name for found in world.documents().all()}
    assert (
        world.province_admin("shanghai").get(job.replace("zhejiang", "shanghai")).status_code == 404
    )


def test_all_or_nothing_on_the_console_says_that_nothing_was_stored(world: World) -> None:
    """Before the press there is no button; a press all the same stores nothing, and no tick or
    word of done stands on the page."""
    admin = world.province_admin()
    page = "/provinces/zhejiang/rollouts"
    rows = (
        "division_code,slug,name_zh,name_en,province_slug\n"
        "330300,wenzhou,温州市,Wenzhou,zhejiang\n330500x,huzhou,湖州市,Huzhou,zhejiang\n"
    )
    started = admin.post(page, file=(io.BytesIO(rows.encode()), "cities.csv"), all_or_nothing="1")
    job = started.headers["Location"]
    shown = admin.get(job).text
    assert "Nothing can be stored" in shown
    assert f"{job}/step" not in shown
    admin.post(f"{job}/step", page)
    done = admin.get(job).text
    assert "Nothing was stored, because all or nothing was chosen" in done
    assert "Done." not in done
    assert "made live" not in done
    assert "wenzhou" not in {found.name for found in world.documents().all()}


def test_the_template_holds_the_cities_that_are_not_there(world: World) -> None:
    """It can be sent as it is: every row becomes a draft."""
    admin = world.province_admin()
    page = "/provinces/zhejiang/rollouts"
    template = admin.get(f"{page}/template.csv").get_data()
    rows = read_rows(template.decode("utf-8-sig"), "zhejiang.csv")
    assert len(rows) == 9
    assert not {"hangzhou", "ningbo"} & {row.values["slug"] for row in rows}
    job = admin.post(page, file=(io.BytesIO(template), "z.csv")).headers["Location"]
    admin.post(f"{job}/step", job)
    assert "0 made live, 9 made drafts" in admin.get(job).text


@pytest.mark.parametrize(
    ("codec", "said"), [("utf-8", "UTF-8"), ("gb18030", "GB 18030"), ("utf-16", "UTF-16")]
)
def test_the_page_says_how_a_roll_out_was_read(world: World, codec: str, said: str) -> None:
    """The encoding that was found and the columns that nobody reads, as the command says them;
    names come through in each."""
    admin = world.province_admin()
    page = "/provinces/zhejiang/rollouts"
    rows = (
        "division_code,slug,name_zh,name_en,province_slug,colour\n"
        "330300,wenzhou,温州市,Wenzhou,zhejiang,#112233\n"
    )
    job = admin.post(page, file=(io.BytesIO(rows.encode(codec)), "c.csv")).headers["Location"]
    shown = admin.get(job).text
    assert f"Read as {said}." in shown
    assert "Columns that were not read: colour." in shown
    admin.post(f"{job}/step", job)
    assert world.documents().live("wenzhou").values["name"]["zh"] == "温州市"


def test_a_file_that_grows_as_it_is_kept_goes_on(world: World) -> None:
    """What was taken in is not measured again: as UTF-8 a file of GB 18030 may be half as large
    again, and no step would be made."""
    admin = world.province_admin()
    page = "/provinces/zhejiang/rollouts"
    note = "注" * 100_000
    rows = (
        "division_code,slug,name_zh,name_en,province_slug,note\n"
        f"330300,wenzhou,温州市,Wenzhou,zhejiang,{note}\n"
        + f"330500,huzhou,湖州市,Huzhou,zhejiang,{note}\n"
        * 14
    )
    sent = rows.encode("gb18030")
    assert len(sent) < MOST_BYTES < len(rows.encode())
    job = admin.post(page, file=(io.BytesIO(sent), "c.csv")).headers["Location"]
    assert admin.get(job).status_code == 200
    admin.post(f"{job}/step", job)
    assert world.documents().live("wenzhou").values["name"]["zh"] == "温州市"


FOREIGN = (
    "/cities/shanghai",
    "/cities/shanghai/document",
    "/cities/shanghai/history",
    "/cities/shanghai/history/1",
    "/cities/shanghai/branding",
    "/cities/shanghai/announcements",
    "/cities/shanghai/audit",
    "/cities/shanghai/preview",
    "/cities/shanghai/utility-bills",
    "/cities/shanghai/services/utility-bills/pause",
    "/provinces/shanghai",
    "/provinces/shanghai/onboard",
    "/provinces/shanghai/document",
    "/provinces/shanghai/rollouts",
)


@pytest.mark.parametrize("path", FOREIGN)
def test_beyond_ones_reach_nothing_exists(world: World, path: str) -> None:
    """Another province's city answers exactly as a city that does not exist."""
    admin = world.province_admin("zhejiang")
    nothing = path.replace("shanghai", "atlantis")
    real, imagined = admin.get(path), admin.get(nothing)
    assert real.status_code == imagined.status_code == 404
    assert real.text.replace("shanghai", "atlantis") == imagined.text


POSTS = (
    "/cities/shanghai/services/utility-bills/close",
    "/cities/shanghai/services/utility-bills/open",
    "/cities/shanghai/history/1/undo",
    "/cities/shanghai/history/1/rollback",
    "/cities/shanghai/state",
    "/cities/shanghai/document",
    "/cities/shanghai/branding",
    "/cities/shanghai/announcements",
    "/cities/shanghai/preview-link",
    "/cities/shanghai/utility-bills",
    "/provinces/shanghai/document",
)


@pytest.mark.parametrize("path", POSTS)
def test_nothing_beyond_ones_reach_can_be_changed(world: World, path: str) -> None:
    """Each write answers 404 and changes nothing."""
    staff = world.city_staff("hangzhou")
    answer = staff.post(path, "/cities/hangzhou", revision="1", state="suspended", text=NINGBO)
    assert answer.status_code in (403, 404)
    assert world.documents().live("shanghai").number == 1
    assert world.documents().live("province:shanghai").number == 1


def test_city_staff_do_not_onboard_or_suspend(world: World) -> None:
    """What a role does not hold is refused in words."""
    staff = world.city_staff()
    for path in (
        "/provinces/zhejiang",
        "/provinces/zhejiang/onboard",
        "/platform",
        "/platform/staff",
    ):
        assert staff.get(path).status_code == 403
    answer = staff.post(
        "/cities/hangzhou/state", "/cities/hangzhou", revision="1", state="suspended"
    )
    assert answer.status_code == 403
    assert world.documents().live("hangzhou").number == 1


def test_a_form_cannot_carry_a_city_elsewhere(world: World) -> None:
    """A document that names another city or province is not this city's."""
    staff = world.city_staff()
    for text in (NINGBO, HANGZHOU.replace("zhejiang", "shanghai"), ZHEJIANG):
        answer = staff.post("/cities/hangzhou/document", revision="1", text=text)
        assert answer.status_code in (404, 422)
    assert world.documents().live("ningbo").number == 1


def test_signing_in_is_throttled_and_says_nothing_of_names(world: World) -> None:
    """An unknown name and a wrong password read alike; the sixth try waits, then may again."""
    browser = world.client("console.localhost")
    world.operator()
    unknown = browser.post("/sign-in", username="nobody", password="x")
    wrong = browser.post("/sign-in", username="root", password="x")
    assert unknown.status_code == wrong.status_code == 422
    assert "The name or the password is wrong." in wrong.text
    for _attempt in range(4):
        browser.post("/sign-in", username="root", password="x")
    refused = browser.post("/sign-in", username="root", password=PASSWORD)
    assert refused.status_code == 429
    assert int(refused.headers["Retry-After"]) <= 300
    world.clock.move(minutes=6)
    assert browser.post("/sign-in", username="root", password=PASSWORD).status_code == 302


def test_a_session_ends_and_a_disabled_account_is_out_at_once(world: World) -> None:
    """Twelve hours, or the operator's press."""
    operator = world.operator()
    staff = world.city_staff()
    operator.post("/platform/staff/staff-hangzhou/disable", "/platform/staff")
    assert staff.get("/cities/hangzhou").status_code == 302
    world.clock.move(hours=13)
    assert operator.get("/platform").status_code == 302


def test_the_operator_invites(world: World) -> None:
    """With the rules of addresses, roles and places said on the form."""
    operator = world.operator()
    good = {"mail": "li@city.example", "name": "Li", "roles": "city_admin", "at": "ningbo"}
    for wrong in ({"mail": "li"}, {"at": "atlantis"}, {"name": ""}, {"roles": "emperor"}):
        assert operator.post("/platform/staff", **{**good, **wrong}).status_code == 422
    assert "/invitations/" in operator.post("/platform/staff", **good).text
    assert "li@city.example" in operator.get("/platform/staff").text
    page = operator.get("/platform").text
    assert "Zhejiang" in page


def test_filters_and_search_of_cities(world: World) -> None:
    """A province admin sees their province's cities only, filtered and found."""
    admin = world.province_admin()
    page = admin.get("/provinces/zhejiang").text
    assert "Hangzhou" in page
    assert "Ningbo" in page
    assert "Shanghai" not in page
    assert (
        "Hangzhou"
        not in admin.get("/provinces/zhejiang?q=ningbo")
        .text.split("</table>")[0]
        .split("<table")[1]
    )
    assert "No city found" in admin.get("/provinces/zhejiang?show=draft").text


def test_accounts_of_the_demo_are_listed_in_demo_mode_only(world: World) -> None:
    """``/demo.json`` is on the platform's host, and 404 outside demo mode."""
    found: Any = world.client("localhost").get("/demo.json").json
    assert {"operator", "province_admin", "city_staff"} <= {a["role"] for a in found["staff"]}
    assert {a["city"] for a in found["residents"]} == {"hangzhou", "ningbo", "shanghai"}
    with other_settings(world.app, demo=False):
        assert world.client("localhost").get("/demo.json").status_code == 404


def test_a_role_is_held_whichever_way_the_change_comes(world: World) -> None:
    """City staff do not suspend, resume or claim hosts, by form, text, undo or roll-back."""
    staff, admin = world.city_staff(), world.province_admin()
    page = "/cities/hangzhou/document"
    for text in (
        HANGZHOU.replace("state: live", "state: suspended"),
        HANGZHOU.replace("city.hangzhou.example", "www.gz.example"),
        HANGZHOU.replace('"330100"', '"330101"'),
    ):
        assert staff.post(page, revision="1", text=text).status_code == 403
    admin.post("/cities/hangzhou/state", "/cities/hangzhou", revision="1", state="suspended")
    for act in ("undo", "rollback"):
        number = "2" if act == "undo" else "1"
        path = f"/cities/hangzhou/history/{number}/{act}"
        assert staff.post(path, "/cities/hangzhou/history").status_code == 403
    assert world.documents().live("hangzhou").values["state"] == "suspended"


def test_another_provinces_city_is_not_named(world: World) -> None:
    """That a code is taken is said; by whom only within one's reach."""
    admin = world.province_admin("zhejiang")
    rows = "division_code,slug,name_zh,name_en,province_slug\n330200,other,另,Other,zhejiang\n"
    job = admin.post(
        "/provinces/zhejiang/rollouts", file=(io.BytesIO(rows.encode()), "c.csv")
    ).headers["Location"]
    admin.post(f"{job}/step", job)
    assert "is the code of ningbo already" in admin.get(job).text
    documents = world.documents(Actor("staff:x", "X", "province:shanghai"))
    text = (
        NINGBO.replace("ningbo", "other")
        .replace("330200", "330100")
        .replace("zhejiang", "shanghai")
    )
    said = [str(found) for found in documents.problems([Candidate(parse(text, "other"))])]
    assert any("another city" in one for one in said)
    assert not any("hangzhou" in one for one in said)


def test_a_city_stays_in_the_province_of_the_official_list(world: World) -> None:
    """Neither its code nor its slug can be taken by another province."""
    admin = world.province_admin("zhejiang")
    rows = (
        "division_code,slug,name_zh,name_en,province_slug\n"
        "440600,somewhere,佛山市,Foshan,zhejiang\n339999,foshan,佛山市,Foshan,zhejiang\n"
    )
    job = admin.post(
        "/provinces/zhejiang/rollouts", file=(io.BytesIO(rows.encode()), "c.csv")
    ).headers["Location"]
    admin.post(f"{job}/step", job)
    assert admin.get(job).text.count("By the official list this is 佛山市 Foshan.") == 2
    baseline = ZHEJIANG.replace('division_code: "330000"\n', "")
    answer = admin.post("/provinces/zhejiang/document", revision="1", text=baseline)
    assert answer.status_code == 422


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


CITY_PAGES, PROVINCE_PAGES = "/cities/hangzhou", "/provinces/zhejiang"
FORMS: dict[str, tuple[str, dict[str, str]]] = {
    "state": (f"{CITY_PAGES}/state", {"state": "suspended"}),
    "open": (f"{CITY_PAGES}/services/utility-bills/open", {}),
    "close": (f"{CITY_PAGES}/services/utility-bills/close", {}),
    "pause": (f"{CITY_PAGES}/services/utility-bills/pause", {"zh": "升级", "en": "Upgrade"}),
    "branding": (f"{CITY_PAGES}/branding", {"color": "#8a1c1c"}),
    "text": (f"{CITY_PAGES}/document", {"text": HANGZHOU.replace("0b6e4f", "8a1c1c")}),
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
    assert calls == 10, "add the new form to FORMS; a new document is based on nothing"


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
