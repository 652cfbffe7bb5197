"""The desk of a form: the queue, the clock, who may decide what."""

from __future__ import annotations

import csv
import io
from datetime import date, timedelta

import pytest

from smartcity_saas.database import transaction
from smartcity_saas.forms import desk_views, models
from smartcity_saas.forms.attention import applications_attention
from smartcity_saas.forms.models import ApplicationState, EventKind
from smartcity_saas.identity.assisted_service.models import ResidentAccess
from tests.support.application_desk import (
    CERTIFICATE,
    DESK,
    FORM,
    REASON,
    at_noon,
    clerk,
    numbers_in,
    send_decision,
    signed_in,
    take,
)
from tests.support.applications import (
    NAME,
    PERMIT,
    begin,
    define,
    events,
    fill,
    measured,
    row_of,
    save,
    sent,
)
from tests.support.world import World

BEFORE_THE_HOLIDAY = date(2026, 9, 28)
"""A Monday; 1 to 7 October are holidays, 10 October is a Saturday that is worked."""


def test_each_state_and_event_has_a_name_on_both_sides() -> None:
    """Promise: whatever can happen to an application is said to its resident and to the desk."""
    for names in (models.EVENT_NAMES, desk_views.EVENT_NAMES):
        assert names.keys() == set(EventKind)
    assert models.STATE_NAMES.keys() == set(ApplicationState)
    assert desk_views.STATE_NAMES.keys() == set(ApplicationState) - {ApplicationState.DRAFT}


def test_late_ones_stand_first(world: World) -> None:
    """Promise: the queue stands by the day on which a decision is due, late ones first and said to be;
    what waits for its resident stands last."""
    define(world)
    at_noon(world, date(2026, 11, 2))
    first = sent(world.resident(subject="household"))
    at_noon(world, date(2026, 11, 4))
    second = sent(world.resident(subject="parents"))
    third = sent(world.resident(subject="newcomer"))
    at_noon(world, date(2026, 11, 10))
    desk = clerk(world, "wu.min")
    take(desk, second)
    waiting = desk.post(f"{DESK}/{second}/ask", f"{DESK}/{second}", missing="The whole lease.")
    assert waiting.status_code == 303
    page = desk.get(DESK).text
    assert numbers_in(page) == [first, third, second]
    assert page.count(">Late<") == 1
    assert "1 working day left" in page
    assert numbers_in(desk.get(f"{DESK}?show=mine").text) == [second]
    assert numbers_in(desk.get(f"{DESK}?show=more_needed").text) == [second]
    assert "Nothing waits here." in desk.get(f"{DESK}?show=refused").text
    with world.inside("hangzhou"):
        late, rest = sorted(applications_attention(world.clock()), key=lambda one: one.kind)
    assert (late.kind, late.number, late.by) == ("applications.late", 1, date(2026, 11, 9))
    assert (rest.kind, rest.number) == ("applications.waiting", 1)
    assert "1 application is late" in desk.get("/cities/hangzhou/overview").text


def test_the_clock_passes_over_holidays(world: World) -> None:
    """Promise: working days are those of the calendar, the holidays of October and the Saturday worked
    for them counted."""
    define(world)
    at_noon(world, BEFORE_THE_HOLIDAY)
    number = sent(world.resident())
    assert row_of(world, number).due_on == date(2026, 10, 10)
    desk = clerk(world, "wu.min")
    assert "5 working days left" in desk.get(f"{DESK}/{number}").text
    at_noon(world, date(2026, 10, 9))
    desk = signed_in(world, "wu.min")
    assert "1 working day left" in desk.get(f"{DESK}/{number}").text
    at_noon(world, date(2026, 10, 10))
    desk = signed_in(world, "wu.min")
    assert "Due today" in desk.get(f"{DESK}/{number}").text


def test_asking_for_more_stops_the_clock(world: World) -> None:
    """Promise: while the resident is asked for more no day passes; what was left is left afterwards."""
    define(world)
    at_noon(world, date(2026, 11, 2))
    browser = world.resident()
    number = sent(browser)
    at_noon(world, date(2026, 11, 4))
    desk = clerk(world, "wu.min")
    take(desk, number)
    asked = desk.post(
        f"{DESK}/{number}/ask",
        f"{DESK}/{number}",
        missing="Write the house number too.",
        fields=["street"],
    )
    assert asked.status_code == 303, asked.text
    assert row_of(world, number).days_left == 3
    page = browser.get(f"/applications/{number}").text
    assert "Write the house number too." in page
    at_noon(world, date(2026, 11, 20))
    desk, browser = signed_in(world, "wu.min"), world.resident()
    assert "Stands still" in desk.get(f"{DESK}/{number}").text
    assert "Late" not in desk.get(DESK).text
    done = browser.post(
        f"/applications/{number}/supply",
        f"/applications/{number}/supply",
        **{"asked-fields": ["street"], "answer-street": "Sample Road 18, no. 4", "words": ""},
    )
    assert done.status_code == 303, done.text
    row = row_of(world, number)
    assert (row.state, row.due_on) == (ApplicationState.IN_REVIEW, date(2026, 11, 25))
    assert "Sample Road 18, no. 4" in desk.get(f"{DESK}/{number}").text


def test_what_is_late_stays_late_whatever_is_asked(world: World) -> None:
    """Promise: asking for more does not make a late application one in time; one that is decided within
    its days is counted as kept."""
    define(world)
    at_noon(world, date(2026, 11, 2))
    late, kept = sent(world.resident()), sent(world.resident(subject="parents"))
    desk = clerk(world, "wu.min")
    send_decision(desk, kept, "approved")
    assert measured(world)["done"] == 1
    assert "late" not in measured(world)
    at_noon(world, date(2026, 11, 11))
    desk = signed_in(world, "wu.min")
    take(desk, late)
    desk.post(f"{DESK}/{late}/ask", f"{DESK}/{late}", missing="Which flat?")
    desk.post(f"{DESK}/{late}/take", f"{DESK}/{late}")
    assert row_of(world, late).due_on == date(2026, 11, 9)
    answer = desk.post(f"{DESK}/{late}/decide", f"{DESK}/{late}", decision="refused", words=REASON)
    assert answer.status_code == 303
    assert measured(world)["late"] == 1
    assert measured(world)["done"] == 2


def test_refusing_needs_a_reason(world: World) -> None:
    """Promise: the resident reads why; without it nothing is decided, and what was typed stays."""
    define(world)
    browser = world.resident()
    number = sent(browser)
    desk = clerk(world, "wu.min")
    take(desk, number)
    page = f"{DESK}/{number}"
    answer = desk.post(f"{page}/decide", page, decision="refused", words="No")
    assert answer.status_code == 422
    assert ">No</textarea>" in answer.text
    assert "Say why, in 10 to 1,000 characters" in answer.text
    nothing = desk.post(f"{page}/decide", page, decision="", words="")
    assert "Choose whether it is approved." in nothing.text
    assert events(world, number) == [EventKind.RECEIVED, EventKind.TAKEN_OVER]
    done = desk.post(f"{page}/decide", page, decision="refused", words=REASON)
    assert done.status_code == 303
    assert REASON in browser.get(f"/applications/{number}").text
    again = desk.post(f"{page}/decide", DESK, decision="approved")
    assert again.status_code == 409


def test_who_has_it_decides_it(world: World) -> None:
    """Promise: of two colleagues the one who took an application over decides it; the other can take it
    over, and then the first cannot decide any more."""
    define(world)
    number = sent(world.resident())
    first, second = clerk(world, "wu.min"), clerk(world, "li.hua")
    page = f"{DESK}/{number}"
    take(first, number)
    assert "Wu.Min has it." in second.get(page).text
    assert second.post(f"{page}/decide", page, decision="approved").status_code == 409
    take(second, number)
    assert first.post(f"{page}/decide", page, decision="approved").status_code == 409
    assert second.post(f"{page}/put-back", page).status_code == 303
    assert row_of(world, number).taken_by is None
    assert events(world, number)[-1] is EventKind.PUT_BACK


def acted(world: World, number: str, page: str, since_then: timedelta = timedelta(0)) -> None:
    """Note what wu.min has opened or sent of an application's resident, so long after it was begun."""
    row = row_of(world, number)
    with world.inside("hangzhou"), transaction() as session:
        session.add(
            ResidentAccess(
                resident_id=row.resident_id,
                at=row.created_at + since_then,
                actor="staff:wu.min",
                page=page,
                reason="",
            )
        )


def test_nobody_decides_their_own(world: World) -> None:
    """Promise: whoever has acted for the resident at the counter since the application was begun is
    refused every act on it; a colleague decides."""
    define(world)
    number = sent(world.resident())
    desk = clerk(world, "wu.min")
    page = f"{DESK}/{number}"
    acted(world, number, "applications_desk.application")
    acted(world, number, "sent applications.begin", timedelta(days=-1))
    take(desk, number)
    acted(world, number, "sent applications.submit")
    assert "Somebody else decides this one" in desk.get(page).text
    for act, fields in (
        ("take", {}),
        ("put-back", {}),
        ("ask", {"missing": "The whole lease."}),
        ("messages", {"message": "Hello"}),
        ("decide", {"decision": "approved"}),
    ):
        answer = desk.post(f"{page}/{act}", DESK, **fields)
        assert answer.status_code == 403, act
        assert "You have acted for this resident at the counter" in answer.text, act
    send_decision(clerk(world, "li.hua"), number, "approved")


def test_a_desk_is_held_for_one_form_of_one_city(world: World) -> None:
    """Promise: the desk of another form, another city, or a form that there is not learns nothing, not
    even that a number exists."""
    other = PERMIT.replace("residence_permit_renewal", "seal_permit")
    define(world, entry=PERMIT + other)
    define(world, city="ningbo")
    number = sent(world.resident())
    mine, seals = clerk(world, "wu.min"), clerk(world, "li.hua", "desk:seal_permit")
    away = clerk(world, "he.jun", city="ningbo")
    assert mine.get(f"{DESK}/{number}").status_code == 200
    assert numbers_in(mine.get("/cities/hangzhou/applications").text) == [number]
    assert numbers_in(seals.get("/cities/hangzhou/applications").text) == []
    for browser, path, status in (
        (seals, f"{DESK}/{number}", 403),
        (seals, f"/cities/hangzhou/applications/seal-permit/{number}", 404),
        (away, f"{DESK}/{number}", 404),
        (away, f"/cities/ningbo/applications/{FORM}/{number}", 404),
        (mine, "/cities/hangzhou/applications/residence_permit_renewal", 404),
        (mine, "/cities/hangzhou/applications/nothing", 403),
    ):
        assert browser.get(path).status_code == status, path
    assert seals.post(f"{DESK}/{number}/take", "/cities/hangzhou/applications").status_code == 403
    assert row_of(world, number).taken_by is None


def test_a_draft_is_nobodys_but_its_residents(world: World) -> None:
    """Promise: the desk sees neither a draft nor that there is one."""
    define(world)
    number = begin(world.resident())
    desk = clerk(world, "wu.min")
    assert desk.get(f"{DESK}/{number}").status_code == 404
    assert numbers_in(desk.get(DESK).text) == []
    assert "draft" not in desk.get(f"{DESK}/queue.csv").text


def test_an_auditor_reads_and_does_nothing(world: World) -> None:
    """Promise: whoever may only read sees the queue and cannot act, nor take the answers out."""
    define(world)
    number = sent(world.resident())
    auditor = clerk(world, "sun.yi", "auditor")
    assert number in auditor.get(DESK).text
    page = auditor.get(f"{DESK}/{number}").text
    assert "Take it over" not in page
    assert auditor.post(f"{DESK}/{number}/take", DESK).status_code == 403
    assert auditor.get(f"{DESK}/queue.csv").status_code == 200
    assert auditor.get(f"{DESK}/answers.csv").status_code == 403


def test_csv_without_and_with_answers(world: World) -> None:
    """Promise: the queue as a table has no answers; with answers a cell that a spreadsheet would run is
    none, and the audit log says who took them out."""
    define(world)
    browser = world.resident()
    number = begin(browser)
    fill(browser, number)
    save(browser, number, 1, street="=HYPERLINK(1)", moved="no")
    browser.post(f"/applications/{number}/submit", f"/applications/{number}/check")
    desk = clerk(world, "wu.min")
    plain = desk.get(f"{DESK}/queue.csv").get_data(as_text=True).lstrip("\ufeff")
    (row,) = csv.DictReader(io.StringIO(plain))
    assert row["number"] == number
    assert row["late"] == "no"
    assert "HYPERLINK" not in plain
    whole = desk.get(f"{DESK}/answers.csv").get_data(as_text=True).lstrip("\ufeff")
    (row,) = csv.DictReader(io.StringIO(whole))
    assert row["answer_street"] == "'=HYPERLINK(1)"
    assert row["answer_mobile"] == "13800000001"
    log = world.city_staff().get("/cities/hangzhou/audit").text
    assert "Downloaded the answers of applications" in log


def test_each_look_is_told_to_the_resident(world: World) -> None:
    """Promise: what staff do with an application is told to its resident: the application, what was done,
    by which account; repeats within an hour are one row with their count, what was refused was a look,
    and nobody was at a counter. The queue, which has nothing of anybody's, is not told."""
    define(world, entry=CERTIFICATE)
    at_noon(world, date(2026, 11, 2))
    browser = world.resident()
    number = sent(browser)
    desk, here = clerk(world, "wu.min"), f"{DESK}/{number}"
    desk.get(DESK)
    assert "wu.min" not in browser.get("/me/data/access").text
    for _look in range(3):
        desk.get(here)
    assert desk.post(f"{here}/decide", here, decision="").status_code == 422
    send_decision(desk, number, "approved")
    desk.get(f"{here}/paper.pdf")
    desk.get(f"{here}/print")
    page = browser.get("/me/data/access").text
    named = f"Residence permit renewal {number}"
    for done in ("took it over", "decided on it", "downloaded the paper", "opened it for printing"):
        assert page.count(f"{named}: {done}") == 1, page
    assert page.count(f"{named}: looked at") == 2, "as often as is counted, and the refused act"
    assert "times within the hour" in page
    assert "counter work" not in page
    at_noon(world, date(2026, 11, 3))
    signed_in(world, "wu.min").get(here)
    page = world.resident().get("/me/data/access").text
    assert page.count(f"{named}: looked at") == 3, "another hour is another row"
    assert "wu.min" not in world.resident(subject="parents").get("/me/data/access").text


def test_a_form_that_is_gone_keeps_its_desk(world: World) -> None:
    """Promise: what was begun under a form that the city has no more is still decided."""
    define(world)
    number = sent(world.resident())
    desk = clerk(world, "wu.min")
    define(world, entry=CERTIFICATE.replace("residence_permit_renewal", "seal_permit"))
    assert "Residence permit renewal" in desk.get(DESK).text
    send_decision(desk, number, "approved")
    assert row_of(world, number).state is ApplicationState.APPROVED


def test_writing_to_the_resident_changes_nothing(world: World) -> None:
    """Promise: words go both ways on the page of the application, and the clock runs on."""
    define(world)
    browser = world.resident()
    number = sent(browser)
    desk = clerk(world, "wu.min")
    page = f"{DESK}/{number}"
    due = row_of(world, number).due_on
    assert desk.post(f"{page}/messages", page, message=" ").status_code == 422
    assert desk.post(f"{page}/messages", page, message="We have it.").status_code == 303
    assert "We have it." in browser.get(f"/applications/{number}").text
    browser.post(
        f"/applications/{number}/messages", f"/applications/{number}", words="Thank you, Wu."
    )
    assert "Thank you, Wu." in desk.get(page).text
    assert row_of(world, number).due_on == due


def test_the_navigation_has_one_item_for_all_forms(world: World) -> None:
    """Promise: whoever may work at the desk of one form finds it in the navigation once; nobody else
    does, and no city without forms."""
    desk = clerk(world, "wu.min")
    link = 'href="/cities/hangzhou/applications"'
    assert link not in desk.get("/cities/hangzhou/overview").text
    define(world, entry=PERMIT + PERMIT.replace("residence_permit_renewal", "seal_permit"))
    assert desk.get("/cities/hangzhou/overview").text.count(link) == 1
    for page in ("/cities/hangzhou/applications", DESK):
        assert f'{link} aria-current="page"' in desk.get(page).text, page
    tickets = clerk(world, "li.hua", "desk:traffic_tickets")
    both = clerk(world, "he.jun", "desk:traffic_tickets", "desk:seal_permit")
    assert link in both.get("/cities/hangzhou/traffic-tickets").text
    assert link not in tickets.get("/cities/hangzhou/overview").text


@pytest.mark.parametrize("language", ["zh", "en"])
def test_an_application_on_paper(world: World, language: str) -> None:
    """Promise: the page for printing has what was asked and answered, and no form."""
    define(world)
    number = sent(world.resident())
    desk = clerk(world, "wu.min")
    desk.language = language
    page = desk.get(f"{DESK}/{number}/print").text
    assert "Sample Road 18" in page
    assert number in page
    assert ("居住证签注" in page) == (language == "zh")
    assert "<textarea" not in page
    assert "console" not in page


def test_the_name_of_the_service_counts(world: World) -> None:
    """Promise: decisions are counted for the form, as any service's acts are."""
    define(world)
    number = sent(world.resident())
    send_decision(clerk(world, "wu.min"), number, "approved")
    assert measured(world, NAME) == {"begun": 1, "done": 1}


@pytest.mark.parametrize("by", ["answer", "read", "ask", "refuse", "withdraw"])
def test_a_message_waits_until_somebody_deals_with_it(world: World, by: str) -> None:
    """Promise: what a resident writes stands on the overview, in the queue and at the application until
    the desk answers, marks it as read, asks for more or decides, or the resident withdraws; and the
    resident reads that it arrived. Another city has nothing of it."""
    define(world)
    define(world, "ningbo")
    browser = world.resident()
    number = sent(browser)
    desk, here = clerk(world, "wu.min"), f"{DESK}/{number}"
    take(desk, number)
    mine = f"/applications/{number}"
    assert "Message to answer" not in desk.get(DESK).text + desk.get(here).text
    written = browser.post(f"{mine}/messages", mine, words="Do you need the lease too?")
    assert (written.status_code, written.headers["Location"]) == (303, f"{mine}#write")
    browser.post(f"{mine}/messages", mine, words="I have it here.")
    assert "The city has your message" in browser.get(mine).text
    assert desk.get(DESK).text.count("Message to answer") == 1
    assert numbers_in(desk.get(f"{DESK}?show=unanswered").text) == [number]
    assert "Message to answer" in desk.get(here).text
    overview = desk.get("/cities/hangzhou/overview").text
    assert "1 application has a message to answer" in overview
    assert f"{DESK}?show=unanswered" in overview
    assert not _unanswered(world, "ningbo")
    if by == "withdraw":
        browser.post(f"{mine}/withdraw", f"{mine}/withdraw", fee="")
    else:
        sends = {
            "answer": ("messages", {"message": "No, thank you."}),
            "read": ("read", {}),
            "ask": ("ask", {"missing": "Send the lease."}),
            "refuse": ("decide", {"decision": "refused", "words": REASON}),
        }
        path, fields = sends[by]
        assert desk.post(f"{here}/{path}", here, **fields).status_code == 303
    assert not _unanswered(world, "hangzhou")
    assert "Message to answer" not in desk.get(f"{DESK}?show=unanswered").text + desk.get(here).text
    assert "The city has your message" not in browser.get(mine).text


def test_a_question_about_what_is_missing_is_seen(world: World) -> None:
    """Promise: a resident who is asked for more and asks back is not left to wait, though the
    application waits for them."""
    define(world)
    browser = world.resident()
    number = sent(browser)
    desk = clerk(world, "wu.min")
    take(desk, number)
    desk.post(f"{DESK}/{number}/ask", f"{DESK}/{number}", missing="The lease.")
    browser.post(f"/applications/{number}/messages", f"/applications/{number}", words="Which one?")
    assert _unanswered(world, "hangzhou") == 1
    desk.post(f"{DESK}/{number}/read", f"{DESK}/{number}")
    assert not _unanswered(world, "hangzhou")


def _unanswered(world: World, city: str) -> int:
    """How many applications of a city have a message to answer, by what waits for a person."""
    with world.inside(city):
        found = applications_attention(world.clock())
        return sum(one.number for one in found if one.kind == "applications.unanswered")
