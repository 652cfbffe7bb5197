"""Applications: begun, filled in, sent, followed, supplied, withdrawn, reopened."""

from __future__ import annotations

import base64
import io
import json
import re
import threading
from typing import Any

import pytest
from sqlalchemy import select

from smartcity_saas.audit import system
from smartcity_saas.database import db
from smartcity_saas.forms.deciding import mark_read, write_to_resident
from smartcity_saas.forms.models import (
    Application,
    ApplicationEvent,
    ApplicationFile,
    ApplicationState,
    EventKind,
    FormDefinition,
)
from smartcity_saas.forms.retention import erase_expired
from smartcity_saas.identity.personal_data.records import personal_models
from smartcity_saas.identity.residents.models import Resident
from smartcity_saas.notifications.models import Message
from smartcity_saas.payments.models import Payment
from smartcity_saas.payments.settlement import sync_payment
from tests.support.applications import (
    FIRST,
    PDF,
    PERMIT,
    ROOT,
    SECOND,
    ask_for_more,
    begin,
    count_of,
    decide,
    define,
    events,
    fill,
    measured,
    picture,
    row_of,
    save,
    sent,
    stored,
)
from tests.support.documents import HANGZHOU
from tests.support.residents import by_phone
from tests.support.world import World

DESK, SERVICE = system("desk"), "residence_permit_renewal"


def test_from_the_landing_to_a_number(world: World) -> None:
    """Promise: what it needs, costs and takes stands before anything; each step is saved; a number in
    the end, and a timeline."""
    define(world)
    stranger = world.client("hangzhou.localhost")
    page = stranger.get(ROOT)
    assert page.status_code == 200
    for words in (
        "Residence permit renewal",
        "Free",
        "5 working days",
        "The permit itself",
        "Sign in to begin",
    ):
        assert words in page.text, words
    browser = world.resident()
    assert ">Begin<" in browser.get(ROOT).text
    number = begin(browser)
    assert number.startswith("HZ-RPR-")
    assert "Where you live" in browser.get(f"/applications/{number}/steps/1").text
    fill(browser, number)
    check = browser.get(f"/applications/{number}/check").text
    assert "Sample Road 18" in check
    assert "Send it" in check
    done = browser.post(f"/applications/{number}/submit", f"/applications/{number}/check")
    assert done.headers["Location"] == f"/applications/{number}", done.text
    page = browser.get(f"/applications/{number}")
    assert number in page.text
    assert "We have received it" in page.text
    assert number in browser.get("/applications").text
    assert "Residence permit renewal" in browser.get("/me").text
    assert events(world, number) == [EventKind.RECEIVED]
    with world.inside("hangzhou"):
        (message,) = db.session.scalars(select(Message).where(Message.path.contains(number)))
    assert message.title["zh"] == "已收到：居住证签注"
    assert number in message.body["en"]
    assert "Sample Road" not in json.dumps([message.title, message.body])


def test_two_devices_go_on_with_one_draft(world: World) -> None:
    """Promise: what was saved on one device is there on another, and neither loses what the other
    saved; a second “begin” leads to the same draft."""
    define(world)
    phone, desktop = world.resident(), world.resident()
    number = begin(phone)
    save(phone, number, 1, **FIRST)
    assert begin(desktop) == number
    landing = desktop.get(ROOT).text
    assert "Go on with step 2 of 4" in landing
    assert "kept until" in landing
    assert 'value="Sample Road 18"' in desktop.get(f"/applications/{number}/steps/1").text
    save(desktop, number, 2, **SECOND)
    save(phone, number, 1, street="Other Road 2", moved="no")
    assert "Other Road 2" in desktop.get(f"/applications/{number}/check").text
    assert "13800000001" in phone.get(f"/applications/{number}/check").text
    assert count_of(world, Application) == 1


def test_what_does_not_fit_is_told_at_its_field(world: World) -> None:
    """Promise: everything typed is kept, what fits is saved, and the fault quotes what was typed; going
    back or away loses nothing that does not fit without a word."""
    define(world)
    browser = world.resident()
    number = begin(browser)
    save(browser, number, 1, **FIRST)
    for go in ("next", "back", "later"):
        page = save(browser, number, 2, mobile="138", note="A note", go=go)
        assert page.status_code == 422, go
        assert "“138” is no mobile number" in page.text
        assert 'value="138"' in page.text
        assert "A note" in page.text
    assert "A note" in browser.get(f"/applications/{number}/steps/2").text
    gone = save(browser, number, 2, mobile="", note="A note", go="back")
    assert gone.headers["Location"] == f"/applications/{number}/steps/1"
    gone = save(browser, number, 2, mobile="", note="A note", go="later")
    assert gone.headers["Location"].startswith("/applications?saved=")
    assert browser.get(gone.headers["Location"]).status_code == 200
    page = browser.post(f"/applications/{number}/submit", f"/applications/{number}/check")
    assert page.status_code == 422
    assert f"/applications/{number}/steps/2?then=check#answer-mobile" in page.text
    assert row_of(world, number).state is ApplicationState.DRAFT


def test_an_answer_that_asks_for_more_shows_it_without_a_script(world: World) -> None:
    """Promise: where an answer asks for a further field the step comes again with it; its file is kept
    sealed, downloaded by its owner alone, and gone once it is taken out."""
    define(world)
    browser = world.resident()
    number = begin(browser)
    page = save(browser, number, 1, street="Sample Road 18", moved="yes")
    assert page.status_code == 200
    assert "Your answers ask for a little more" in page.text
    asked = ["street", "moved", "lease"]
    wrong = (io.BytesIO(b"MZ not a document"), "lease.pdf")
    page = save(browser, number, 1, asked=asked, street="S", moved="yes", **{"lease-new": wrong})
    assert page.status_code == 422
    assert "“lease.pdf” is no PDF" in page.text
    files = [(io.BytesIO(PDF), "../lease.pdf"), (io.BytesIO(picture()), "photo.png")]
    done = save(browser, number, 1, asked=asked, street="S", moved="yes", **{"lease-new": files})
    assert done.headers["Location"] == f"/applications/{number}/steps/2", done.text
    check = browser.get(f"/applications/{number}/check").text
    paths = re.findall(rf"/applications/{number}/files/[0-9a-f-]+", check)
    assert len(paths) == 2
    pdf, photo = (browser.get(path) for path in paths)
    assert (pdf.data, pdf.headers["Content-Type"]) == (PDF, "application/pdf")
    assert "attachment; filename=lease.pdf" in pdf.headers["Content-Disposition"]
    assert photo.headers["Content-Type"] == "image/jpeg"
    assert "sandbox" in photo.headers["Content-Security-Policy"]
    assert world.resident(subject="parents").get(paths[0]).status_code == 404
    with world.inside("hangzhou"):
        rows = db.session.scalars(select(ApplicationFile)).all()
        assert all(PDF not in row.content and b"lease" not in row.sealed for row in rows)
    key = paths[0].rpartition("/")[2]
    gone = save(browser, number, 1, asked=asked, street="S", moved="yes", remove_file=key)
    assert gone.headers["Location"] == f"/applications/{number}/steps/1"
    assert browser.get(paths[0]).status_code == 404
    assert browser.get(paths[1]).status_code == 200
    more = [(io.BytesIO(PDF), f"{n}.pdf") for n in range(2)]
    page = save(browser, number, 1, asked=asked, street="S", moved="yes", **{"lease-new": more})
    assert page.status_code == 422
    assert "at most 2 can be" in page.text
    assert browser.get(paths[1]).status_code == 200
    save(browser, number, 1, asked=asked, street="S", moved="no")
    save(browser, number, 2, **SECOND)
    save(browser, number, 3, truth="yes")
    browser.post(f"/applications/{number}/submit", f"/applications/{number}/check")
    assert browser.get(paths[1]).status_code == 404, "what is not asked any more is not sent"


def test_the_whole_life(world: World) -> None:
    """Promise: sent, more asked for and supplied (that alone), refused, opened once more with a reason,
    approved; messages both ways; the clock stands still while it waits for the resident."""
    define(world)
    browser = world.resident()
    number = sent(browser)
    here = f"/applications/{number}"
    row = row_of(world, number)
    assert row.due_on is not None
    assert row.erase_on is None
    for nothing in ("", "\u200b\u200d"):
        assert browser.post(f"{here}/messages", here, words=nothing).status_code == 422
    assert browser.post(f"{here}/messages", here, words="When?").status_code == 303
    assert "When?" in browser.get(here).text
    ask_for_more(world, number, "The number is too short", ["street"])
    page = browser.get(here).text
    assert "The number is too short" in page
    assert "The clock stands still" in page
    page = browser.get(f"{here}/supply").text
    assert 'name="answer-street"' in page
    assert 'name="answer-mobile"' not in page
    other = {"asked-fields": ["street", "mobile"], "answer-mobile": "13900000009"}
    page = browser.post(f"{here}/supply", f"{here}/supply", **other, **{"answer-street": ""})
    assert page.status_code == 422
    done = browser.post(
        f"{here}/supply", f"{here}/supply", **other, **{"answer-street": "New Road"}
    )
    assert done.headers["Location"] == here
    page = browser.get(here).text
    assert "New Road" in page
    assert "13900000009" not in page, "only what is asked for anew can be answered anew"
    row = row_of(world, number)
    assert (row.state, row.days_left) == (ApplicationState.IN_REVIEW, None)
    decide(world, number, ApplicationState.REFUSED, "Not from here")
    page = browser.get(here).text
    assert "Not from here" in page
    assert "How was this application handled?" in page
    for nothing in ("short", "\u200b" * 20, "\ufeff" * 20 + "short"):
        assert browser.post(f"{here}/reopen", here, reason=nothing).status_code == 422
    again = browser.post(f"{here}/reopen", here, reason="I have lived here for years.")
    assert again.headers["Location"] == here
    decide(world, number, ApplicationState.REFUSED, "Still not")
    assert f"{here}/reopen" not in browser.get(here).text
    again = browser.post(f"{here}/reopen", here, reason="I have lived here for years.")
    assert again.status_code == 409
    assert "Still not" in browser.get(here).text
    assert events(world, number) == [
        EventKind.RECEIVED,
        EventKind.MESSAGE,
        EventKind.MORE_NEEDED,
        EventKind.SUPPLIED,
        EventKind.REFUSED,
        EventKind.REOPENED,
        EventKind.REFUSED,
    ]
    assert "Finished lately" in browser.get("/applications").text
    assert browser.get("/applications?show=finished").status_code == 200


def test_withdrawing(world: World) -> None:
    """Promise: what is under way can be withdrawn, once; a draft is erased whole and at once."""
    define(world)
    browser = world.resident()
    number = sent(browser)
    here = f"/applications/{number}"
    assert browser.get(f"{here}/withdraw").status_code == 200
    assert browser.post(f"{here}/withdraw", f"{here}/withdraw").headers["Location"] == here
    row = row_of(world, number)
    assert row.state is ApplicationState.WITHDRAWN
    assert row.erase_on is not None
    assert browser.post(f"{here}/withdraw", "/me").status_code == 409
    assert browser.post(f"{here}/messages", "/me", words="Hello").status_code == 409
    draft = begin(browser)
    there = f"/applications/{draft}"
    assert (
        browser.post(f"{there}/withdraw", f"{there}/withdraw").headers["Location"]
        == "/applications"
    )
    assert stored(world, draft) is None
    assert measured(world) == {"begun": 1, "called_off": 1}


@pytest.mark.parametrize("other", ["parents", "ningbo"])
def test_an_application_is_its_residents_alone(world: World, other: str) -> None:
    """Promise: to another resident and in another city it does not exist, on every page of it; whoever
    has not signed in learns not even that."""
    define(world)
    define(world, "ningbo")
    number = sent(world.resident())
    place = f"/applications/{number}"
    browser = world.resident("ningbo") if other == "ningbo" else world.resident(subject=other)
    pages = ("", "/steps/1", "/check", "/supply", "/withdraw")
    assert [browser.get(place + page).status_code for page in pages] == [404] * 5
    acts = ("/steps/1", "/submit", "/supply", "/messages", "/withdraw", "/reopen")
    assert [browser.post(place + act, "/me").status_code for act in acts] == [404] * 6
    assert number not in browser.get("/applications").text
    stranger = world.client("hangzhou.localhost")
    for one in (number, "HZ-RPR-0101-0000"):
        answer = stranger.get(f"/applications/{one}")
        assert answer.headers["Location"] == f"/sign-in?next=/applications/{one}"


@pytest.mark.parametrize("change", ["paused", "closed", "removed", "changed"])
def test_what_was_begun_goes_on_whatever_becomes_of_the_service(world: World, change: str) -> None:
    """Promise: under a service that is paused, closed, gone or another by now, what was begun is filled
    in, sent, followed and withdrawn as it began; nothing new begins there."""
    define(world)
    browser = world.resident()
    number = begin(browser)
    under_way = sent(world.resident(subject="parents"))
    stop = "state: paused\n    notice: {zh: 停, en: Back on Friday}"
    entry = {
        "paused": PERMIT.replace("state: open", stop),
        "closed": PERMIT.replace("state: open", "state: closed"),
        "removed": "  traffic_tickets: {state: open}\n",
        "changed": PERMIT.replace("name: street", "name: avenue"),
    }[change]
    define(world, entry=entry)
    answer = browser.post(f"{ROOT}/begin", "/me")
    assert (
        answer.status_code == {"paused": 503, "closed": 404, "removed": 404, "changed": 303}[change]
    )
    if change != "removed":
        assert "Residence permit renewal" in browser.get("/me").text
    fill(browser, number)
    done = browser.post(f"/applications/{number}/submit", f"/applications/{number}/check")
    assert done.headers["Location"] == f"/applications/{number}", done.text
    assert "Sample Road 18" in browser.get(f"/applications/{number}").text
    assert browser.get("/applications").status_code == 200
    parents = world.resident(subject="parents")
    answer = parents.post(
        f"/applications/{under_way}/withdraw", f"/applications/{under_way}/withdraw"
    )
    assert answer.status_code == 303


def test_nobody_applies_without_end(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Promise: a form has so many applications of one resident under way as it says, and one resident
    begins so many a day; another resident, and another city, is not held up."""
    entry = PERMIT.replace("    keep: {years: 2}", "    most_open: 2\n    keep: {years: 2}")
    define(world, entry=entry)
    define(world, "ningbo", entry=entry)
    browser = world.resident()
    first, _second = sent(browser), sent(browser)
    full = browser.post(f"{ROOT}/begin", "/me")
    assert full.status_code == 409
    assert "2 of your applications are under way here" in full.text
    assert count_of(world, Application) == 2
    sent(world.resident(subject="parents"))
    sent(world.resident("ningbo"))
    monkeypatch.setattr("smartcity_saas.forms.drafts.MOST_BEGUN_A_DAY", 4)
    there = f"/applications/{first}/withdraw"
    assert browser.post(there, there).status_code == 303
    number = begin(browser)
    assert begin(browser) == number, "going on with a draft begins nothing"
    gone = f"/applications/{number}/withdraw"
    assert browser.post(gone, gone).status_code == 303
    assert browser.post(f"{ROOT}/begin", "/me").status_code == 429
    begin(world.resident(subject="parents"))


def test_a_number_that_was_taken_meanwhile(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Promise: two residents whose numbers come out the same in one moment both begin, each under a
    number of their own."""
    define(world)
    taken = begin(world.resident())
    numbers = iter([taken, "HZ-RPR-0101-0001"])
    monkeypatch.setattr("smartcity_saas.forms.drafts.new_number", lambda *of: next(numbers))
    assert begin(world.resident(subject="parents")) == "HZ-RPR-0101-0001"
    assert count_of(world, Application) == 2


def test_files_of_a_resident_are_bounded(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Promise: the files of all applications of one resident take no more than their share; what does
    not fit is told at its field, and another resident's has room."""
    define(world)
    monkeypatch.setattr("smartcity_saas.forms.files.MOST_BYTES_OF_RESIDENT", 2 * len(PDF))
    asked = ["street", "moved", "lease"]

    def add(browser: Any, number: str) -> Any:
        lease = (io.BytesIO(PDF), "lease.pdf")
        return save(
            browser, number, 1, asked=asked, street="S", moved="yes", **{"lease-new": lease}
        )

    browser = world.resident()
    number = begin(browser)
    assert add(browser, number).status_code == 303
    page = add(browser, number)
    assert page.status_code == 422
    assert "The files of your applications would take more than" in page.text
    assert count_of(world, ApplicationFile) == 1
    other = world.resident(subject="parents")
    assert add(other, begin(other)).status_code == 303


def at_once(*acts: Any) -> list[Any]:
    """Do several things in the same moment; returns what each came to."""
    results: list[Any] = [None] * len(acts)
    barrier = threading.Barrier(len(acts))

    def run(place: int, act: Any) -> None:
        barrier.wait()
        results[place] = act()

    threads = [threading.Thread(target=run, args=(n, act)) for n, act in enumerate(acts)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    return results


@pytest.mark.parametrize("with_withdrawal", [False, True])
def test_two_presses_at_once(world: World, with_withdrawal: bool) -> None:
    """Promise: two devices that send in one moment send once; against erasing the draft, one of the two
    wins whole."""
    define(world)
    phone, desktop = world.resident(), world.resident()
    number = begin(phone)
    fill(phone, number)
    here = f"/applications/{number}"
    tokens = [one.token(f"{here}/check") for one in (phone, desktop)]

    def press(browser: Any, token: str, act: str) -> int:
        return int(
            browser.client.post(
                f"{here}/{act}",
                base_url="http://hangzhou.localhost",
                data={"csrf_token": token},
                headers={"Origin": "http://hangzhou.localhost"},
            ).status_code
        )

    second = "withdraw" if with_withdrawal else "submit"
    found = at_once(
        lambda: press(phone, tokens[0], "submit"), lambda: press(desktop, tokens[1], second)
    )
    row = stored(world, number)
    if not with_withdrawal:
        assert found == [303, 303]
        assert events(world, number) == [EventKind.RECEIVED]
    elif row is None:
        assert found == [404, 303]
        assert count_of(world, ApplicationEvent) == 0
    else:
        assert row.state in (ApplicationState.RECEIVED, ApplicationState.WITHDRAWN)
        assert found[0] == 303


def test_drafts_are_kept_for_a_while(world: World) -> None:
    """Promise: a draft is erased thirty days after it was saved last, with its files; what is under way
    stays."""
    define(world)
    browser, other = world.resident(), world.resident(subject="parents")
    number, kept = begin(browser), sent(other)
    asked = ["street", "moved", "lease"]
    lease = (io.BytesIO(PDF), "lease.pdf")
    save(browser, number, 1, asked=asked, street="S", moved="yes", **{"lease-new": lease})
    assert count_of(world, ApplicationFile) == 1
    for days, left in ((30, 2), (1, 1)):
        world.clock.move(days=days)
        with world.inside("hangzhou"):
            erase_expired(world.clock())
            db.session.commit()
        assert count_of(world, Application) == left
    assert stored(world, kept) is not None
    assert count_of(world, ApplicationFile) == 0


def test_answers_and_words_are_sealed(world: World) -> None:
    """Promise: nothing that a resident answers or writes can be read in the database."""
    define(world)
    browser = world.resident()
    number = sent(browser)
    browser.post(f"/applications/{number}/messages", f"/applications/{number}", words="When then?")
    with world.inside("hangzhou"):
        for model in (Application, ApplicationEvent, FormDefinition):
            for row in db.session.scalars(select(model)):
                text = repr([getattr(row, column.key) for column in model.__table__.columns])
                assert "Sample Road" not in text
                assert "When then" not in text


def test_my_data_has_it_all_and_leaving_erases_it(world: World) -> None:
    """Promise: a download has answers, words and files opened; leaving waits for what is under way, and
    then nothing of it stays."""
    define(world)
    browser = world.resident()
    number = begin(browser)
    asked = ["street", "moved", "lease"]
    lease = (io.BytesIO(PDF), "lease.pdf")
    save(
        browser,
        number,
        1,
        asked=asked,
        street="Sample Road 18",
        moved="yes",
        **{"lease-new": lease},
    )
    save(browser, number, 2, **SECOND)
    save(browser, number, 3, truth="yes")
    browser.post(f"/applications/{number}/submit", f"/applications/{number}/check")
    found = browser.post("/me/data/download", "/me/data").text
    assert "Sample Road 18" in found
    assert "lease.pdf" in found
    assert base64.b64encode(PDF).decode() in found
    assert "under way" in browser.get("/me/data/delete").text
    browser.post(f"/applications/{number}/withdraw", f"/applications/{number}/withdraw")
    gone = browser.post("/me/data/delete", "/me/data/delete", word="delete")
    assert gone.status_code == 200, gone.text
    names = {model.__name__ for model in personal_models()}
    assert {"Application", "ApplicationEvent", "ApplicationFile", "ApplicationPaper"} <= names
    for model in (Application, ApplicationEvent, ApplicationFile):
        assert count_of(world, model) == 0
    assert count_of(world, Resident) == 1


def test_a_fee_is_paid_with_sending(world: World) -> None:
    """Promise: sending leads to the pay page; what is given up leaves the draft, what is paid is
    received, once, and counts as no act of its own."""
    stripe = world.open_payments()
    define(world, fee="20.00")
    browser = world.resident()
    assert "¥20.00" in browser.get(ROOT).text
    number = begin(browser)
    page = browser.post(f"/applications/{number}/submit", f"/applications/{number}/check")
    assert page.status_code == 422, "what is missing comes before paying"
    fill(browser, number)
    here = f"/applications/{number}"
    assert "Send it and pay ¥20.00" in browser.get(f"{here}/check").text
    going = browser.post(f"{here}/submit", f"{here}/check")
    assert going.status_code == 303
    assert row_of(world, number).is_draft
    changed = save(browser, number, 1, street="Later Road 3", moved="no")
    assert changed.status_code == 303
    assert stripe.session()["status"] == "expired", "what it was for has changed"
    browser.post(f"{here}/submit", f"{here}/check")
    stripe.pay()
    with world.inside("hangzhou"):
        key = db.session.scalars(select(Payment.id).order_by(Payment.id.desc()).limit(1)).one()
        sync_payment(world.city("hangzhou"), key, world.clock())
    row = row_of(world, number)
    assert row.state is ApplicationState.RECEIVED
    assert row.payment_id is not None
    assert "Later Road 3" in browser.get(here).text
    assert measured(world) == {"amount": 2000, "begun": 1}


def test_a_city_without_payments_says_so(world: World) -> None:
    """Promise: where a fee cannot be paid the form says so before it is filled in, and keeps what is."""
    define(world, fee="20.00")
    browser = world.resident()
    assert "cannot be paid here" in browser.get(ROOT).text
    number = begin(browser)
    fill(browser, number)
    assert "cannot be paid here" in browser.get(f"/applications/{number}/check").text
    answer = browser.post(f"/applications/{number}/submit", "/me")
    assert answer.status_code == 503
    assert row_of(world, number).is_draft


def test_what_was_written_last_is_not_written_again(world: World) -> None:
    """Promise: a message that is sent twice is one, of the resident and of the desk; after an answer, once
    the desk has read it, or some time later the same words are said again."""
    define(world)
    browser = world.resident()
    number = sent(browser)
    here = f"/applications/{number}"

    def said() -> int:
        return events(world, number).count(EventKind.MESSAGE)

    for written in (1, 3):
        for _press in range(3):
            assert browser.post(f"{here}/messages", here, words="When?").status_code == 303
        assert said() == written
        for _press in range(3):
            with world.inside("hangzhou"):
                write_to_resident(DESK, SERVICE, number, "Soon.", world.clock())
        assert said() == written + 1
    world.clock.move(minutes=20)
    with world.inside("hangzhou"):
        write_to_resident(DESK, SERVICE, number, "Soon.", world.clock())
    assert said() == 5
    for written in (6, 7):
        browser.post(f"{here}/messages", here, words="When?")
        assert said() == written
        assert row_of(world, number).unanswered_since is not None
        with world.inside("hangzhou"):
            mark_read(DESK, SERVICE, number, world.clock())


def test_messages_are_agreed_to_beside_what_they_are_about(phones: World) -> None:
    """Promise: the page of an application says where one is told of it; who has a number and has not
    agreed has it sent there by one press, and comes back; elsewhere it leads nowhere but the site."""
    service = PERMIT.replace("FEE", "0")
    phones.save(f"{HANGZHOU}channels: {{phone: {{state: open}}}}\nservices:\n{service}")
    browser = by_phone(phones)
    number = sent(browser)
    here = f"/applications/{number}"
    page = browser.get(here).text
    assert "/me/messages" in page
    agree = {"give": "1", "next": here}
    assert "Send them to" in page
    done = browser.post("/me/data/consents/messages", here, **agree)
    assert done.headers["Location"] == here
    page = browser.get(here).text
    assert "Send them to" not in page
    assert "It is sent to" in page
    away = browser.post("/me/data/consents/messages", here, give="1", next="//elsewhere.example")
    assert away.headers["Location"].startswith("/")
    assert not away.headers["Location"].startswith("//")
