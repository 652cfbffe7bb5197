"""The services' stories from the home page to the receipt, on a phone in both languages."""

from __future__ import annotations

import io

import pytest
from PIL import Image
from playwright.sync_api import expect

from tests.support.resident_walks import books_and_cancels, city, come_in, pays_two_bills, tile
from tests.support.walk import Walk, by_phone, number_of

pytestmark = pytest.mark.browser


def test_a_resident_pays_two_bills(walk: Walk) -> None:
    """From the home page to the receipt, on the console too."""
    pays_two_bills(walk)


def test_a_resident_books_and_cancels(walk: Walk) -> None:
    """From the home page to a number and a code, and back."""
    books_and_cancels(walk)


def test_a_number_is_verified_on_the_way(walk: Walk) -> None:
    """Somebody whom an app vouches for, and nobody can call: a hospital needs a number, says so,
    and the booking goes on where it was."""
    walk.go("hangzhou", "/services/hospital-appointments")
    walk.page.fill("input[type=search]", walk.say("胸闷", "chest"))
    walk.press("搜索", "Search")
    walk.page.locator("a.row[href*='/departments/']").first.click()
    walk.page.locator("a.day.free").last.click()
    walk.page.locator("a.slot").first.click()
    walk.press("用淘宝登录", "Sign in with Taobao")
    walk.page.get_by_text("示例用户甲" if walk.language == "zh" else "示例用户乙").click()
    walk.press("同意", "I agree")
    walk.sees("办理预约挂号前，请先验证手机号", "To use Hospital appointments, the city needs")
    walk.errors.clear()
    walk.check()
    walk.press("验证手机号", "Verify a mobile number")
    by_phone(walk, number_of(walk, 3))
    walk.page.wait_for_url("**/hospital-appointments/**")
    expect(walk.page.locator("#phone")).to_be_visible()
    walk.check()


def test_the_desk_calls_a_clinic_off(walk: Walk) -> None:
    """The day's list, and the words that everyone booked reads."""
    walk.as_staff(city(walk))
    walk.page.wait_for_url(f"**/cities/{city(walk)}/overview")
    walk.go("console", f"/cities/{city(walk)}/hospital-appointments")
    walk.page.locator("td a[href*='/sessions/']").last.click()
    walk.check()
    if walk.page.locator("details summary").count():
        walk.page.locator("details summary").click()
        walk.page.fill("#zh", "医生外出。")
        walk.page.fill("#en", "The doctor is away.")
        walk.page.locator("button.danger").click()
        walk.sees("已停诊", "Clinic cancelled")
        walk.check()


def test_a_resident_disputes_a_ticket(walk: Walk) -> None:
    """Looked up, linked, disputed with a photo; the desk answers, the resident reads it."""
    tile(walk, "traffic-tickets")
    walk.check()
    come_in(walk)
    walk.sees("待缴", "due")
    walk.check()
    walk.page.locator("section ul.rows a.row").first.click()
    walk.page.locator("summary").click()
    walk.check()
    picture = io.BytesIO()
    Image.new("RGB", (640, 480), "gray").save(picture, "JPEG")
    walk.page.fill("#reason", "我当时不在那里，车也不在。")
    walk.page.set_input_files(
        "#photos", {"name": "p.jpg", "mimeType": "image/jpeg", "buffer": picture.getvalue()}
    )
    walk.press("提交申诉", "Submit dispute")
    expect(walk.page.locator(".photos img")).to_be_visible()
    walk.check()
    path = walk.page.evaluate("location.pathname")
    resident = walk.page.context.cookies()
    walk.page.context.clear_cookies()
    walk.as_staff(city(walk))
    walk.page.wait_for_url(f"**/cities/{city(walk)}/overview")
    walk.go("console", f"/cities/{city(walk)}/traffic-tickets")
    walk.page.locator("a[href*='/disputes/']").first.click()
    walk.check()
    walk.page.locator("input[value=revoked]").check()
    walk.page.fill("#answer", "查实，撤销。")
    walk.press("答复", "Send answer")
    walk.sees("已答复", "Answered")
    walk.check()
    walk.page.context.clear_cookies()
    walk.page.context.add_cookies(resident)
    walk.go(city(walk), path)
    walk.sees("罚单已撤销", "The ticket is cancelled")
    walk.check()


def test_looking_up_without_an_account(walk: Walk) -> None:
    """A wrong piece says what to compare; the right one shows what is open."""
    tile(walk, "traffic-tickets")
    walk.page.fill("#plate", walk.say("浙A00017", "粤A00017"))
    walk.page.fill("#tail", "X")
    walk.page.locator("form button").first.click()
    expect(walk.page.locator(".summary")).to_be_visible()
    walk.errors.clear()
    walk.check()
    walk.page.fill("#tail", "a00017")
    walk.page.locator("form button").first.click()
    walk.sees("登录后缴费或申诉", "Sign in to pay or dispute")
    walk.check()
