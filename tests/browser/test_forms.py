"""Services that a document defines on a phone, in both languages: from the search to a number."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from playwright.sync_api import expect

from smartcity_saas.clock import utc_now
from tests.support.applications import PDF, picture
from tests.support.walk import Walk

pytestmark = pytest.mark.browser
LEASE = {"name": "lease.pdf", "mimeType": "application/pdf", "buffer": PDF}
NUMBER = "110101199003070011"
"""A sample, with the check digit of GB 11643."""
PHOTOGRAPH = {"name": "photo.png", "mimeType": "image/png", "buffer": picture()}


def site(walk: Walk) -> str:
    """A city that no other walk changes, for each language its own."""
    return walk.say("chengdu", "xian")


def offer(walk: Walk, sample: str) -> None:
    """Add a service from the library on the console, unless that was done, and wait until residents
    find it."""
    page = f"/services/{sample.replace('_', '-')}"
    walk.go(site(walk), page)
    walk.errors.clear()  # the browser notes a 404 itself
    if walk.page.locator("dl.at-a-glance").count():
        return
    walk.as_staff("operator")
    walk.go("console", f"/cities/{site(walk)}/new-service")
    walk.check()
    walk.page.locator(f"a[href$='?sample={sample}']").click()
    walk.sees("居民会看到", "Residents will see")
    walk.check()
    walk.press("添加", "Add the service")
    walk.page.wait_for_url(re.compile(rf"/cities/{site(walk)}[^/]*$"))
    walk.page.context.clear_cookies()


def search(walk: Walk, zh: str, en: str, title_zh: str, title_en: str) -> None:
    """Find a service as a resident does, from the first page."""
    walk.go(site(walk))
    walk.page.fill("input[name=q]", walk.say(zh, en))
    walk.page.keyboard.press("Enter")
    walk.page.wait_for_url("**/search?q=*")
    walk.check()
    walk.page.get_by_role("link", name=walk.say(title_zh, title_en)).first.click()
    walk.page.locator("dl.at-a-glance").wait_for()
    walk.check()


def begin(walk: Walk, subject: str) -> None:
    """From the first page of a service, signed out, to its first step."""
    here = walk.page.url
    walk.press("登录后", "Sign in to begin")
    walk.page.click(f"button[value={subject}]")
    walk.page.goto(here)
    walk.check()
    walk.page.locator("form[action$='/begin'] button").click()
    walk.page.locator("ol.form-progress, input[name=real_name]").first.wait_for()
    if walk.page.locator("input[name=real_name]").count():
        prove_name(walk)
        walk.page.locator("form[action$='/begin'] button").click()
        walk.page.locator("ol.form-progress").wait_for()
    walk.check()


def prove_name(walk: Walk) -> None:
    """Prove one's real name where a service asks for it, which leads back to it."""
    walk.page.fill("input[name=real_name]", "示例居民")
    walk.page.fill("input[name=number]", NUMBER)
    walk.page.check("input[name=agree]")
    walk.press("认证", "Verify")
    walk.page.locator("dl.at-a-glance").wait_for()


def go_on(walk: Walk) -> None:
    """Press “next”."""
    walk.page.locator("button[name=go][value=next]:visible").click()


def live_at(walk: Walk, name: str = "address") -> None:
    """Fill in an address in the site's own city, which is chosen already."""
    walk.page.select_option(f"#answer-{name}-district", index=1)
    walk.page.fill(f"#answer-{name}-line", walk.say("示例路 18 号", "18 Sample Road"))


def day(days: int) -> str:
    """A day some days from now, as people write it."""
    return (utc_now() + timedelta(days=days)).date().isoformat()


def test_a_free_service_asks_for_what_an_answer_needs(walk: Walk) -> None:
    """With the script a condition acts at once; what does not fit is told at its field, and what was
    saved is there on another day; a number in the end, and a way back to it."""
    offer(walk, "residence_permit_renewal")
    search(walk, "居住证", "residence permit", "居住证签注", "Residence permit renewal")
    begin(walk, "household")
    expect(walk.page.locator("#answer-since")).to_be_hidden()
    walk.page.locator("input[name=answer-moved][value=yes]").check()
    expect(walk.page.locator("#answer-since")).to_be_visible()
    expect(walk.page.locator("#answer-lease-new")).to_be_hidden()
    walk.page.locator("input[name=answer-home][value=rented]").check()
    expect(walk.page.locator("#answer-lease-new")).to_be_visible()
    live_at(walk)
    walk.page.select_option("#answer-address-province", "330000")
    walk.page.select_option("#answer-address-city", "330100")
    said = walk.say("西湖区", "Xihu District")
    walk.page.select_option("#answer-address-district", label=said)
    walk.page.fill("#answer-since", day(3))
    walk.check()
    go_on(walk)
    walk.sees("还没到", "has not come yet")
    walk.errors.clear()  # the browser notes a 422 itself
    walk.check()
    walk.page.fill("#answer-since", day(-20))
    walk.page.set_input_files("#answer-lease-new", files=[LEASE])
    go_on(walk)
    walk.page.wait_for_url("**/steps/2")
    walk.check()
    walk.page.locator("button[value=later]").click()
    walk.sees("随时", "whenever you like")
    walk.check()
    walk.go(site(walk), "/services/residence-permit-renewal")
    walk.check()
    walk.page.locator("main a.button").click()
    walk.page.fill("#answer-phone", "13800000001")
    walk.page.locator("input[name=answer-declaration]").check()
    go_on(walk)
    walk.page.wait_for_url(re.compile(r"/check(#|$)"))
    walk.sees("lease.pdf", "lease.pdf")
    walk.check()
    walk.page.locator("form[action$='/submit'] button").click()
    follow(walk, "RPR")


def test_a_fee_is_paid_with_sending(walk: Walk) -> None:
    """What it costs stands before anything; sending leads to the pay page, paying to the number."""
    offer(walk, "dog_licence")
    search(walk, "狗证", "dog", "养犬登记", "Dog licence")
    walk.sees("¥20.00", "¥20.00")
    begin(walk, "parents")
    walk.page.fill("#answer-dog", walk.say("豆豆", "Bean"))
    walk.page.fill("#answer-breed", walk.say("柴犬", "Shiba"))
    walk.page.fill("#answer-shoulder", "38")
    walk.page.locator("input[name=answer-neutered][value=no]").check()
    walk.page.fill("#answer-vaccinated_on", day(-30))
    walk.page.set_input_files("#answer-portrait-new", files=[PHOTOGRAPH])
    go_on(walk)
    walk.page.wait_for_url("**/steps/2")
    live_at(walk)
    walk.page.locator("input[name=answer-declaration]").check()
    walk.check()
    go_on(walk)
    walk.page.wait_for_url(re.compile(r"/check(#|$)"))
    walk.check()
    walk.press("提交并缴费 ¥20.00", "Send it and pay ¥20.00")
    walk.sees("不动真钱", "No money moves")
    walk.page.locator("button[value=alipay]").click()
    walk.sees("已缴 ¥20.00", "Paid ¥20.00")
    walk.check()
    walk.go(site(walk), "/applications")
    walk.page.locator("main .card a[href^='/applications/']").first.click()
    follow(walk, "DL")


def test_a_certificate_is_applied_for(walk: Walk) -> None:
    """Whoever has proved who they are is named, not asked again; the answers can be changed before
    they are sent, and the application is withdrawn as easily as it was made."""
    offer(walk, "proof_of_residence")
    search(walk, "居住证明", "proof of residence", "居住证明", "Proof of residence")
    begin(walk, "household")
    fill_in_proof(walk, "school")
    walk.check()
    go_on(walk)
    walk.page.wait_for_url(re.compile(r"/check(#|$)"))
    walk.check()
    walk.page.locator("a.change-link[href*='#answer-purpose']").first.click()
    walk.page.locator("input[name=answer-purpose][value=other]").check()
    walk.page.fill("#answer-purpose_words", walk.say("租房", "Renting"))
    go_on(walk)
    walk.page.wait_for_url(re.compile(r"/check(#|$)"))
    walk.sees("租房", "Renting")
    walk.page.locator("form[action$='/submit'] button").click()
    follow(walk, "POR")
    walk.page.locator("main a[href$='/withdraw']").first.click()
    walk.check()
    walk.page.locator("button.danger").click()
    walk.sees("已撤回", "Withdrawn")
    walk.check()


def test_it_works_without_the_script(walk_without_script: Walk) -> None:
    """What an answer asks for is asked once it was sent; the rest is as with the script."""
    walk = walk_without_script
    offer(walk, "proof_of_residence")
    walk.go(site(walk), "/services/proof-of-residence")
    begin(walk, "household")
    fill_in_proof(walk, "other")
    expect(walk.page.locator("#answer-purpose_words")).to_have_count(0)
    go_on(walk)
    walk.sees("还要填几项", "ask for a little more")
    walk.page.fill("#answer-purpose_words", walk.say("租房", "Renting"))
    go_on(walk)
    walk.page.wait_for_url(re.compile(r"/check(#|$)"))
    walk.page.locator("form[action$='/submit'] button").click()
    follow(walk, "POR")


def fill_in_proof(walk: Walk, purpose: str) -> None:
    """Answer the only step of the proof of residence."""
    walk.page.locator("input[name=answer-whose-who][value=self]").check()
    live_at(walk)
    walk.page.fill("#answer-since", day(-400))
    walk.page.locator(f"input[name=answer-purpose][value={purpose}]").check()


def follow(walk: Walk, letters: str) -> None:
    """See the number of what was sent, and find it again among one's own."""
    walk.page.locator("p.application-number").wait_for()
    number = walk.page.locator("p.application-number strong").inner_text()
    assert re.fullmatch(rf"[A-Z]{{2}}-{letters}-\d{{4}}-\d{{4,}}", number), number
    walk.sees("已收到", "We have received it")
    walk.check()
    walk.go(site(walk), "/applications")
    walk.sees(number, number)
    walk.check()
    walk.page.locator(f"main a[href='/applications/{number}']").first.click()
    walk.page.locator("p.application-number").wait_for()
