"""Rating on a phone, in both languages: one press, words, a dispute opened again, the desk's answer."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.support.walk import Walk

pytestmark = pytest.mark.browser


def city(walk: Walk) -> str:
    """A city of its own for each language: an act is rated once."""
    return walk.say("wuhan", "chengdu")


def come_in(walk: Walk, subject: str) -> None:
    walk.go(city(walk), "/sign-in")
    walk.page.click(f"button[value={subject}]")
    walk.page.wait_for_url(lambda url: "/sign-in" not in url)


def test_a_visit_is_rated_by_one_press(walk: Walk) -> None:
    """All five are alike and large enough; the press is enough, the rest can be left."""
    come_in(walk, "household")
    walk.go(city(walk), "/services/hospital-appointments/appointments")
    walk.page.locator("main a[href*='/appointments/']").last.click()
    walk.sees("这次就诊怎么样", "How was the visit?")
    walk.check()
    levels = walk.page.locator("button[name=level]")
    boxes = [one.bounding_box() for one in levels.all()]
    assert len({(box["width"], box["height"]) for box in boxes if box}) == 1
    assert all(box and box["height"] >= 44 for box in boxes)
    levels.nth(1).click()
    walk.sees("谢谢你的评价", "Thank you")
    walk.check()
    walk.page.go_back()
    walk.page.reload()
    expect(levels).to_have_count(0)
    walk.sees("你的评价", "Your rating")
    walk.check()
    walk.go(city(walk), "/me/ratings")
    walk.check()


def test_a_dispute_is_rated_opened_again_and_both_desks_answer(walk: Walk) -> None:
    """From the answer that was no help to the second one, and the answer to the rating."""
    come_in(walk, "parents")
    walk.go(city(walk), "/services/traffic-tickets")
    walk.page.locator("section ul.rows a.row").first.click()
    ticket = walk.page.evaluate("location.pathname")
    walk.sees("这次申诉办得怎么样", "How was your dispute handled?")
    walk.check()
    walk.page.locator("button[value=dissatisfied]").click()
    walk.page.locator("input[value=reason_missing]").check()
    walk.page.fill("#words", "no")
    walk.page.locator("input[name=not_solved]").check()
    walk.press("提交", "Send")
    walk.sees("10 到 1,000", "10 to 1,000")
    walk.errors.clear()  # the browser notes a 422 itself
    expect(walk.page.locator("input[type=checkbox][name=not_solved]")).to_be_checked()
    walk.check()
    walk.page.fill("#words", "示例：请看第 2 分钟的录像。")
    walk.press("提交", "Send")
    walk.sees("已重新办理", "It was opened again")
    walk.sees("城市会答复你", "The city answers you")
    walk.check()
    rating = walk.page.evaluate("location.pathname")
    walk.go(city(walk), ticket)
    walk.sees("第一次答复", "First answer")
    walk.check()
    walk.page.context.clear_cookies()
    walk.as_staff("operator")
    walk.go("console", f"/cities/{city(walk)}/ratings?service=traffic_tickets")
    walk.check()
    walk.page.locator("main table a").first.click()
    walk.sees("示例：请看第 2 分钟的录像。", "示例：请看第 2 分钟的录像。")
    walk.check()
    walk.page.fill("#answer", "示例：已请另一位同事再看。")
    walk.press("答复", "Send answer")
    walk.page.locator(".notice.ok").wait_for()
    walk.check()
    walk.page.context.clear_cookies()
    come_in(walk, "parents")
    walk.go(city(walk), "/me/messages")
    walk.page.locator(f"a[href='{rating}']").click()
    walk.sees("示例：已请另一位同事再看。", "示例：已请另一位同事再看。")
    walk.check()
