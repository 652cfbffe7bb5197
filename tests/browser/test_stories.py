"""The three users' stories, walked on a phone in both languages, with axe at every stop."""

from __future__ import annotations

import json
import re
import urllib.request

import pytest
from playwright.sync_api import expect

from tests.support.walk import PASSWORD, Walk

pytestmark = pytest.mark.browser


def test_a_resident_links_an_account_and_sees_the_bills(walk: Walk) -> None:
    """Opens the city, searches, signs in, links water, corrects a mistake, sees the bills."""
    walk.go("quzhou")
    walk.sees("想办什么事", "What do you need to do?")
    walk.check()
    walk.page.fill("input[type=search]", "shuifei")
    walk.press("搜索", "Search")
    walk.check()
    walk.page.locator(".tile-head").first.click()
    walk.check()
    walk.page.locator("a[href^='/sign-in?next']").first.click()
    walk.check()
    walk.page.click("button[value=newcomer]")
    walk.sees("还没有绑定户号", "No accounts linked yet")
    walk.check()
    walk.page.locator("a[href$='/link']").last.click()
    walk.page.fill("#number", "41002")
    walk.page.fill("#holder", "示例新住户")
    walk.page.fill("#nickname", walk.say("我家", "home"))
    walk.press("绑定", "Link")
    expect(walk.page.locator(".summary")).to_be_visible()
    expect(walk.page.locator("#holder")).to_have_value("示例新住户")
    walk.errors.clear()  # the browser notes the 422 itself
    walk.check()
    walk.page.fill("#number", "4100280019")
    walk.page.locator("form button").last.click()
    walk.sees("近 12 个月", "in 12 months")
    expect(walk.page.locator("svg.chart")).to_be_visible()
    walk.check()
    walk.page.locator("summary").click()
    walk.check()
    walk.go("quzhou", "/me")
    walk.check()
    walk.page.locator("a.row[href*='utility-bills']").first.click()
    walk.page.locator("a[href$='/unlink']").click()  # unlinked again, for the other language
    walk.check()
    walk.page.locator("main form button").click()
    walk.page.wait_for_url("**/me")


def test_a_paused_service_and_an_unknown_address(walk: Walk) -> None:
    """Says why and since when; an address without a city names none."""
    walk.go("wuhan")
    walk.sees("账单系统升级", "The billing system is being upgraded")
    walk.check()
    walk.go("wuhan", "/services/utility-bills")
    walk.sees("现在还能做", "What you can still do")
    walk.errors.clear()
    walk.check()
    walk.go("nowhere")
    walk.sees("这个网址没有网站", "There is no site at this address")
    walk.errors.clear()
    walk.check()
    walk.go("xiamen")
    expect(walk.page.locator("a[href$='/utility-bills']")).to_have_count(0)
    walk.check()


@pytest.mark.parametrize(
    "path", ["/?text=large", "/announcements", "/privacy", "/accessibility", "/services"]
)
def test_a_sites_other_pages(walk: Walk, path: str) -> None:
    """Large text, notices and what a public site must have."""
    walk.go("guangzhou", path)
    walk.check()


def test_city_staff_pause_and_open_a_service(walk: Walk) -> None:
    """One press, visible at once on the site, in the history, and undone as easily."""
    walk.as_staff("shanghai")
    walk.check()
    walk.page.locator("nav a[href$='/cities/shanghai']").first.click()
    walk.check()
    walk.page.locator("a[href$='/pause']").first.click()
    walk.check()
    walk.page.fill("#zh", "系统升级，周五恢复。")
    walk.page.fill("#en", "Back on Friday.")
    expect(walk.page.locator("#looks")).to_contain_text("Back on Friday.")
    walk.check()
    walk.page.locator("form#pause button").first.click()
    walk.page.wait_for_url("**done=*")
    walk.check()
    notice = walk.say("系统升级，周五恢复。", "Back on Friday.")
    walk.go_until("shanghai", walk.page.get_by_text(notice).first)
    walk.check()
    walk.page.go_back()
    walk.page.locator(".notice.ok button").first.click()
    walk.page.wait_for_url("**/history?done=*")
    walk.check()
    expect(walk.page.locator(".revision del").first).to_contain_text(walk.say("暂停", "Paused"))
    walk.page.locator(".revision a").first.click()
    walk.check()


@pytest.mark.parametrize(
    "path",
    [
        "/branding",
        "/announcements",
        "/document",
        "/audit",
        "/utility-bills",
        "/hospital-appointments",
        "/traffic-tickets",
        "/payments",
        "/payments/closings",
    ],
)
def test_a_citys_other_console_pages(walk: Walk, path: str) -> None:
    """Branding, announcements, configuration, audit log and a desk."""
    walk.as_staff("hangzhou")
    walk.page.wait_for_url("**/cities/hangzhou/overview")
    walk.go("console", f"/cities/hangzhou{path}")
    walk.check()


CITIES = {
    "zh": ("湖州", "330500", "huzhou", "湖州市"),
    "en": ("lishui", "331100", "lishui", "Lishui"),
}


def test_a_province_admin_takes_a_city_live(walk: Walk) -> None:
    """Found in the official list, previewed, ready, live; the site answers on every process."""
    query, code, slug, name = CITIES[walk.language]
    walk.as_staff("zhejiang")
    walk.sees("近 30 天使用", "Use in the last 30 days")
    walk.check()
    walk.page.locator("a[href$='/onboard'].button").click()
    walk.check()
    walk.page.fill("#find", query)
    walk.page.keyboard.press("Tab")
    expect(walk.page.locator(".divisions label")).to_have_count(1)
    walk.page.check(f"input[value='{code}']")
    expect(walk.page.locator("pre.yaml")).to_contain_text(f"city: {slug}")
    walk.page.fill("#color", "#8a1f6a")
    walk.page.locator("#color").dispatch_event("change")
    expect(walk.page.locator("pre.yaml")).to_contain_text("#8a1f6a")
    expect(walk.page.frame_locator("iframe").locator(".mark strong")).to_have_text(name)
    walk.check()
    walk.page.locator("button[name=live]").click()
    walk.page.wait_for_url(f"**made={slug}")
    walk.check()
    for _request in range(6):  # both processes
        walk.go_until(slug, walk.page.locator(".mark strong", has_text=name))
    walk.check()


def test_many_cities_from_a_csv(walk: Walk) -> None:
    """A progress bar that moves by itself, and a fault told by its line."""
    walk.as_staff("guangdong")
    walk.page.wait_for_url("**/provinces/guangdong")
    walk.go("console", "/provinces/guangdong/rollouts")
    walk.check()
    start = {"zh": 9500, "en": 9600}[walk.language]
    rows = "division_code,slug,name_zh,name_en,province_slug\n" + "".join(
        f"44{start + n},{walk.language}-town-{n},示例城{n},Sample Town {n},guangdong\n"
        for n in range(30)
    )
    rows += f"44{start + 40},,缺,Missing,guangdong\n"
    walk.page.set_input_files(
        "#file", {"name": "cities.csv", "mimeType": "text/csv", "buffer": rows.encode()}
    )
    walk.press("预览结果", "Preview the result")
    walk.check()
    walk.page.locator("main").get_by_role("button", name=walk.say("导入", "Import")).click()
    expect(walk.page.locator("progress")).to_have_attribute("value", "31", timeout=60_000)
    expect(walk.page.locator("table")).to_contain_text("32")
    walk.check()


@pytest.mark.parametrize(
    "path",
    ["/platform", "/platform/staff", "/platform/audit", "/platform/document", "/platform/history"],
)
def test_the_operators_pages(walk: Walk, path: str) -> None:
    """Provinces, accounts, audit log and the platform's document."""
    walk.as_staff("operator")
    walk.page.wait_for_url("**/platform")
    walk.go("console", path)
    walk.check()


def test_the_index_of_cities(walk: Walk) -> None:
    """The platform's own host lists the live cities and leads to them."""
    walk.go("")
    walk.check()
    walk.page.get_by_text(walk.say("杭州市", "Hangzhou")).click()
    walk.sees("想办什么事", "What do you need to do?")


def test_a_switch_carries_what_is_typed_and_not_sent(walk: Walk) -> None:
    """Promise: whoever changes the language or the size of the text while filling in a form loses
    nothing, time and again, and sends nothing; a password is not carried."""
    other = {"zh": "en", "en": "zh"}[walk.language]
    walk.go("quzhou", "/sign-in?next=/services/utility-bills/link")
    walk.page.click("button[value=household]")
    walk.page.wait_for_url("**/link")
    walk.page.locator("input[name=kind]").last.check()
    kind = walk.page.locator("input[name=kind]:checked").get_attribute("value")
    walk.page.fill("#number", "41002")
    walk.page.fill("#holder", "示例")
    walk.page.locator("[data-switch][href*='text=large']:visible").first.click()
    expect(walk.page.locator("html")).to_have_attribute("data-text", "large")
    expect(walk.page.locator("#number")).to_have_value("41002")
    walk.check()
    walk.page.fill("#holder", "示例新住户")
    walk.page.locator(f"[data-switch][formaction*='lang={other}']:visible").first.click()
    expect(walk.page.locator("html")).to_have_attribute("lang", re.compile(f"^{other}"))
    expect(walk.page.locator("#holder")).to_have_value("示例新住户")
    assert walk.page.locator("input[name=kind]:checked").get_attribute("value") == kind
    expect(walk.page.locator(".summary")).to_have_count(0)
    walk.go("console", "/sign-in")
    walk.page.fill("#username", "quzhou")
    walk.page.fill("#password", PASSWORD)
    with walk.page.expect_request(lambda sent: sent.method == "POST") as posted:
        walk.page.locator(f"[data-switch][href*='lang={other}']:visible").first.click()
    assert PASSWORD not in (posted.value.post_data or "")
    expect(walk.page.locator("html")).to_have_attribute("lang", re.compile(f"^{other}"))
    expect(walk.page.locator("#username")).to_have_value("quzhou")
    expect(walk.page.locator("#password")).to_have_value("")
    assert walk.errors == []


def test_without_javascript_the_switches_still_work(walk: Walk) -> None:
    """Open and close are plain forms."""
    context = walk.page.context.browser.new_context(java_script_enabled=False)  # type: ignore[union-attr]
    page = context.new_page()
    page.goto(walk.server.url("console", "/sign-in"))
    page.fill("#username", "guangzhou")
    page.fill("#password", PASSWORD)
    page.locator("form button").first.click()
    page.locator("nav a[href$='/cities/guangzhou']").first.click()
    page.locator(".switch button").last.click()
    page.wait_for_url("**done=*")
    page.locator(".notice.ok button").first.click()
    page.wait_for_url("**/history?done=*")
    context.close()


def test_the_probe_of_the_demos_accounts(walk: Walk) -> None:
    """``/demo.json`` names accounts that really sign in."""
    request = urllib.request.Request(
        f"http://127.0.0.1:{walk.server.port}/demo.json", headers={"Host": "localhost"}
    )
    with urllib.request.urlopen(request, timeout=10) as answer:
        found = json.load(answer)
    assert {account["username"] for account in found["staff"]} >= {
        "operator",
        "zhejiang",
        "hangzhou",
    }
    assert found["residents"]
