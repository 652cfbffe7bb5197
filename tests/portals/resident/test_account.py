"""A resident's own page: what is to be paid or takes place first, by its day; nothing vanishes."""

from __future__ import annotations

import re
from datetime import timedelta

from smartcity_saas.clock import today_in
from smartcity_saas.services.problem_reports.lifecycle import solve
from smartcity_saas.services.problem_reports.reporting import by_number
from tests.support.applications import PERMIT, ask_for_more, begin, define, fill, sent
from tests.support.bills import HEADER, bring
from tests.support.bills import ROOT as BILLS
from tests.support.clinic import Clinic
from tests.support.clinic_pages import NEW, ROOT, book
from tests.support.problem_reports import DESK, LAMP
from tests.support.problem_reports import ROOT as REPORTS


def waiting(page: str, heading: str = "Waiting for you") -> list[str]:
    """What stands below a heading, in order."""
    found = page.partition(f"<h2>{heading}</h2>")[2].partition("</section>")[0]
    return re.findall(r'class="row" href="([^"]+)"', found)


def test_what_is_due_stands_first_with_amount_and_day(clinic: Clinic) -> None:
    """A bill due tomorrow before an appointment in four days; a bill of nothing is not there."""
    today = today_in("Asia/Shanghai", clinic.now)
    rows = "".join(
        f"water,4100280017,王某,示例路 1 号,{month},15,{amount},2026-01-03,{today + timedelta(1)},\n"
        for month, amount in (("2025-11", "43.50"), ("2025-12", "0.00"))
    )
    bring(clinic.world, HEADER + rows)
    browser, path = book(clinic)
    form = {"kind": "water", "number": "4100280017", "holder": "王某", "nickname": "家"}
    account = browser.post(f"{BILLS}/link", **form).headers["Location"]
    page = browser.get("/me").text
    assert "¥43.50" in page
    assert "1 day left" in page
    assert waiting(page) == [account]
    assert waiting(page, "Coming up") == [path]


def test_what_waits_for_the_resident_stands_first_late_first(clinic: Clinic) -> None:
    """Promise: of all services, what is to be paid, sent, or answered stands above all else: what is late
    first, then by its day, without a day last; what waits for the city does not stand there."""
    world = clinic.world
    world.open_payments()
    reports = "  problem_reports: {state: open}\n"
    define(world, entry=reports + PERMIT)
    today = today_in("Asia/Shanghai", clinic.now)
    rows = "".join(
        f"{kind},{number},王某,示例路 1 号,2025-11,15,43.50,2026-01-03,{day},\n"
        for kind, number, day in (
            ("water", "4100280017", today + timedelta(20)),
            ("water", "4100280018", today - timedelta(3)),
        )
    )
    bring(world, HEADER + rows)
    browser = world.resident()
    bills = [
        browser.post(
            f"{BILLS}/link", kind=kind, number=number, holder="王某", nickname="家"
        ).headers["Location"]
        for kind, number in (("water", "4100280017"), ("water", "4100280018"))
    ]
    under_way, asked = sent(browser), sent(browser)
    ask_for_more(world, asked, "The whole lease.", [])
    define(world, fee="20.00", entry=reports + PERMIT)
    unpaid = begin(browser)
    assert f"/applications/{unpaid}" not in waiting(browser.get("/me").text)
    fill(browser, unpaid)
    report = str(browser.post(REPORTS, **LAMP).headers["Location"]).partition("?")[0]
    number = report.rpartition("/")[2]
    assert report not in waiting(browser.get("/me").text)
    with world.inside("hangzhou"):
        solve(DESK, by_number(number).id, "It shines again.", [], world.clock())
    page = browser.get("/me").text
    assert waiting(page) == [
        bills[1],
        report,
        bills[0],
        *sorted((f"/applications/{one}" for one in (unpaid, asked)), key=page.index),
    ]
    assert "3 days late" in page
    assert len(re.findall(r'class="tag warn"><svg[^¥]*¥43\.50', page)) == 1
    assert f"/applications/{under_way}" in page
    assert waiting(world.resident(subject="parents").get("/me").text) == []


def test_past_and_cancelled_appointments_are_listed(clinic: Clinic) -> None:
    """With what became of them; other residents' are not."""
    browser, path = book(clinic)
    browser.post(f"{path}/cancel", path)
    listed = browser.get(f"{ROOT}/appointments").text
    assert path in browser.get("/me").text or f"{ROOT}/appointments" in browser.get("/me").text
    assert path in listed
    assert "Cancelled" in listed
    assert path not in clinic.world.resident(subject="parents").get(f"{ROOT}/appointments").text


def test_people_are_added_on_their_own_page(clinic: Clinic) -> None:
    """The same form as in a booking: faults at their fields, nothing typed is lost."""
    browser = clinic.world.resident()
    page = f"{ROOT}/patients"
    wrong = browser.post(page, name="示例甲", relation="self", phone="x")
    assert wrong.status_code == 422
    assert 'value="示例甲"' in wrong.text
    assert "Enter a phone number" in wrong.text
    added = {name: value for name, value in NEW.items() if name != "patient"}
    assert browser.post(page, **added).status_code == 302
    assert "示例甲" in browser.get(page).text
