"""City credit on a phone, in both languages: reading why, appealing, being answered, a certificate."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.support.walk import Walk

pytestmark = pytest.mark.browser
ROOT = "/services/city-credit"


def test_a_stranger_reads_the_rules_joins_and_leaves(walk: Walk) -> None:
    """What counts and what it opens stand before joining; without the tick nothing is kept; leaving
    says what it does."""
    walk.go("hangzhou", ROOT)
    walk.sees("按时缴水电燃气费", "Utility bills paid on time")
    walk.check()
    walk.page.locator(f"a[href='/sign-in?next={ROOT}']").click()
    walk.page.click(f"button[value={walk.say('parents', 'newcomer')}]")
    walk.go("hangzhou", ROOT)
    walk.check()
    walk.press("加入城市信用", "Join city credit")
    walk.sees("请先勾选", "Tick the box")
    walk.errors.clear()  # the browser notes a 422 itself
    walk.check()
    walk.page.check("input[name=source][value='utility_bills.paid_in_time']")
    walk.page.check("input[name=source][value=volunteer_hours]")
    walk.page.check("input[name=agree]")
    walk.press("加入城市信用", "Join city credit")
    walk.page.wait_for_url(f"**{ROOT}/mine")
    walk.sees("按时缴水电燃气费，志愿服务", "Utility bills paid on time, Volunteer hours")
    walk.sees("起步，你在这里", "Starting, you are here")
    walk.check()
    walk.page.locator(f"a[href='{ROOT}/rules']").click()
    walk.sees("用数字说", "In figures")
    walk.check()
    walk.go("hangzhou", f"{ROOT}/mine")
    walk.page.locator(f"a[href='{ROOT}/leave']").click()
    walk.check()
    walk.press("退出并删除我的记录", "Leave and erase my entries")
    walk.sees("你的记录已删除", "Your entries are erased")
    walk.check()


def test_a_member_reads_why_appeals_is_answered_and_shows_a_certificate(walk: Walk) -> None:
    """From the level to the last entry, an appeal with its clock, the desk's answer, and a code."""
    walk.go("hangzhou", "/sign-in")
    walk.page.click("button[value=household]")
    walk.go("hangzhou", f"{ROOT}/mine")
    walk.sees("你的等级", "Your level")
    walk.check()
    walk.page.locator(f"a[href='{ROOT}/sources']").first.click()
    walk.page.uncheck("input[name=source] >> nth=0")
    walk.check()
    walk.press("保存", "Save my choice")
    walk.sees("6 条记录当场删除", "6 entries are erased at once")
    walk.check()
    walk.page.locator(f"main a.button[href='{ROOT}/sources']").click()
    walk.go("hangzhou", f"{ROOT}/mine")
    walk.page.locator(f"a[href='{ROOT}/entries']").click()
    place = 0 if walk.say("zh", "en") == "zh" else 1
    summary = walk.page.locator("details summary").nth(place)
    summary.click()
    walk.check()
    walk.page.locator("details").nth(place).locator("a[href$='/appeal']").click()
    walk.press("提交申诉", "Send the appeal")
    walk.sees("10 到 1,000", "10 to 1,000")
    walk.errors.clear()
    walk.check()
    walk.page.fill("#reason", "示例：银行有记录，请核对。")
    walk.press("提交申诉", "Send the appeal")
    walk.page.wait_for_url(f"**{ROOT}/mine#appeals")
    walk.sees("还有 15 个工作日", "15 working days left")
    walk.check()
    walk.page.locator("form[action$='/certificates'] button").first.click()
    expect(walk.page.locator("p.amount")).to_have_text(re.compile(r"\s*\d{5} \d{5}\s*"))
    walk.check()
    walk.page.context.clear_cookies()
    walk.as_staff("hangzhou")
    walk.page.wait_for_url("**/cities/hangzhou/overview")
    walk.go("console", "/cities/hangzhou/city-credit")
    walk.check()
    walk.page.locator("main a[href*='/appeals/']").last.click()
    walk.page.locator("input[value=upheld]").check()
    walk.page.fill("#answer", "示例答复")
    walk.check()
    walk.page.locator("main form button").last.click()
    walk.sees("居民", "The resident")
    walk.page.context.clear_cookies()
    walk.go("hangzhou", "/sign-in")
    walk.page.click("button[value=household]")
    walk.go("hangzhou", f"{ROOT}/mine")
    walk.sees("示例答复", "示例答复")
    walk.check()
