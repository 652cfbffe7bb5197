"""Reporting a problem: what is taken, what is kept, who sees what."""

from __future__ import annotations

import re
import threading
from datetime import timedelta
from threading import Barrier
from typing import Any

import pytest
from sqlalchemy import select

from smartcity_saas.database import db
from smartcity_saas.errors import Conflict, FieldErrors, NotFound, Throttled
from smartcity_saas.services.problem_reports import lifecycle, reading, reporting
from smartcity_saas.services.problem_reports.categories import report_rules
from smartcity_saas.services.problem_reports.models import (
    ProblemReport,
    ProblemReportForm,
    ProblemReportNote,
    ProblemReportPhoto,
    ProblemReportUpload,
    ReportState,
)
from smartcity_saas.services.problem_reports.own import STRANGER
from smartcity_saas.services.problem_reports.reading import NewReport
from smartcity_saas.services.problem_reports.reporting import Reporter
from smartcity_saas.tenancy.current import current_city
from tests.support.problem_reports import (
    DESK,
    HERE,
    LAMP,
    ROOT,
    Reports,
    at_once,
    form_of,
    photograph,
)


def code_of(text: str) -> str:
    found = re.search(r'class="report-code">([0-9A-Z ]+)<', text)
    assert found is not None, text
    return found[1]


def test_a_report_has_its_categorys_department_and_limits(reports: Reports) -> None:
    """Promise: what is reported goes to the category's department, with its time limits, in words and at
    the position that was sent; a photograph holds nothing of its camera."""
    number = reports.report(reports.world.resident(), **HERE, photos=[photograph()])
    row = reports.row(number)
    assert (row.department, row.state) == ("street_lights", ReportState.RECEIVED)
    assert row.due_at - row.created_at == timedelta(hours=72)
    assert row.assign_by - row.created_at == timedelta(hours=2)
    assert (row.latitude, row.longitude) == (30.246026, 120.210792)
    with reports.world.inside("hangzhou"):
        photo = db.session.scalars(select(ProblemReportPhoto.content)).one()
        words = db.session.scalars(select(ProblemReportNote.words)).one()
    assert photo.startswith(b"\xff\xd8")
    assert b"SecretCamera" not in photo
    assert words == LAMP["words"]


def test_others_see_neither_words_nor_photos_nor_who(reports: Reports) -> None:
    """Promise: the public page tells category, place, dates and state; words and photographs only once the
    desk has released them, and the position to no more than three decimals anywhere."""
    own = reports.world.resident()
    number = reports.report(own, **HERE, photos=[photograph(), photograph("blue")])
    mine, public = own.get(f"{ROOT}/{number}"), reports.stranger().get(f"{ROOT}/{number}")
    assert LAMP["words"] in mine.text
    assert mine.text.count("/photos/") >= 4
    assert LAMP["place"] in public.text
    for hidden in (LAMP["words"], "/photos/", "30.24602", "120.21079"):
        assert hidden not in public.text
    photo = re.findall(rf"{ROOT}/photos/[0-9a-f-]+", mine.text)
    first, second = dict.fromkeys(photo)
    assert own.get(first).status_code == 200
    assert reports.stranger().get(first).status_code == 404
    reports.act(lifecycle.release, number, "Lamp LD-1 is dark", [first.rpartition("/")[2]])
    released = reports.stranger().get(f"{ROOT}/{number}").text
    assert "Lamp LD-1 is dark" in released
    assert first in released
    assert second not in released
    assert reports.stranger().get(first).status_code == 200
    assert reports.stranger().get(second).status_code == 404
    reports.act(lifecycle.release, number, "", [])
    assert reports.stranger().get(first).status_code == 404


@pytest.mark.parametrize("city", ["hangzhou", "ningbo"])
def test_a_strangers_place_waits_for_the_desk(reports: Reports, city: str) -> None:
    """Promise: what somebody wrote who has not signed in stands nowhere for others until the desk has
    released it; the desk takes it back, or puts it right, in any state of the report."""
    words = "Officer Li takes bribes, http://example.com"
    first = reports.stranger(city)
    number = reports.report(first, place=words, **HERE)
    reader = reports.stranger(city)
    pages = (
        f"{ROOT}/{number}",
        f"{ROOT}/all",
        f"{ROOT}/near?category=street_light&latitude=30.246&longitude=120.211",
        f"/open311/v2/requests/{number}.json",
        "/open311/v2/requests.xml",
    )

    def shown(what: str) -> list[bool]:
        return [what in reader.get(page).text for page in pages]

    assert not any(shown(words))
    assert shown("30.246")[0]
    assert words in first.get(f"{ROOT}/{number}").text
    with reports.world.inside(city):
        key = reporting.by_number(number).id
        lifecycle.release(DESK, key, "", [], reports.world.clock(), place=True)
    reports.world.clock.move(minutes=2)
    assert all(shown(words))
    with reports.world.inside(city):
        now = reports.world.clock()
        lifecycle.refuse(DESK, key, "No.", now)
        for line in ("a\nb", "a\x00b", "a\u202eb"):
            with pytest.raises(FieldErrors):
                lifecycle.correct(DESK, key, "street_light", line, now)
        lifecycle.correct(DESK, key, "street_light", "West Road 3", now)
        with pytest.raises(Conflict):
            lifecycle.correct(DESK, key, "noise", "West Road 3", now)
    reports.world.clock.move(minutes=2)
    assert not any(shown(words))
    assert shown("West Road 3")[:2] == [True, True]
    with reports.world.inside(city):
        lifecycle.release(DESK, key, "", [], reports.world.clock())
    reports.world.clock.move(minutes=2)
    assert not any(shown("West Road 3"))


def test_a_stranger_follows_by_number_and_code(reports: Reports) -> None:
    """Promise: without signing in one gets a number and a code, shown once; another browser sees the report
    as its own with both, and with neither a wrong code nor another city's; the code is kept as a hash."""
    first = reports.stranger()
    number = reports.report(first)
    page = first.get(f"{ROOT}/{number}?new=1")
    code = code_of(page.text)
    assert page.headers["Cache-Control"] == "no-store"
    assert "report-code" not in first.get(f"{ROOT}/{number}?new=1").text
    assert (reports.row(number).code_hash or "") not in ("", code.replace(" ", ""))
    other = reports.stranger()
    assert LAMP["words"] not in other.get(f"{ROOT}/{number}").text
    wrong = other.post(f"{ROOT}/track", number=number, code="0000 0000 0000")
    assert wrong.status_code == 422
    assert "No report has this number" in wrong.text
    typed = code.lower().replace("0", "o").replace("1", "l")
    wide = str.maketrans("0123456789", "０１２３４５６７８９")
    for written in (number, number.replace("-", ""), f" {number.translate(wide)}"):
        assert other.post(f"{ROOT}/track", number=written, code=typed).status_code == 303, written
    assert LAMP["words"] in other.get(f"{ROOT}/{number}").text
    elsewhere = reports.stranger("ningbo")
    assert elsewhere.post(f"{ROOT}/track", number=number, code=code).status_code == 422
    assert elsewhere.get(f"{ROOT}/{number}").status_code == 404
    reports.world.clock.move(hours=2)
    assert LAMP["words"] not in other.get(f"{ROOT}/{number}").text


def test_codes_cannot_be_guessed_for_ever(reports: Reports) -> None:
    """Promise: after ten tries an address waits, whatever it tries."""
    number, now = reports.report(reports.stranger()), reports.world.clock()
    with reports.world.inside("hangzhou"):
        for _try in range(10):
            with pytest.raises(NotFound):
                reporting.report_of_code(number, "x", "192.0.2.1", now)
        with pytest.raises(Throttled):
            reporting.report_of_code(number, "x", "192.0.2.1", now)


def test_a_network_counts_as_one(reports: Reports) -> None:
    """Promise: whoever has a network of IPv6 has one address of it for every limit."""
    now = reports.world.clock()
    with reports.world.inside("hangzhou"):
        rules = report_rules(current_city())
        told = NewReport(rules.categories["street_light"], "x", None, "")
        for last in range(reporting.MOST_BY_NETWORK):
            stranger = Reporter(STRANGER, address=f"2001:db8:1:1::{last:x}")
            reporting.report_problem(stranger, told, (), now)
        with pytest.raises(Throttled):
            stranger = Reporter(STRANGER, address="2001:db8:1:1:ffff::1")
            reporting.report_problem(stranger, told, (), now)
        for last in range(reporting.MOST_CODES):
            with pytest.raises(NotFound):
                reporting.report_of_code("x", "x", f"2001:db8:1:1::{last:x}", now)
        with pytest.raises(Throttled):
            reporting.report_of_code("x", "x", "2001:db8:1:1:ffff::1", now)


def test_a_stranger_reports_five_times_an_hour(reports: Reports) -> None:
    """Promise: an address that nobody has signed in at reports five times an hour, a resident more often;
    in another city it has its own five."""
    for _one in range(5):
        reports.report(reports.stranger())
    assert reports.send(reports.stranger()).status_code == 429
    reports.report(reports.world.resident())
    reports.report(reports.stranger("ningbo"))
    reports.world.clock.move(hours=1, minutes=1)
    reports.report(reports.stranger())


def test_a_city_may_ask_to_sign_in(reports: Reports) -> None:
    """Promise: where the document says so, nothing is taken of whoever has not signed in."""
    from tests.support.documents import HANGZHOU

    reports.world.save(
        HANGZHOU
        + "services: {problem_reports: {state: open, settings: {without_sign_in: false}}}\n"
    )
    assert "Sign in" in reports.stranger().get(ROOT).text
    browser = reports.stranger()
    assert browser.post(ROOT, "/sign-in", **LAMP).status_code == 401
    assert reports.rows(ProblemReport) == 0
    reports.report(reports.world.resident())


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ({"category": "dragon"}, "Choose what the problem is."),
        ({"place": ""}, "Write where it is"),
        ({"place": "x" * 121}, "one line of at most 120"),
        ({"place": "a\u202eb"}, "one line of at most 120"),
        ({"latitude": "91", "longitude": "0"}, "This position cannot be read."),
        ({"latitude": "30.1"}, "This position cannot be read."),
        ({"latitude": "nan", "longitude": "nan"}, "This position cannot be read."),
        ({"latitude": "1e2", "longitude": "0"}, "This position cannot be read."),
        ({"words": "x" * 4001}, "At most 4000 characters."),
    ],
)
def test_what_does_not_fit_is_told_at_its_field(
    reports: Reports, typed: dict[str, str], said: str
) -> None:
    """Promise: nothing is taken that does not fit; the form says where, with everything that was typed."""
    answer = reports.send(reports.stranger(), **typed)
    assert answer.status_code == 422
    assert said in answer.text
    assert "Dark for three days." in answer.text or "words" in typed
    assert reports.rows(ProblemReport) == 0


def test_photos_are_kept_while_a_form_is_put_right(reports: Reports) -> None:
    """Promise: photographs sent with a form that has to be put right need not be chosen again; another
    browser neither sees nor sends them, and after a day they are gone."""
    browser = reports.stranger()
    wrong = reports.send(browser, category="", photos=[photograph(), photograph("blue")])
    kept = re.findall(r'name="kept" value="([0-9a-f-]+)"', wrong.text)
    assert wrong.status_code == 422
    assert len(kept) == 2
    assert browser.get(f"{ROOT}/kept/{kept[0]}").status_code == 200
    thief = reports.stranger()
    assert thief.get(f"{ROOT}/kept/{kept[0]}").status_code == 404
    reports.report(thief, kept=kept)
    assert reports.rows(ProblemReportPhoto) == 0
    too_many = reports.send(browser, kept=kept, photos=[photograph(), photograph()])
    assert too_many.status_code == 422
    assert "Choose up to 3 photos." in too_many.text
    reports.send(thief, category="", photos=[photograph()])
    reports.report(browser, kept=kept[:1])
    assert reports.rows(ProblemReportPhoto) == 1
    assert reports.rows(ProblemReportUpload) == 1  # another browser's
    with reports.world.inside("hangzhou"):
        reporting.forget_forms(reports.world.clock() + timedelta(hours=25))
    assert reports.rows(ProblemReportUpload) == reports.rows(ProblemReportForm) == 0


def test_a_form_that_is_sent_twice_is_one_report(reports: Reports) -> None:
    """Promise: pressing twice, or sending the page again, makes one report, of a resident, and of somebody
    who has not signed in, who is given a code that holds; what is written anew is another report, and what
    another browser sends is that one's."""
    for browser in (reports.world.resident(), reports.stranger()):
        before = reports.rows(ProblemReport)
        form = form_of(browser)
        sent = [reports.report(browser, form=form, photos=[photograph()]) for _press in range(3)]
        assert len(set(sent)) == 1
        assert reports.rows(ProblemReport) == before + 1
        assert reports.report(browser, form=form, photos=[photograph("blue")]) != sent[0]
        assert reports.report(browser, form=form, words="Another one.") != sent[0]
        assert reports.report(browser, form=form_of(browser)) != sent[0]
        reports.world.clock.move(hours=2)
        other = reports.stranger()
        form_of(other)
        assert reports.report(other, form=form, photos=[photograph()]) != sent[0]
    number = reports.report(browser, form=(form := form_of(browser)), words="Twice.")
    first = code_of(browser.get(f"{ROOT}/{number}?new=1").text)
    assert reports.report(browser, form=form, words="Twice.") == number
    second = code_of(browser.get(f"{ROOT}/{number}?new=1").text)
    fresh = reports.stranger()
    answers = [
        fresh.post(f"{ROOT}/track", number=number, code=code).status_code
        for code in (first, second)
    ]
    assert answers == [422, 303]


@pytest.mark.parametrize("guarded", [True, False])
def test_a_form_pressed_twice_at_once_is_one_report(
    reports: Reports, monkeypatch: pytest.MonkeyPatch, guarded: bool
) -> None:
    """Promise: two presses in the same moment make one report, with one photograph; without the row that
    says that the form was sent they make two."""
    both_have_looked, looked = Barrier(2), threading.local()
    sent_already, insert_once = reporting._sent_already, reporting.insert_once
    now = reports.world.clock()

    def look(form_hash: str | None, reporter: Reporter) -> Any:
        found = sent_already(form_hash, reporter)
        if not hasattr(looked, "once"):
            looked.once = True
            db.session.rollback()
            both_have_looked.wait(60)
        return found

    def insert_anything(model: Any, unique: tuple[str, ...], /, **values: Any) -> Any:
        if model is ProblemReportForm and not guarded:
            return values["report_id"]
        return insert_once(model, unique, **values)

    def send() -> str:
        with reports.world.app.app_context(), reports.world.inside("hangzhou"):
            told = NewReport(report_rules(current_city()).categories["street_light"], "x", None, "")
            stranger = Reporter(STRANGER, address="192.0.2.1")
            made = reporting.report_problem(
                stranger, told, [photograph()[0].read()], now, form_hash="f"
            )
            return made.report.number

    monkeypatch.setattr(reporting, "_sent_already", look)
    monkeypatch.setattr(reporting, "insert_once", insert_anything)
    numbers = at_once(send, send)
    expected = 1 if guarded else 2
    assert len(set(numbers)) == expected, numbers
    assert reports.rows(ProblemReport) == reports.rows(ProblemReportPhoto) == expected


def test_a_form_is_counted_before_it_is_looked_at(
    reports: Reports, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Promise: of forms that are sent too often nothing is decoded or kept, whoever sends them, by however
    many browsers, and wherever photographs are taken."""
    number, person = reports.report(first := reports.stranger()), reports.world.resident()
    mine = reports.report(person)
    for _one in range(reporting.MOST_SENT):
        reports.send(reports.stranger(), category="")
        reports.send(person, category="")

    def decoded(data: bytes) -> bytes:
        pytest.fail("a photograph was decoded")

    monkeypatch.setattr(reading, "retaken", decoded)
    photos = {"photos": [photograph()]}
    for browser, where in ((reports.stranger(), ""), (first, number), (person, ""), (person, mine)):
        for act in ("/add", "/reopen") if where else ("",):
            photos = {"photos": [photograph()]}
            page = f"{ROOT}/{where}" if where else ROOT
            assert browser.post(f"{page}{act}", page, **LAMP, **photos).status_code == 429
    assert reports.rows(ProblemReportUpload) == 0
    assert reports.send(reports.stranger("ningbo"), category="").status_code == 422


def test_unfinished_forms_have_a_small_share(reports: Reports) -> None:
    """Promise: photographs of forms that have to be put right take a small part of a city's storage; when
    it is full they are to be chosen again, and reports still come with theirs."""
    from tests.support.documents import HANGZHOU

    services = "services: {problem_reports: {state: open}}\n"
    reports.world.save(HANGZHOU + "quotas: {storage_megabytes: 1}\n" + services)
    with reports.world.inside("hangzhou"):
        assert reporting.keep_uploads("x", [bytes(19_900)], reports.world.clock())
    wrong = reports.send(reports.stranger(), category="", photos=[photograph()])
    assert wrong.status_code == 422
    assert "Choose your photos again" in wrong.text
    assert reports.rows(ProblemReportUpload) == 1
    reports.report(reports.stranger(), photos=[photograph()])
    assert reports.rows(ProblemReportPhoto) == 1


def test_what_is_no_photo_is_refused(reports: Reports) -> None:
    """Promise: a file is taken for what is in it, not for its name."""
    import io

    answer = reports.send(reports.stranger(), photos=[(io.BytesIO(b"GIF89a;"), "a.jpg")])
    assert answer.status_code == 422
    assert "is not a photo" in answer.text
    assert reports.rows(ProblemReport) == 0


def test_words_and_photos_are_kept_no_longer_than_said(reports: Reports) -> None:
    """Promise: some months after a report is closed its words and unreleased photographs are deleted; what
    is released, and the report itself, stay, and so does everything of what is open."""
    browser = reports.world.resident()
    number = reports.report(browser, photos=[photograph(), photograph("blue")])
    reports.report(browser)
    with reports.world.inside("hangzhou"):
        photo = str(db.session.scalars(select(ProblemReportPhoto.id)).first())
    reports.act(lifecycle.release, number, "", [photo])
    reports.act(lifecycle.refuse, number, "Not the city's lamp.")
    for days, notes, photos in ((700, 2, 2), (740, 1, 1)):
        with reports.world.inside("hangzhou"):
            reporting.forget_words(reports.world.clock() + timedelta(days=days))
        assert (reports.rows(ProblemReportNote), reports.rows(ProblemReportPhoto)) == (
            notes,
            photos,
        )
    assert reports.rows(ProblemReport) == 2


def test_a_paused_service_takes_nothing_new_and_shows_what_there_is(reports: Reports) -> None:
    """Promise: while it is paused nothing new is taken; what was reported can be seen and added to."""
    from tests.support.documents import HANGZHOU

    browser = reports.world.resident()
    number = reports.report(browser)
    pause = "{state: paused, notice: {zh: 停, en: Paused for now}}"
    reports.world.save(HANGZHOU + f"services: {{problem_reports: {pause}}}\n")
    assert browser.get(ROOT).status_code == 503
    assert browser.get(f"{ROOT}/{number}").status_code == 200
    page = f"{ROOT}/{number}"
    assert browser.post(f"{page}/add", page, words="Still dark.").status_code == 303
    assert "Still dark." in browser.get(page).text
