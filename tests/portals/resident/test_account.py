"""A resident's own page: what is to be paid or takes place first, by its day; nothing vanishes."""

from __future__ import annotations

import re
from datetime import timedelta

from smartcity_saas.clock import today_in
from tests.support.bills import HEADER, bring
from tests.support.bills import ROOT as BILLS
from tests.support.clinic import Clinic
from tests.support.clinic_pages import NEW, ROOT, book


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
    first = page.partition("Coming up")[2].partition("</section>")[0]
    assert "¥43.50" in first
    assert "1 day left" in first
    assert re.findall(r'class="row" href="([^"]+)"', first) == [account, path]


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
