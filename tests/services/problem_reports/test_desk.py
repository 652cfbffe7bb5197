"""The desk on the console: triage, acts, CSV, what waits for it."""

from __future__ import annotations

import re
from datetime import timedelta

from smartcity_saas.clock import today_in
from smartcity_saas.identity.staff.roles import DESK as DESK_ROLE
from smartcity_saas.services.problem_reports import attention
from smartcity_saas.services.problem_reports.models import ProblemAnswerPhoto, ReportState
from tests.support.problem_reports import HERE, ROOT, Reports, photograph

BASE = "/cities/hangzhou/problem-reports"


def test_the_late_ones_stand_first(reports: Reports) -> None:
    """Promise: what is due first stands first, whatever came first; queues hold what they say."""
    desk = reports.world.city_staff()
    trees = reports.report(reports.world.resident(), category="trees")
    litter = reports.report(reports.world.resident(), category="litter")
    page = desk.get(BASE).text
    assert page.index(litter) < page.index(trees)
    assert "No report here." in desk.get(f"{BASE}?state=late").text
    reports.world.clock.move(hours=25)
    desk = reports.world.operator()  # a session of staff is over by now
    late = desk.get(f"{BASE}?state=late").text
    assert litter in late
    assert trees not in late
    assert trees in desk.get(f"{BASE}?text={trees}&state=all").text
    assert litter not in desk.get(f"{BASE}?department=parks").text
    assert litter not in desk.get(f"{BASE}?category=trees").text


def test_everything_can_be_done_on_the_page_of_a_report(reports: Reports) -> None:
    """Promise: assign, begin, wait, correct, answer with a photograph that everyone sees; what is typed
    wrongly stays in its own form."""
    desk, browser = reports.world.city_staff(), reports.world.resident()
    number = reports.report(browser, **HERE, photos=[photograph()])
    page = f"{BASE}/{reports.row(number).id}"
    text = desk.get(page).text
    assert "Dark for three days." in text
    photo = re.search(rf"{BASE}/photos/[0-9a-f-]+", text)
    assert photo is not None
    assert desk.get(photo[0]).status_code == 200
    assert desk.post(f"{page}/assign", page, department="roads").status_code == 303
    assert desk.post(f"{page}/begin", page).status_code == 303
    wrong = desk.post(f"{page}/wait", page, words="A part", expected_on="yesterday")
    assert wrong.status_code == 422
    assert "Enter a day from today on." in wrong.text
    assert ">A part</textarea>" in wrong.text
    day = today_in("Asia/Shanghai", reports.world.clock() + timedelta(days=3)).isoformat()
    assert desk.post(f"{page}/wait", page, words="A part", expected_on=day).status_code == 303
    moved = desk.post(f"{page}/correct", page, category="road", place="West Road 1")
    assert moved.status_code == 303
    row = reports.row(number)
    assert (row.category, row.place, row.department) == ("road", "West Road 1", "roads")
    assert row.due_at - row.opened_at > timedelta(days=4)
    assert "Repaired on the spot." in desk.get(f"{page}?answer=repaired").text
    done = desk.post(f"{page}/solve", page, words="Fitted.", photos=[photograph("green")])
    assert done.status_code == 303
    assert reports.rows(ProblemAnswerPhoto) == 1
    public = reports.stranger().get(f"{ROOT}/{number}").text
    assert "Fitted." in public
    shown = re.search(rf"{ROOT}/photos/[0-9a-f-]+", public)
    assert shown is not None
    assert reports.stranger().get(shown[0]).status_code == 200
    assert reports.stranger("ningbo").get(shown[0]).status_code == 404


def test_refusing_merging_and_releasing_are_forms_too(reports: Reports) -> None:
    """Promise: reports nearby are offered for merging; a refusal needs its reason; what is released is
    chosen photograph by photograph."""
    desk, browser = reports.world.city_staff(), reports.world.resident()
    first, second = (reports.report(browser, **HERE) for _one in range(2))
    page = f"{BASE}/{reports.row(second).id}"
    assert f"Same as {first}, 10 m away" in desk.get(page).text
    assert desk.post(f"{page}/merge", page, number="nothing").status_code == 422
    assert desk.post(f"{page}/merge", page, number=first).status_code == 303
    assert reports.row(second).state is ReportState.MERGED
    page = f"{BASE}/{reports.row(first).id}"
    assert desk.post(f"{page}/release", page, public_words="Lamp 7").status_code == 303
    assert "Lamp 7" in reports.stranger().get(f"{ROOT}/{first}").text
    assert desk.post(f"{page}/refuse", page, words="").status_code == 422
    assert desk.post(f"{page}/refuse", page, words="Private road.").status_code == 303
    assert "Private road." in reports.stranger().get(f"{ROOT}/{first}").text


def test_the_resident_sees_who_looked(reports: Reports) -> None:
    """Promise: opening a report is noted with its resident; the queue, which tells nothing of anybody, is
    not."""
    desk, browser = reports.world.city_staff(), reports.world.resident()
    key = reports.row(reports.report(browser)).id
    desk.get(BASE)
    assert "account staff-hangzhou" not in browser.get("/me/data/access").text
    desk.get(f"{BASE}/{key}")
    assert "account staff-hangzhou" in browser.get("/me/data/access").text


def test_another_desk_sees_nothing(reports: Reports) -> None:
    """Promise: the desk of another service, or of another city, is refused."""
    key = reports.row(reports.report(reports.world.resident())).id
    other = reports.world.staff("bills", f"{DESK_ROLE}:utility_bills", city="hangzhou")
    for path in (BASE, f"{BASE}/{key}", f"{BASE}/reports.csv"):
        assert other.get(path).status_code == 403
    elsewhere = reports.world.city_staff("ningbo")
    for path in (BASE, f"{BASE}/{key}", f"{BASE}/reports.csv"):
        assert elsewhere.get(path).status_code == 404


def test_the_csv_names_nobody(reports: Reports) -> None:
    """Promise: every report with its times, without words, positions or people; a place that begins as a
    formula is none in a spreadsheet."""
    number = reports.report(reports.world.resident(), **HERE, place="=1+1")
    text = reports.world.city_staff().get(f"{BASE}/reports.csv").text
    assert f"{number},street_light,'=1+1,street_lights,received," in text
    assert "Dark for three days." not in text
    assert "30.246" not in text


def test_what_waits_is_told_to_the_desk(reports: Reports) -> None:
    """Promise: the overview tells how many are late and how many wait to be assigned, of this city."""
    for _one in range(2):
        reports.report(reports.world.resident())
    reports.world.clock.move(days=4)
    with reports.world.inside("hangzhou"):
        rows = {one.kind: one for one in attention.reports_attention(reports.world.clock())}
    assert {kind: one.number for kind, one in rows.items()} == {
        "problem_reports.late": 2,
        "problem_reports.received": 2,
    }
    with reports.world.inside("ningbo"):
        assert list(attention.reports_attention(reports.world.clock())) == []
    overview = reports.world.city_staff().get("/cities/hangzhou/overview").text
    assert "2 problem reports are late" in overview
