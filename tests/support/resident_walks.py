"""What residents do from the home page on, walked in a browser."""

from __future__ import annotations

from playwright.sync_api import expect

from tests.support.walk import Walk


def pays_two_bills(walk: Walk) -> None:
    """From the home page to the receipt; the amount follows what is chosen; being declined
    first costs nothing; the messages and the console know."""
    tile(walk, "utility-bills")
    come_in(walk)
    total = walk.page.locator("p.amount").inner_text()
    walk.check()
    box = walk.page.locator("input[name=bill]").first
    box.uncheck()
    expect(walk.page.locator("p.amount")).not_to_have_text(total)
    box.check()
    expect(walk.page.locator("form button [data-total]")).to_have_text(total)
    walk.page.locator("form[data-sum] button").click()
    walk.sees("不动真钱", "No money moves")
    walk.check()
    walk.page.locator("button[value=decline]").click()
    walk.sees("付款被拒", "was declined")
    walk.page.locator("button[value=alipay]").click()
    walk.sees(f"已缴 {total}", f"Paid {total}")
    walk.check()
    walk.page.emulate_media(media="print")
    expect(walk.page.locator(".receipt")).to_be_visible()
    expect(walk.page.locator(".tabbar")).to_be_hidden()
    walk.page.emulate_media(media="screen")
    walk.go(city(walk), "/me/payments")
    walk.check()
    walk.go(city(walk), "/me/messages")
    walk.sees(f"已缴 {total}", f"Paid {total}")
    walk.check()
    walk.go(city(walk), "/services/utility-bills")
    walk.sees("已缴，收据", "Paid, receipt")
    walk.check()
    walk.page.context.clear_cookies()
    walk.as_staff(city(walk))
    walk.page.wait_for_url(f"**/cities/{city(walk)}/overview")
    walk.go("console", f"/cities/{city(walk)}/payments")
    walk.check()
    walk.page.locator("td a code").first.click()
    walk.page.fill("#reason", "示例退款")
    walk.check()
    walk.page.locator("button.danger").click()
    walk.page.wait_for_timeout(300)
    expect(walk.page.locator("main")).to_contain_text("示例退款")
    walk.check()


def books_and_cancels(walk: Walk) -> None:
    """A symptom, a day, a time, for whom; a number and a code; given back. The fee is paid at the
    hospital here."""
    home = walk.say("shanghai", "guangzhou")
    walk.go(home)
    walk.page.locator("a.tile-head[href='/services/hospital-appointments']").click()
    walk.check()
    walk.page.fill("input[type=search]", walk.say("胸闷", "chest"))
    walk.press("搜索", "Search")
    walk.check()
    walk.page.locator("a.row[href*='/departments/']").first.click()
    walk.check()
    walk.page.locator("a.day.free").last.click()
    walk.page.locator("a.slot").first.click()
    walk.page.click("button[value=newcomer]")
    walk.check()
    walk.page.locator("main form button").last.click()
    expect(walk.page.locator(".summary")).to_be_visible()
    walk.errors.clear()  # the browser notes the 422 itself
    walk.check()
    walk.page.fill("#name", "示例新就诊人")
    walk.page.locator("input[name=relation][value=self]").check()
    walk.page.fill("#phone", "13800000000")
    walk.page.locator("main form button").last.click()
    expect(walk.page.locator("svg.qr")).to_be_visible()
    walk.check()
    walk.go(home, "/services/hospital-appointments/patients")
    walk.check()
    walk.page.locator("a[href$='/remove']").first.click()
    walk.check()
    walk.go(home, "/me")
    walk.check()
    walk.page.locator("a.row[href*='/appointments/']").first.click()
    walk.page.locator("summary").click()
    walk.check()
    walk.page.locator("button.danger").click()
    walk.sees("已取消", "Cancelled")
    walk.check()


def city(walk: Walk) -> str:
    """A city of its own for each language: a bill is paid once."""
    return walk.say("hangzhou", "guangzhou")


def tile(walk: Walk, path: str) -> None:
    walk.go(city(walk))
    walk.page.locator(f"a.tile-head[href='/services/{path}']").click()


def come_in(walk: Walk, subject: str = "household") -> None:
    walk.page.locator("a[href^='/sign-in?next']").first.click()
    walk.page.click(f"button[value={subject}]")
