"""A problem reported on a phone, in both languages: from the photograph to opened again."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import Route, expect

from tests.support.problem_reports import NUMBER, ROOT, photograph
from tests.support.walk import Walk

pytestmark = pytest.mark.browser
DESK = "/cities/qingdao/problem-reports"


def picture(color: str) -> Any:
    """A photograph as a form takes it."""
    content, name = photograph(color)
    return {"name": name, "mimeType": "image/jpeg", "buffer": content.getvalue()}


def come_in(walk: Walk, subject: str) -> None:
    """Sign in anew as one of the sample residents."""
    walk.page.context.clear_cookies()
    walk.go("qingdao", "/sign-in")
    walk.page.click(f"button[value={subject}]")
    walk.page.wait_for_url(lambda url: "/sign-in" not in url)


def report(walk: Walk, place: str) -> str:
    """Report a street light that is out, with a photograph and the phone's position; its number. What
    is missing at first is told, and the photograph and the position are kept."""
    latitude = 36.1 if walk.language == "zh" else 36.2
    walk.page.context.grant_permissions(["geolocation"])
    walk.page.context.set_geolocation({"latitude": latitude, "longitude": 120.4, "accuracy": 12})
    walk.go("qingdao", ROOT)
    walk.check()
    walk.page.set_input_files("#photos", picture("navy"))
    walk.page.locator("button[data-locate]").click()
    walk.sees("已定位，误差约 12 米", "Position taken, to about 12 m")
    walk.page.fill("#place", place)
    walk.page.fill("#words", "示例：第三盏灯不亮。")
    walk.page.locator("form[data-report] button.wide").last.click()
    walk.sees("请选是什么问题", "Choose what the problem is")
    expect(walk.page.locator("input[name=kept]")).to_be_checked()
    sent = walk.page.locator("form[data-report] input[name=latitude]")
    expect(sent).to_have_value(f"{latitude:.6f}")
    walk.errors.clear()  # the browser notes a 422 itself
    walk.check()
    walk.page.locator("input[name=category]").first.check()
    expect(walk.page.locator("[data-next=department]")).to_have_text(
        re.compile(walk.say("派给.+", "Assigned to .+"))
    )
    walk.check()
    walk.page.locator("form[data-report] button.wide").last.click()
    walk.page.wait_for_url("**?new=1")
    walk.sees("收到了，编号", "Received. Your number is")
    walk.check()
    found = NUMBER.search(walk.page.url)
    assert found is not None
    return found[1]


def answer(walk: Walk, number: str) -> None:
    """At the desk: find it by its number, assign it, answer it from a template with a photograph."""
    walk.page.context.clear_cookies()
    walk.as_staff("operator")
    walk.go("console", DESK)
    walk.check()
    walk.page.fill("input[name=text]", number)
    walk.page.locator("form.filters button").click()
    walk.page.locator(f"main td a[href^='{DESK}/']").click()
    walk.sees("示例：第三盏灯不亮。", "示例：第三盏灯不亮。")
    walk.check()
    walk.page.locator("form[action$='/assign'] button").click()
    walk.sees("已保存，报的人在页面上看得到", "Saved. Whoever reported it can see it")
    walk.page.locator("a[href*='?answer=']").first.click()
    expect(walk.page.locator("#words")).not_to_have_value("")
    walk.page.set_input_files("#photos", picture("gold"))
    walk.page.locator("form[action$='/solve'] button").click()
    walk.page.wait_for_url("**?done=1")
    expect(walk.page.locator("form[action$='/solve']")).to_have_count(0)
    walk.check()


def test_a_report_from_a_photograph_to_opened_again(walk: Walk) -> None:
    """Promise: a resident reports with a photograph and a place and gets a number; another follows it and
    sees neither words nor photograph; the desk answers; not solved, it is opened again with a photograph,
    and the desk sees that it was."""
    come_in(walk, "parents")
    place = f"示例路 {walk.server.port} 号灯杆（{walk.language}）"
    number = report(walk, place)
    page = f"{ROOT}/{number}"
    come_in(walk, "household")
    walk.go("qingdao", page)
    walk.sees(place, place)
    expect(walk.page.get_by_text("示例：第三盏灯不亮。")).to_have_count(0)
    expect(walk.page.locator(f"main img[src^='{ROOT}/photos/']")).to_have_count(0)
    walk.page.locator(f"form[action='{page}/follow'] button").click()
    walk.sees("1 人关注", "1 follows it")
    walk.check()
    answer(walk, number)
    come_in(walk, "household")
    walk.go("qingdao", f"{ROOT}/mine")
    walk.sees(place, place)
    walk.check()
    walk.go("qingdao", page)
    walk.sees("部门说办好了", "Department says it is solved")
    expect(walk.page.locator(f"form[action='{page}/reopen']")).to_have_count(0)
    walk.check()
    come_in(walk, "parents")
    walk.go("qingdao", page)
    walk.sees("办好了吗", "Is it solved?")
    expect(walk.page.locator(".report-compare img")).to_have_count(2)
    walk.check()
    walk.page.locator("details:has(form[action$='/reopen']) summary").click()
    walk.check()
    reopen = walk.page.locator("form[action$='/reopen'] button")
    reopen.click()
    walk.sees("请发一张照片，或写明哪里还没好", "Send a photo, or write what is still wrong")
    walk.errors.clear()  # the browser notes a 422 itself
    walk.check()
    walk.page.set_input_files("#photos", picture("maroon"))
    reopen.click()
    expect(walk.page.locator(".report-timeline li.waits").first).to_contain_text(
        walk.say("没解决，重新打开", "Not solved: opened again")
    )
    expect(walk.page.locator("main img[width='96']")).to_have_count(3)  # two sent, one of the desk
    walk.check()
    walk.page.context.clear_cookies()
    walk.as_staff("operator")
    walk.go("console", f"{DESK}?text={number}&state=received")
    walk.sees("重新办理", "Opened again")
    walk.check()


def test_a_form_pressed_twice_is_sent_once(walk: Walk) -> None:
    """Promise: whoever presses again while the answer is on its way sends nothing more; a page that comes
    back from the browser's history can be sent again."""
    come_in(walk, "household")
    walk.go("qingdao", ROOT)
    held: list[Route] = []

    def hold(route: Route) -> None:
        if route.request.method == "POST":
            held.append(route)
        else:
            route.continue_()

    walk.page.route(f"**{ROOT}", hold)
    press = walk.page.locator("form[data-report] button.wide").last
    for times in (1, 2):
        press.evaluate(
            "one => new Promise((done) => {"
            "  [0, 200, 400].forEach((at) => setTimeout(() => one.click(), at));"
            "  setTimeout(done, 600);"
            "})"
        )
        for _try in range(100):
            if len(held) >= times:
                break
            walk.page.wait_for_timeout(100)
        walk.page.wait_for_timeout(200)
        assert len(held) == times
        held[-1].continue_()
        expect(walk.page.locator(".summary")).to_be_visible()
        walk.page.go_back()
        expect(walk.page.locator(".summary")).to_have_count(0)
