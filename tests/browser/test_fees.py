"""Consultation fees on a phone, in both languages: paid ahead, and after the visit."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.support.walk import Walk

pytestmark = pytest.mark.browser
ROOT = "/services/hospital-appointments"


def come_in(walk: Walk, subject: str) -> None:
    walk.go("hangzhou", "/sign-in")
    walk.page.click(f"button[value={subject}]")


def choose_a_slot(walk: Walk, department: str) -> None:
    """A department by its name, the last day with a free place, its first time."""
    walk.go("hangzhou", f"{ROOT}?q={department}")
    walk.page.locator("a.row[href*='/departments/']").first.click()
    walk.page.locator("a.day.free").last.click()
    walk.check()
    walk.page.locator("a.slot").first.click()
    walk.page.wait_for_url("**/book?at=*")


def test_a_resident_pays_ahead(walk: Walk) -> None:
    """The form says what is paid and what happens otherwise; left unpaid, the place is held and says
    until when; paid, it is booked with its code; cancelled in time, the fee goes back."""
    come_in(walk, "parents")
    choose_a_slot(walk, walk.say("骨科", "Orthopaedics"))
    walk.sees("留号 30 分钟", "held for 30 minutes")
    walk.check()
    if walk.page.locator("input[name=patient][value=new]").is_checked():
        walk.page.fill("#name", walk.say("示例老人", "Sample Elder"))
        walk.page.locator("input[name=relation][value=parent]").check()
        walk.page.fill("#phone", walk.say("13800000001", "13800000002"))
    walk.page.locator("main form button").last.click()
    walk.sees("不动真钱", "No money moves")
    walk.go("hangzhou", "/me")
    walk.sees("过时不留号", "or the slot is given back")
    walk.check()
    walk.page.locator("a.row[href*='/appointments/']").first.click()
    walk.sees("已为你留号", "Held for you")
    expect(walk.page.locator("svg.qr")).to_have_count(0)
    walk.check()
    path = walk.page.url
    walk.page.locator("form[action$='/pay'] button").click()
    walk.sees("不动真钱", "No money moves")
    walk.page.locator("button[value=alipay]").click()
    walk.sees("已缴 ¥", "Paid ¥")
    walk.check()
    walk.page.goto(path)
    expect(walk.page.locator("svg.qr")).to_be_visible()
    walk.sees("预约成功", "Booked: ")
    walk.check()
    walk.page.locator("summary").click()
    walk.sees("诊费按原路退回", "Your fee goes back to what you paid with")
    walk.check()
    walk.page.locator("button.danger").click()
    walk.sees("诊费按原路退回", "Your fee goes back to what you paid with")
    walk.check()


def test_a_member_pays_after_the_visit(walk: Walk) -> None:
    """What is due stands on the resident's own page with its day and is paid like anything else; a new
    booking may be paid after the visit, and given back nothing is due; the desk sees what is open."""
    walk.as_staff("hangzhou")
    walk.page.wait_for_url("**/cities/hangzhou/overview")
    walk.go("console", "/cities/hangzhou/hospital-appointments")
    walk.sees("网上待缴的诊费", "Fees to be paid on the site")
    walk.check()
    walk.page.context.clear_cookies()
    come_in(walk, "household")
    walk.go("hangzhou", "/me")
    walk.sees("诊费 · ", "Consultation fee · ")
    walk.check()
    walk.go("hangzhou", f"{ROOT}/fees")
    walk.check()
    boxes = walk.page.locator("input[name=appointment]")
    for place in range(1, boxes.count()):
        boxes.nth(place).uncheck()
    amount = walk.page.locator("form[data-sum] label").first.locator("strong").last.inner_text()
    expect(walk.page.locator("p.amount")).to_have_text(amount)
    walk.page.locator("form[data-sum] button").first.click()
    walk.sees("不动真钱", "No money moves")
    walk.page.locator("button[value=alipay]").click()
    walk.sees(f"已缴 {amount}", f"Paid {amount}")
    walk.go("hangzhou", "/services/city-credit/mine")
    walk.sees("就诊后 7 天内缴", "Pay within 7 days after the visit")
    walk.check()
    choose_a_slot(walk, walk.say("骨科", "Orthopaedics"))
    walk.sees("先诊后付", "After the visit")
    walk.check()
    walk.page.locator("input[name=pays][value=after]").check()
    walk.page.locator("main form button").last.click()
    walk.page.wait_for_url(re.compile(r"/appointments/[0-9a-f-]+$"))
    walk.sees("就诊后 7 天内缴", "within 7 days after the visit")
    expect(walk.page.locator("svg.qr")).to_be_visible()
    walk.check()
    walk.page.locator("summary").click()
    walk.page.locator("button.danger").click()
    walk.sees("不用缴", "Nothing to pay")
    walk.check()
