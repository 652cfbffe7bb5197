"""The desk of a form on a phone, in both languages: taken over, decided, and the paper verified."""

from __future__ import annotations

import re

import pypdfium2
import pytest
from playwright.sync_api import expect

from tests.support.walk import Walk

pytestmark = pytest.mark.browser
DESK = "/cities/hangzhou/applications"


def test_staff_decide_and_anybody_verifies(walk: Walk) -> None:
    """From the navigation to the queue, the oldest application taken over; the clock stands still while
    more is asked and goes on; approved, its paper is downloaded, verified, revoked, and then told
    to be no more valid. Each page fits a phone and axe finds nothing."""
    page = walk.page
    walk.as_staff("hangzhou")
    walk.go("console", "/cities/hangzhou/overview")
    page.locator(f"nav a[href='{DESK}']").click()
    page.wait_for_url(f"**{DESK}")
    walk.check()
    page.locator("main table a").first.click()
    number = page.inner_text("main code").strip()
    walk.check()
    walk.press("接手", "Take it over")
    walk.sees("处理决定", "Your decision")
    walk.check()
    page.locator("summary").filter(has_text=walk.say("要求补充", "Ask for more")).click()
    page.fill("#missing", "示例：请写楼栋号。")
    page.locator("input[name=fields]").first.check()
    walk.check()
    walk.press("发给居民", "Ask the resident")
    walk.sees("暂停计时", "Stands still")
    walk.check()
    walk.press("不等了，继续办", "Go on without it")
    page.locator("input[value=refused]").check()
    walk.press("发出决定", "Send the decision")
    page.locator(".summary").wait_for()
    walk.errors.clear()  # the browser notes the 422 itself
    walk.check()
    page.locator("input[value=approved]").check()
    walk.press("发出决定", "Send the decision")
    walk.sees("下载证明", "Download the paper")
    walk.check()
    with page.expect_download() as waiting:
        walk.press("下载证明", "Download the paper")
    with pypdfium2.PdfDocument(waiting.value.path()) as document:
        text = document[0].get_textpage().get_text_bounded()
    assert number in text
    path = re.search(r"/verify/[0-9a-f]{32}", re.sub(r"\s", "", text))
    assert path is not None
    here = page.url
    walk.go("hangzhou", path[0])
    walk.sees("这份证明有效", "This paper is valid")
    expect(page.locator("main")).to_contain_text(number)
    walk.check()
    page.goto(here)
    page.locator("summary").filter(has_text=walk.say("撤销它", "Revoke it")).click()
    page.fill("#why", "示例：材料不实，撤销这份证明。")
    walk.press("撤销证明", "Revoke the paper")
    walk.sees("证明已撤销", "Paper revoked")
    walk.check()
    walk.go("hangzhou", path[0])
    walk.sees("这份证明已撤销", "This paper was revoked")
    walk.check()
    walk.go("console", here.partition("localhost")[2].partition("/")[2].join(("/", "/print")))
    expect(page.locator("main")).to_contain_text(number)
    walk.check()
