"""From received to solved, and opened again."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from smartcity_saas.clock import today_in
from smartcity_saas.database import db
from smartcity_saas.errors import Conflict, FieldErrors, IllegalTransition
from smartcity_saas.measures import Measure
from smartcity_saas.measures.models import MeasureEvent
from smartcity_saas.services.problem_reports import following, lifecycle, lists
from smartcity_saas.services.problem_reports.models import (
    OPEN_STATES,
    ProblemFollow,
    ProblemReport,
    ProblemReportNote,
    ProblemReportPhoto,
    ReportState,
    StepKind,
)
from smartcity_saas.services.problem_reports.registration import MOST_ON_DASHBOARD
from tests.support.problem_reports import DESK, ROOT, Reports, at_once, form_of, photograph

NOW = datetime(2026, 11, 22, 8, tzinfo=UTC)
ENDS = {ReportState.CONFIRMED, ReportState.UNANSWERED}


@pytest.mark.parametrize("state", ReportState)
@pytest.mark.parametrize("to", ReportState)
def test_only_what_can_happen_happens(state: ReportState, to: ReportState) -> None:
    """Promise: open reports go on to any state of work, solved ones to their end or into another; what is
    closed stays closed, and nothing goes back to received but by being opened again."""
    row = ProblemReport(state=state)
    allowed = (
        (state in OPEN_STATES and to not in {ReportState.RECEIVED, *ENDS})
        or (state is ReportState.SOLVED and to in ENDS | {ReportState.MERGED})
    )  # fmt: skip
    if allowed:
        row.move(to, NOW)
        assert (row.state, row.updated_at) == (to, NOW)
        assert (row.closed_at == NOW) is (to not in {*OPEN_STATES, ReportState.SOLVED})
    else:
        with pytest.raises(IllegalTransition):
            row.move(to, NOW)
        assert row.state is state


def counted(reports: Reports, measure: Measure, city: str = "hangzhou") -> int:
    db.session.rollback()
    rows = db.session.execute(
        select(MeasureEvent.value).where(
            MeasureEvent.city_id == reports.world.city_id(city),
            MeasureEvent.service == "problem_reports",
            MeasureEvent.measure == measure.value,
        )
    )
    return sum(value for (value,) in rows)


def test_the_whole_way_is_told_and_counted(reports: Reports) -> None:
    """Promise: each step stands on the page with its words, whoever reported it is told, and what was late
    is counted as late; the other city has none of it."""
    browser = reports.world.resident()
    number = reports.report(browser, tell="1")
    reports.act(lifecycle.assign, number, "roads")
    reports.act(lifecycle.begin_work, number)
    today = today_in("Asia/Shanghai", reports.world.clock())
    reports.act(lifecycle.wait, number, "A part is missing.", today + timedelta(days=4))
    reports.world.clock.move(days=4)
    assert reports.row(number).is_late(reports.world.clock())
    reports.act(lifecycle.solve, number, "New ballast fitted.", ())
    page = browser.get(f"{ROOT}/{number}").text
    for said in ("A part is missing.", "New ballast fitted.", "Is it solved?", "Road maintenance"):
        assert said in page
    assert browser.post(f"{ROOT}/{number}/solved", f"{ROOT}/{number}").status_code == 303
    assert reports.row(number).state is ReportState.CONFIRMED
    assert [counted(reports, one) for one in (Measure.BEGUN, Measure.DONE, Measure.LATE)] == [1] * 3
    assert counted(reports, Measure.BEGUN, "ningbo") == 0
    reports.world.work()
    told = browser.get("/me/messages").text
    assert "Received: " in told
    assert "Assigned to the department" in told
    assert "Solved, says the department" in told


def test_messages_can_be_turned_off(reports: Reports) -> None:
    """Promise: whoever does not want messages of a report gets none of its steps; that it came in stands on
    their page of messages, and is not sent."""
    browser = reports.world.resident()
    number = reports.report(browser, tell="1")
    assert browser.post(f"{ROOT}/{number}/messages", f"{ROOT}/{number}").status_code == 303
    reports.act(lifecycle.assign, number, "roads")
    reports.world.work()
    told = browser.get("/me/messages").text
    assert "Assigned to the department" not in told
    assert f"Received: Street light {number}" in told


def test_others_read_who_is_still_to_say(reports: Reports) -> None:
    """Promise: what a department says is solved is a question to whoever reported it alone; everyone else
    reads whose word is missing. The newest report stands first, before the figures."""
    browser, stranger = reports.world.resident(), reports.stranger()
    number = reports.report(browser)
    reports.world.clock.move(minutes=2)
    newer = reports.report(reports.world.resident(subject="parents"))
    reports.act(lifecycle.assign, number, "roads")
    reports.act(lifecycle.solve, number, "New ballast fitted.", ())
    reports.world.clock.move(minutes=2)
    for page in (f"{ROOT}/all", f"{ROOT}/{number}"):
        text = stranger.get(page).text
        assert "Department says solved" in text, page
        assert "Solved?" not in text
    listed = stranger.get(f"{ROOT}/all").text
    assert listed.index(newer) < listed.index(number) < listed.index("Last 30 days")
    assert "The newest stand first." in listed
    assert "Solved?" in browser.get(f"{ROOT}/mine").text


def test_not_solved_opens_it_again_within_seven_days(reports: Reports) -> None:
    """Promise: whoever reported it opens it again, with a photograph or words, until the seventh day; its
    limits begin again, it is counted as not solved, and nobody else can."""
    own = reports.world.resident()
    number = reports.report(own)
    page = f"{ROOT}/{number}"
    reports.act(lifecycle.solve, number, "Done.", ())
    reports.world.clock.move(days=6, hours=23)
    stranger = reports.stranger()
    assert stranger.post(f"{page}/reopen", ROOT, words="no").status_code == 404
    nothing = own.post(f"{page}/reopen", page, words=" ")
    assert nothing.status_code == 422
    assert "Send a photo" in nothing.text
    assert own.post(f"{page}/reopen", page, photos=[photograph()]).status_code == 303
    row = reports.row(number)
    assert (row.state, row.reopened, row.solved_at) == (ReportState.RECEIVED, 1, None)
    assert row.due_at == reports.world.clock() + timedelta(hours=72)
    assert counted(reports, Measure.NOT_SOLVED) == counted(reports, Measure.REOPENED) == 1
    reports.act(lifecycle.solve, number, "Done now.", ())
    reports.world.clock.move(days=7)
    own = reports.world.resident()  # signed in anew
    late = own.post(f"{page}/reopen", ROOT, words="no")
    assert late.status_code == 409
    assert "can no longer be opened again" in late.text


def test_no_answer_closes_it_and_is_counted_apart(reports: Reports) -> None:
    """Promise: after the city's days a solved report that nobody objected to is closed, apart from those
    that were confirmed; not a moment before."""
    first, second = (reports.report(reports.world.resident()) for _one in range(2))
    for number in (first, second):
        reports.act(lifecycle.solve, number, "Done.", ())
    reports.act(lifecycle.confirm, first)
    solved = reports.world.clock()
    for after, state in ((timedelta(days=7, seconds=-1), ReportState.SOLVED), (timedelta(days=7), ReportState.UNANSWERED)):  # fmt: skip
        with reports.world.inside("hangzhou"):
            lifecycle.close_unanswered(solved + after)
        assert reports.row(second).state is state
    with reports.world.inside("hangzhou"):
        found = lists.figures(solved + timedelta(days=7))
    assert (found.solved, found.confirmed, found.unanswered, found.asked) == (2, 1, 1, 0)


def test_opening_again_and_closing_at_once_has_one_end(reports: Reports) -> None:
    """Promise: of opening again and confirming in the same moment one wins and the other is told."""
    number = reports.report(reports.world.resident())
    reports.act(lifecycle.solve, number, "Done.", ())
    key, now, app = reports.row(number).id, reports.world.clock(), reports.world.app
    city = reports.world.city_id("hangzhou")
    db.session.rollback()

    def inside(act: object, *values: object) -> object:
        from smartcity_saas.tenancy.context import tenant_context

        with app.app_context(), tenant_context(city):
            return act(DESK, key, *values, now)  # type: ignore[operator]

    for _round in range(3):
        ends = at_once(
            lambda: inside(lifecycle.reopen, "no", ()), lambda: inside(lifecycle.confirm)
        )
        assert sorted(type(one).__name__ for one in ends) == ["Conflict", "NoneType"], ends
        row = reports.row(number)
        if row.state is ReportState.CONFIRMED:
            break
        assert row.state is ReportState.RECEIVED
        reports.act(lifecycle.solve, number, "Done.", ())


def test_following_twice_at_once_is_once(reports: Reports) -> None:
    """Promise: however often and at once one follows, one follows once; the count is shown."""
    number = reports.report(reports.world.resident())
    key, city, now = (
        reports.row(number).id,
        reports.world.city_id("hangzhou"),
        reports.world.clock(),
    )
    other = reports.world.resident(subject="parents")
    page = f"{ROOT}/{number}"
    assert other.post(f"{page}/follow", page).status_code == 303
    assert "1 follows it" in reports.stranger().get(page).text
    assert other.post(f"{page}/unfollow", page).status_code == 303
    with reports.world.inside("hangzhou"):
        from smartcity_saas.identity.demo import sample_resident

        person = sample_resident("parents", now)
    db.session.rollback()

    def follow() -> None:
        from smartcity_saas.tenancy.context import tenant_context

        with reports.world.app.app_context(), tenant_context(city):
            following.follow(person, key, now)

    assert at_once(follow, follow, follow) == [None] * 3
    assert reports.rows(ProblemFollow) == 1


def test_a_merged_report_goes_on_in_the_other(reports: Reports) -> None:
    """Promise: who reported or followed a duplicate follows the one that goes on; a duplicate's own
    duplicates move on too; nothing is merged into itself, a closed one or another city's."""
    people = [reports.world.resident(subject=one) for one in ("household", "parents", "household")]
    first, second, third = (reports.report(one) for one in people)
    page = f"{ROOT}/{second}"
    assert people[0].post(f"{page}/follow", page).status_code == 303
    reports.act(lifecycle.merge, third, second)
    reports.act(lifecycle.merge, second, first)
    assert reports.row(third).merged_into_id == reports.row(first).id
    assert reports.rows(ProblemFollow) == 1  # parents; household reported the first one
    assert "2 more reported the same" in reports.stranger().get(f"{ROOT}/{first}").text
    assert f"{ROOT}/{first}" in reports.stranger().get(page).text
    elsewhere = reports.report(reports.world.resident("ningbo"))
    fourth = reports.report(people[0])
    for number in (fourth, second, elsewhere, "1"):
        with pytest.raises(FieldErrors):
            reports.act(lifecycle.merge, fourth, number)
    with pytest.raises(Conflict):
        reports.act(lifecycle.merge, third, first)


def test_whoever_reported_it_says_that_it_is_the_same(reports: Reports) -> None:
    """Promise: the page of a new report names open ones of the category nearby, without a script; one press
    follows the earlier one in place of it, until the desk has begun."""
    first = reports.report(
        reports.world.resident(subject="parents"), latitude="30.2", longitude="120.2"
    )
    browser = reports.world.resident()
    second = reports.report(browser, latitude="30.2003", longitude="120.2")
    page = f"{ROOT}/{second}"
    assert "Reported already about 100 m from here" in browser.get(page).text
    assert browser.post(f"{page}/same", page, into=first).status_code == 303
    assert reports.row(second).state is ReportState.MERGED
    third = reports.report(browser, latitude="30.2003", longitude="120.2")
    reports.act(lifecycle.assign, third, "roads")
    refused = browser.post(f"{ROOT}/{third}/same", f"{ROOT}/{third}", into=first)
    assert refused.status_code == 400


def test_what_is_closed_is_not_touched(reports: Reports) -> None:
    """Promise: the desk cannot do anything to a report that is closed, nor answer without words."""
    number = reports.report(reports.world.resident())
    with pytest.raises(FieldErrors):
        reports.act(lifecycle.refuse, number, " ")
    with pytest.raises(FieldErrors):
        reports.act(lifecycle.assign, number, "dragons")
    with pytest.raises(FieldErrors):
        today = today_in("Asia/Shanghai", reports.world.clock())
        reports.act(lifecycle.wait, number, "x", today - timedelta(days=1))
    reports.act(lifecycle.refuse, number, "It is the province's road.")
    for act, values in (
        (lifecycle.assign, ("roads",)),
        (lifecycle.begin_work, ()),
        (lifecycle.solve, ("Done.", ())),
        (lifecycle.refuse, ("No.",)),
        (lifecycle.add_to, ("More.", ())),
        (lifecycle.confirm, ()),
    ):
        with pytest.raises(Conflict):
            reports.act(act, number, *values)
    assert counted(reports, Measure.FAILED) == 1


def test_a_closed_report_is_rated(reports: Reports) -> None:
    """Promise: whoever reported it rates how it was handled, once it is closed and not before."""
    browser = reports.world.resident()
    number = reports.report(browser)
    page = f"{ROOT}/{number}"
    reports.act(lifecycle.solve, number, "Done.", ())
    assert "How was your report handled?" not in browser.get(page).text
    reports.act(lifecycle.confirm, number)
    assert "How was your report handled?" in browser.get(page).text
    answer = browser.post(
        "/me/ratings",
        page,
        service="problem_reports",
        act="report",
        key=str(reports.row(number).id),
        level="satisfied",
    )
    assert answer.status_code in (302, 303), answer.text


def test_steps_are_in_order(reports: Reports) -> None:
    """Promise: the page tells the newest step first."""
    number = reports.report(reports.world.resident())
    for department in ("roads", "parks"):
        reports.world.clock.move(minutes=5)
        reports.act(lifecycle.assign, number, department)
    key = reports.row(number).id
    with reports.world.inside("hangzhou"):
        steps = lists.steps_of(key)
    assert [one.kind for one in steps] == [StepKind.ASSIGNED, StepKind.ASSIGNED, StepKind.RECEIVED]
    assert [one.department for one in steps][:2] == ["parks", "roads"]


@pytest.mark.parametrize("signed_in", [True, False])
def test_what_is_pressed_twice_is_said_once(reports: Reports, signed_in: bool) -> None:
    """Promise: adding to a report, saying that it is not solved, and that it is, sent twice from one page,
    is once; the same words from a page that was fetched again are said again."""
    browser = reports.world.resident() if signed_in else reports.stranger()
    number = reports.report(browser, words="")
    page = f"{ROOT}/{number}"

    def send(act: str, form: str, **said: Any) -> None:
        for _press in range(3):
            if "photos" in said:
                said["photos"] = [photograph()]
            answer = browser.post(f"{page}/{act}", ROOT, form=form, **said)
            assert answer.status_code == 303, answer.text

    def counts() -> tuple[int, int]:
        return reports.rows(ProblemReportNote), reports.rows(ProblemReportPhoto)

    send("add", form_of(browser, page), words="Still dark.", photos=1)
    assert counts() == (1, 1)
    for notes in (2, 3):
        send("add", form_of(browser, page), words="Still dark.")
        assert counts() == (notes, 1)
    reports.act(lifecycle.solve, number, "Done.", ())
    send("reopen", form_of(browser, page), words="Not done.", photos=1)
    assert counts() == (4, 2)
    assert reports.row(number).reopened == 1
    reports.act(lifecycle.solve, number, "Done now.", ())
    send("solved", "")
    key = reports.row(number).id
    with reports.world.inside("hangzhou"):
        kinds = [one.kind for one in lists.steps_of(key)]
    assert kinds.count(StepKind.CONFIRMED) == kinds.count(StepKind.REOPENED) == 1


@pytest.mark.parametrize("guarded", [True, False])
def test_what_is_pressed_twice_at_once_is_said_once(
    reports: Reports, monkeypatch: pytest.MonkeyPatch, guarded: bool
) -> None:
    """Promise: two presses in the same moment add once; without the row that says that the form was sent
    they add twice."""
    if not guarded:
        monkeypatch.setattr(lifecycle, "note_sent", lambda *_sent: True)
    number = reports.report(reports.world.resident(), words="")
    key, now = reports.row(number).id, reports.world.clock()
    before = reports.rows(ProblemReportNote)

    def add() -> None:
        with reports.world.app.app_context(), reports.world.inside("hangzhou"):
            lifecycle.add_to(DESK, key, "Still dark.", (), now, form_hash="f")

    assert at_once(add, add) == [None, None]
    assert reports.rows(ProblemReportNote) == before + (1 if guarded else 2)


def test_what_one_waits_for_stands_on_their_page(reports: Reports) -> None:
    """Promise: ``/me`` tells of one's own reports, and of those that one follows, until they are closed;
    of nobody else's, and nobody is asked whether another's is solved."""
    person, other = reports.world.resident(), reports.world.resident(subject="parents")
    mine, theirs = reports.report(person), reports.report(other)
    followed = reports.report(other, place="Another place")
    person.post(f"{ROOT}/{followed}/follow", f"{ROOT}/{followed}")
    shown = person.get("/me").text
    assert (mine in shown, followed in shown, theirs in shown) == (True, True, False)
    assert "you follow it" in shown
    for number in (mine, followed):
        reports.act(lifecycle.solve, number, "Done.", ())
    shown = person.get("/me").text
    assert (mine in shown, followed in shown) == (True, True)
    reports.act(lifecycle.confirm, followed)
    assert followed not in person.get("/me").text


def test_what_waits_for_ones_answer_is_not_crowded_out(reports: Reports) -> None:
    """Promise: on ``/me`` a solved report of one's own stands before newer ones, and one's own before those
    that one follows, however many there are."""
    person, other = reports.world.resident(), reports.world.resident(subject="parents")
    solved, mine = reports.report(person), reports.report(person, place="Another place")
    reports.act(lifecycle.solve, solved, "Done.", ())
    for place in range(MOST_ON_DASHBOARD):
        number = reports.report(other, place=f"Place {place}")
        person.post(f"{ROOT}/{number}/follow", f"{ROOT}/{number}")
    shown = person.get("/me").text
    assert shown.index(solved) < shown.index(mine) < shown.index(number)


def test_a_report_of_another_city_does_not_exist(reports: Reports) -> None:
    """Promise: by no path of another city's site, nor of its desk, is a report found."""
    number = reports.report(reports.world.resident())
    key = reports.row(number).id
    other = reports.world.resident("ningbo")
    desk = reports.world.city_staff("ningbo")
    for path in (f"/{number}", f"/photos/{uuid.uuid4()}"):
        assert other.get(ROOT + path).status_code == 404
    for act in ("follow", "solved", "reopen", "add", "same", "messages"):
        assert other.post(f"{ROOT}/{number}/{act}", ROOT, words="x").status_code == 404
    assert desk.get(f"/cities/hangzhou/problem-reports/{key}").status_code == 404
    assert desk.get(f"/cities/ningbo/problem-reports/{key}").status_code == 404
    assert number not in other.get(f"{ROOT}/all").text


def test_a_report_takes_so_much(reports: Reports) -> None:
    """Promise: photographs and words of one report are bounded, however often it is added to."""
    browser = reports.world.resident()
    number = reports.report(browser)
    page = f"{ROOT}/{number}"
    reports.act(lifecycle.add_to, number, "", [b"x"] * lifecycle.MOST_PHOTOS_OF_ONE)
    more = browser.post(f"{page}/add", page, words="More.", photos=[photograph()])
    assert more.status_code == 422
    assert "at most 12 photos" in more.text
    for _note in range(lifecycle.MOST_NOTES_OF_ONE - 1):
        reports.act(lifecycle.add_to, number, "More.", ())
    with pytest.raises(FieldErrors):
        reports.act(lifecycle.add_to, number, "More.", ())
    reports.act(lifecycle.solve, number, "Done.", ())
    assert browser.post(f"{page}/reopen", page, words="Not done.").status_code == 422
