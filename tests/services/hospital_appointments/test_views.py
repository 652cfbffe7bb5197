"""Hospital appointments on a city's site."""

from __future__ import annotations

import re
from html import unescape

import pytest
from icalendar import Calendar
from sqlalchemy import delete, select

from smartcity_saas.credentials.personal_encryption import own_index
from smartcity_saas.database import db, transaction
from smartcity_saas.identity.residents.consents import MESSAGES, agrees, withdraw
from smartcity_saas.identity.residents.models import ResidentContact
from smartcity_saas.services.hospital_appointments import full_page
from smartcity_saas.services.hospital_appointments.models import (
    PATIENT_PHONE,
    Appointment,
    ClinicSession,
    Patient,
)
from tests.support.clinic import Clinic
from tests.support.clinic_pages import NEW, ROOT, api, book
from tests.support.statements import statements_sent


def test_from_the_search_to_the_number(clinic: Clinic) -> None:
    """A symptom in Chinese, pinyin or English finds the department; its day shows what is left;
    the appointment has number, code and calendar."""
    client = clinic.world.client("hangzhou.localhost")
    for query in ("胸痛", "xiongtong", "chest", "甲医生", "Cardio"):
        assert "Cardiology" in client.get(f"{ROOT}?q={query}").text, query
    assert "Nothing found for" in client.get(f"{ROOT}?q=zzz").text
    landing = client.get(ROOT).text
    department = re.search(rf"{ROOT}/departments/[0-9a-f-]+", landing)[0]  # type: ignore[index]
    page = client.get(f"{department}?day={clinic.day()}").text
    assert "last one" in page
    assert "¥50.00" in page
    browser, path = book(clinic)
    shown = browser.get(path).text
    assert "示例甲" in shown
    assert "QR code" in shown
    assert path in browser.get("/me").text
    calendar = Calendar.from_ical(browser.get(f"{path}/calendar.ics").data)
    (event,) = calendar.walk("VEVENT")
    assert event["STATUS"] == "CONFIRMED"
    assert "示例甲" not in str(event)
    assert browser.post(f"{path}/cancel", path).status_code == 302
    assert "Cancelled" in browser.get(path).text


def test_a_refused_booking_keeps_what_was_typed_and_adds_nobody(clinic: Clinic) -> None:
    """A wrong telephone, then no place left: the form comes back, and nobody was added."""
    browser = clinic.world.resident()
    path = f"{ROOT}/sessions/{clinic.session()}/book"
    wrong = browser.post(path, "/me", **{**NEW, "phone": "x"})
    assert wrong.status_code == 422
    assert "示例甲" in wrong.text
    [clinic.book(name) for name in "abc"]
    full = browser.post(path, "/me", **NEW)
    assert full.status_code == 409
    assert "last slot was just taken" in full.text
    with clinic.world.inside("hangzhou"):
        assert "示例甲" not in set(db.session.scalars(select(Patient.name)))


def test_whoever_comes_too_late_is_told_at_little_cost(clinic: Clinic) -> None:
    """Nobody loads the form again to be told that it is full: at most eight statements, and the only
    one that writes counts the refusal. It is told truthfully: a place that is given back is found."""
    browser = clinic.world.resident()
    browser.post(f"{ROOT}/patients", f"{ROOT}/patients", **NEW)
    path = f"{ROOT}/sessions/{clinic.session()}/book"
    (listed,) = browser.get("/api/v1/hospital-appointments").json["patients"]  # type: ignore[index]
    patient = listed["id"]
    others = [clinic.book(name) for name in "abc"]
    with statements_sent() as sent:
        full = browser.post(path, "/me", patient=patient)
    asked = [one for one in sent if not one.startswith(("SET", "BEGIN"))]
    assert full.status_code == 409
    assert "last slot was just taken" in full.text
    assert f"{ROOT}/sessions/{clinic.session()}/wait" in full.text
    assert re.search(rf'href="{ROOT}/departments/[0-9a-f-]+\?day={clinic.day()}"', full.text)
    late = asked[asked.index(next(one for one in asked if "FROM clinic_session" in one)) :]
    assert len(late) <= 8, late
    writes = [one for one in late if one.startswith(("INSERT", "UPDATE", "DELETE"))]
    assert [one.split()[2] for one in writes] == ["measure_event"]
    clinic.cancel("a", others[0])
    assert browser.post(path, "/me", patient=patient).status_code == 302


def test_a_kept_refusal_is_the_page_of_whoever_reads_it(
    clinic: Clinic, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The page that tells that all is taken is made once for a crowd: what another one typed is in
    nobody's, each language and text size has its own, the switches of each carry their own form; it is, byte for
    byte, the page that would have been made for them alone."""
    path = f"{ROOT}/sessions/{clinic.session()}/book"
    [clinic.book(name) for name in "abc"]
    crowd = []
    for subject in ("household", "parents"):
        browser = clinic.world.resident(subject=subject)
        browser.post(f"{ROOT}/patients", f"{ROOT}/patients", **NEW)
        (listed,) = browser.get("/api/v1/hospital-appointments").json["patients"]  # type: ignore[index]
        crowd.append((browser, listed["id"]))
    made: list[str] = []
    make = full_page._made
    monkeypatch.setattr(full_page, "_made", lambda *a, **k: made.append("") or make(*a, **k))
    switches = (("", ""), ("lang", "zh"), ("text", "large"))
    pages = {}
    clinic.world.app.registry.refresh()  # what changed until here lets no page be kept
    for name, value in switches:
        for browser, patient in crowd:
            if name:
                browser.client.set_cookie(name, value, domain="hangzhou.localhost")
            pages[patient, name] = browser.post(path, "/me", patient=patient).text
            if name:
                browser.client.delete_cookie(name, domain="hangzhou.localhost")
    assert len(made) == len(switches)
    monkeypatch.setattr(full_page, "_came_from_here", lambda: False)
    for number, (browser, patient) in enumerate(crowd):
        other = crowd[1 - number][1]
        assert browser.post(path, "/me", patient=patient).text == pages[patient, ""]
        for name, _value in switches:
            assert patient in pages[patient, name]
            assert other not in pages[patient, name]
        assert 'lang="zh-CN"' in pages[patient, "lang"]
        assert 'data-text="large"' in pages[patient, "text"]


def test_pressing_twice_books_once(clinic: Clinic) -> None:
    """The same new patient is the same person, and is led to the appointment there is."""
    browser, path = book(clinic)
    again = browser.post(f"{ROOT}/sessions/{clinic.session()}/book", "/me", **NEW)
    assert again.status_code == 403
    assert "already" in again.text
    assert f'href="{path}"' in again.text


def test_a_patient_is_removed_after_a_question(clinic: Clinic) -> None:
    """Asked first; refused while an appointment is open; a stranger's is nobody."""
    browser, path = book(clinic)
    question = re.search(
        rf"{ROOT}/patients/[0-9a-f-]+/remove", browser.get(f"{ROOT}/patients").text
    )
    assert question is not None
    assert "Remove 示例甲?" in browser.get(question[0]).text
    assert browser.post(question[0]).status_code == 409
    browser.post(f"{path}/cancel", path)
    assert clinic.world.resident(subject="parents").get(question[0]).status_code == 404
    assert browser.post(question[0]).status_code == 302
    assert "示例甲" not in browser.get(f"{ROOT}/patients").text
    assert browser.get(question[0]).status_code == 404


@pytest.mark.parametrize("at", ["0001-01-01T00:00", "9999-12-31T23:59:59-12:00", "soon", "2026"])
def test_odd_times_are_no_times(clinic: Clinic, at: str) -> None:
    """A page that says so."""
    browser = clinic.world.resident()
    page = browser.get(f"{ROOT}/sessions/{clinic.session()}/book?at={at}")
    assert page.status_code in (200, 404)


@pytest.mark.parametrize("query", ["", "?at=", "?at={day}T08:07", "?at={day}T23:00"])
def test_booking_without_a_time_of_the_clinic_goes_back_to_choosing(
    clinic: Clinic, query: str
) -> None:
    """Promise: nothing is booked at a time that nobody chose."""
    browser = clinic.world.resident()
    day = clinic.day()
    answer = browser.get(f"{ROOT}/sessions/{clinic.session()}/book{query.format(day=day)}")
    assert answer.status_code == 302
    assert answer.headers["Location"].endswith(f"?day={day}")


def test_waiting_from_the_page(clinic: Clinic) -> None:
    """Full: join the line, see one's place in it, take what is kept."""
    made = [clinic.book(name) for name in "abc"]
    browser = clinic.world.resident()
    done = browser.post(f"{ROOT}/sessions/{clinic.session()}/wait", **NEW)
    entry = done.headers["Location"]
    assert "number 1 on the waiting list" in browser.get(entry).text
    clinic.cancel("a", made[0])
    assert "A slot is being held for you" in browser.get(entry).text
    assert "A slot is held for you" in browser.get("/me/messages").text
    taken = browser.post(f"{entry}/accept", entry)
    assert "/appointments/" in taken.headers["Location"]


def test_a_paused_service_keeps_what_one_has(clinic: Clinic) -> None:
    """No new booking; the appointment can be seen and cancelled."""
    browser, path = book(clinic)
    live = clinic.world.documents().live_revision("hangzhou")
    clinic.world.save(
        f"{live.text}services:\n  hospital_appointments:\n    state: paused\n"
        "    notice: {zh: 维护, en: Maintenance.}\n"
    )
    assert browser.get(ROOT).status_code == 503
    assert browser.get(path).status_code == 200
    assert browser.post(f"{path}/cancel", path).status_code == 302


def test_a_doctors_card_shows_every_fee(clinic: Clinic) -> None:
    """Promise: where a doctor's clinics of a day cost differently, the card says from what to what,
    and each half day its own; where they cost the same, one amount."""
    clinic.bring(
        {"half": "pm", "starts": "14:00", "ends": "16:00", "fee": "10", "clinic": "general"}
    )
    client = clinic.world.client("hangzhou.localhost", "zh")
    department = re.search(rf"{ROOT}/departments/[0-9a-f-]+", client.get(ROOT).text)[0]  # type: ignore[index]
    page = client.get(f"{department}?day={clinic.day()}").text
    assert "<strong>¥10.00 至 ¥50.00</strong>" in page
    assert "专家，普通" in page
    assert re.findall(r'<h3>(\w+)<span class="help">(.*?)</span>', page) == [
        ("上午", "¥50.00"),
        ("下午", "¥10.00"),
    ]
    morning = client.get(f"{department}?day={clinic.day()}&half=am").text
    assert "<strong>¥50.00</strong>" in morning
    assert "至 ¥" not in morning


def test_filters_filter_and_add_up(clinic: Clinic) -> None:
    """With places: no full clinic, none over or called off; each filter keeps the other, and the
    days keep both."""
    clinic.bring({"half": "pm", "starts": "14:00", "ends": "16:00"}, {"doctor_code": "d2"})
    for name in "abc":
        clinic.book(name)
    with clinic.world.inside("hangzhou"):
        department = db.session.scalars(select(ClinicSession.department_id)).first()
    anyone = clinic.world.client("hangzhou.localhost")
    page = f"{ROOT}/departments/{department}?day={clinic.day()}"

    def shown(query: str) -> tuple[int, int, int]:
        text = anyone.get(page + query).text
        return (
            len(re.findall(r"\d slots? left", text)),
            text.count("are booked"),
            text.count('class="card doctor'),
        )

    assert shown("") == (2, 1, 2)
    assert shown("&free=1") == (2, 0, 2)
    assert shown("&half=am") == (1, 1, 2)
    assert shown("&half=am&free=1") == (1, 0, 1)
    both = anyone.get(f"{page}&half=am&free=1").text
    query = page.partition("?")[2]
    for link in (f"{query}&amp;free=1", f"{query}&amp;half=pm&amp;free=1", f"{query}&amp;half=am"):
        assert f'?{link}"' in both
    assert f"?day={clinic.day(5)}&amp;half=am&amp;free=1" in both


def test_with_places_shows_no_time_that_is_taken(clinic: Clinic) -> None:
    """Promise: the filter leaves times that can be booked alone, within a clinic, too."""
    clinic.book("a")
    anyone = clinic.world.client("hangzhou.localhost")
    with clinic.world.inside("hangzhou"):
        department = db.session.scalars(select(ClinicSession.department_id)).first()
    page = f"{ROOT}/departments/{department}?day={clinic.day()}"
    every, free = anyone.get(page).text, anyone.get(f"{page}&free=1").text
    assert every.count('class="slot full"') == 1
    assert 'class="slot full"' not in free
    assert free.count('class="slot') == every.count('class="slot') - 1


def test_a_formula_in_a_name_is_text(clinic: Clinic) -> None:
    """A spreadsheet that opens the list runs nothing."""
    browser = clinic.world.resident()
    browser.post(f"{ROOT}/sessions/{clinic.session()}/book", "/me", **{**NEW, "name": "=1+1"})
    staff = clinic.world.city_staff()
    path = f"/cities/hangzhou/hospital-appointments/sessions/{clinic.session()}/list.csv"
    assert ",'=1+1," in staff.get(path).text


def test_what_others_have_does_not_exist(clinic: Clinic) -> None:
    """Another resident, another city: as if it were not there."""
    _browser, path = book(clinic)
    for stranger in (
        clinic.world.resident(subject="parents"),
        clinic.world.resident("ningbo"),
    ):
        assert stranger.get(path).status_code == 404
        assert stranger.get(f"{path}/calendar.ics").status_code == 404
        assert stranger.post(f"{path}/cancel", "/me").status_code == 404
        key = path.rpartition("/")[2]
        gone = api(stranger, "delete", f"/api/v1/hospital-appointments/{key}")
        assert gone.status_code == 404
    other = clinic.world.resident("ningbo")
    with clinic.world.inside("hangzhou"):
        session = db.session.scalars(select(ClinicSession.id)).one()
    assert other.get(f"{ROOT}/sessions/{session}/book").status_code == 404


def test_a_booking_page_without_a_time_goes_back_to_choosing(clinic: Clinic) -> None:
    """Promise: nobody is booked into a time that they did not choose: the page asks again."""
    browser = clinic.world.resident()
    path = f"{ROOT}/sessions/{clinic.session()}/book"
    answer = browser.get(path)
    assert answer.status_code == 302
    assert f"?day={clinic.day()}" in answer.headers["Location"]
    choosing = browser.get(answer.headers["Location"]).text
    (slot, *_more) = re.findall(rf'href="({path}\?at=[^"]+)"', choosing)
    page = browser.get(unescape(slot))
    assert page.status_code == 200
    at = slot.rpartition("=")[2].removesuffix("Z")
    large = browser.get(unescape(slot) + "&text=large")
    assert large.headers["Location"] == unescape(slot).replace(":", "%3A")
    assert at in browser.get(large.headers["Location"]).text


def test_telephones_are_sealed_found_and_masked(clinic: Clinic) -> None:
    """At rest nobody reads one; the desk finds by it, sees it masked, and whole where somebody has
    to ring up; a resident's download has it, and another city's index is another."""
    world, phone = clinic.world, NEW["phone"]
    browser, _path = book(clinic)
    with world.inside("hangzhou"):
        row = db.session.scalars(select(Patient)).one()
        assert phone.encode() not in (row.sealed or b"")
        assert (row.shown, len(row.phone_index)) == ("138****0000", 64)
        here = row.phone_index
    with world.inside("ningbo"):
        assert own_index(PATIENT_PHONE, phone, world.clock()) != here
    assert "138****0000" in browser.get(f"{ROOT}/patients").text
    assert phone in browser.post("/me/data/download", "/me/data").text
    staff, base = world.city_staff("hangzhou"), "/cities/hangzhou/hospital-appointments"
    for typed in (phone, "138 0000 0000"):
        assert "示例甲" in staff.get(f"{base}?text={typed}").text
    assert "示例甲" not in staff.get(f"{base}?text=13800000001").text
    session = f"{base}/sessions/{clinic.session()}"
    page = staff.get(session).text
    assert ("138****0000" in page, phone in page) == (True, False)
    assert phone in staff.get(f"{session}/list.csv").text
    staff.post(f"{session}/close", session, zh="医生生病", en="The doctor is ill")
    assert phone in staff.get(session).text


def without_contacts(clinic: Clinic) -> None:
    with clinic.world.inside(clinic.city), transaction() as session:
        session.execute(delete(ResidentContact))


def test_leave_to_write_is_asked_where_it_is_needed(clinic: Clinic) -> None:
    """Booking and waiting ask for it in the form, unticked; given there it counts, and the page says
    where messages go. Without it the page says that nobody writes, and one press allows it."""
    world, browser = clinic.world, clinic.world.resident()
    key = clinic.session()
    page = f"{ROOT}/sessions/{key}/book?at={clinic.day()}T08:00"
    form = browser.get(page).text
    assert re.search(r'name="messages" value="1"(?! checked)', form)
    assert "If you do not tick this, nobody will notify you" in form
    path = browser.post(page, **NEW).headers["Location"]
    assert "You get no messages." in browser.get(path).text
    with world.inside(clinic.city):
        resident = db.session.scalars(select(Appointment.resident_id)).one()
        assert not agrees(resident, MESSAGES)
    allowed = browser.post(f"{ROOT}/messages", path, next=path)
    assert allowed.headers["Location"] == path
    assert "We will send messages to" in browser.get(path).text
    form = browser.get(page).text
    assert "We will send messages to" in form
    assert 'name="messages"' not in form
    with world.inside(clinic.city):
        assert agrees(resident, MESSAGES)
        withdraw(resident, MESSAGES, clinic.now)
    for name in "ab":
        clinic.book(name)
    other = world.resident(subject="parents")
    waits = f"{ROOT}/sessions/{key}/wait"
    assert 'name="messages"' in other.get(waits).text
    new = {**NEW, "name": "示例乙"}
    entry = other.post(waits, **new, messages="1").headers["Location"]
    assert "We will send messages to" in other.get(entry).text


def test_who_cannot_be_written_to_is_told_so(clinic: Clinic) -> None:
    """Without a contact, or where the city sends nothing: no box, no promise, a way to add one."""
    browser = clinic.world.resident()
    _browser, path = book(clinic, browser)
    without_contacts(clinic)
    page = browser.get(path).text
    assert "We have no number or address to send messages to" in page
    assert "/me/verify/phone?next=" in page
    assert "we tell you" not in page
