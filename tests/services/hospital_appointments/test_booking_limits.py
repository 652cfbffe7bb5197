"""Limits and absences follow the person, by name and telephone, whatever row, list or account of
the city they stand on; nobody is in two places at one time."""

from __future__ import annotations

import re
import time
import uuid
from typing import Any

import pytest
from sqlalchemy import select

from smartcity_saas.database import db
from smartcity_saas.services.hospital_appointments import booking, patients, waiting_list
from smartcity_saas.services.hospital_appointments.booking import Full
from smartcity_saas.services.hospital_appointments.booking_limits import AlreadyBooked, Blocked
from smartcity_saas.services.hospital_appointments.models import (
    Appointment,
    ClinicPlace,
    ClinicSession,
    WaitingEntry,
)
from smartcity_saas.services.hospital_appointments.patients import (
    add_patient,
    person_index,
    remove_patient,
)
from tests.support.clinic import Clinic
from tests.support.clinic_pages import NEW, ROOT, api
from tests.support.patients import PERSON, add, book, miss, sessions, times

SAME = [
    {},
    {"name": "张・三"},
    {"name": "张 · 三　"},
    {"phone": "+86 138-0000-0000"},
    {"phone": "008613800000000"},
    {"phone": "１３８００００００００"},
    {"relation": "parent"},
]


@pytest.mark.parametrize("account", ["a", "b"])
@pytest.mark.parametrize("typed", SAME, ids=str)
def test_absences_follow_the_person(clinic: Clinic, account: str, typed: dict[str, str]) -> None:
    """Removed and added again, typed otherwise, or on another account's list: still blocked."""
    patient = add(clinic, "a")
    miss(clinic, "a", patient)
    with clinic.world.inside(clinic.city):
        remove_patient(clinic.person("a")[0], patient, clinic.now)
    with pytest.raises(Blocked, match="missed"):
        book(clinic, account, add(clinic, account, **typed), sessions(clinic)[-1])


@pytest.mark.parametrize("typed", [{"name": "张·四"}, {"phone": "13800000001"}], ids=str)
def test_others_are_others(clinic: Clinic, typed: dict[str, str]) -> None:
    """Another name or another telephone is somebody else, and another city knows nobody here."""
    patient = add(clinic, "a")
    miss(clinic, "a", patient)
    assert book(clinic, "a", add(clinic, "a", **typed), sessions(clinic)[-1]).state == "booked"
    with clinic.world.inside("hangzhou"):
        here = person_index(PERSON["name"], PERSON["phone"], clinic.now)
    with clinic.world.inside("ningbo"):
        assert person_index(PERSON["name"], PERSON["phone"], clinic.now) != here


def test_open_appointments_count_by_the_person(clinic: Clinic) -> None:
    """One a department, the same clinic never twice: also over two accounts. What another account
    holds is named and not led to."""
    clinic.bring({"doctor_code": "d2", "starts": "14:00", "ends": "16:00", "half": "pm"})
    first, second = sessions(clinic)
    made = book(clinic, "a", add(clinic, "a"), first)
    for session in (first, second):
        with pytest.raises(AlreadyBooked) as other:
            book(clinic, "b", add(clinic, "b"), session)
        assert other.value.see is None
        with pytest.raises(AlreadyBooked) as own:
            book(clinic, "a", add(clinic, "a", relation="other"), session)
        assert own.value.see == f"{ROOT}/appointments/{made.id}"


def both_departments(clinic: Clinic) -> tuple[uuid.UUID, uuid.UUID]:
    clinic.bring({"department_code": "eye"})
    first, second = sessions(clinic)
    return first, second


def test_nobody_holds_two_places_at_one_time(clinic: Clinic) -> None:
    """Refused with a way to the other one; half an hour later is fine; who names no time is given
    the earliest that does not overlap."""
    first, second = both_departments(clinic)
    patient = add(clinic, "a")
    at = times(clinic, first)
    book(clinic, "a", patient, first, at[1])
    with pytest.raises(AlreadyBooked, match="same time") as found:
        book(clinic, "a", patient, second, at[1])
    assert found.value.see
    with pytest.raises(AlreadyBooked, match="same time"):
        book(clinic, "b", add(clinic, "b"), second, at[1])
    assert book(clinic, "a", patient, second).starts_at == at[0]


def test_the_only_times_left_are_the_persons_own(clinic: Clinic) -> None:
    """It is said as such, and not as a full clinic."""
    clinic.bring({"department_code": "eye", "capacity": "1"})
    first, second = sessions(clinic)
    patient = add(clinic, "a")
    book(clinic, "a", patient, second)
    with pytest.raises(AlreadyBooked, match="same time"):
        book(clinic, "a", patient, first, times(clinic, first)[0])
    for name in "bc":
        clinic.book(name, first, times(clinic, first)["bc".index(name) + 1])
    with pytest.raises(AlreadyBooked, match="same time"):
        book(clinic, "a", patient, first)


def test_an_offer_at_the_time_of_another_appointment(clinic: Clinic) -> None:
    """It is kept, and taken only once the other is given back."""
    first, second = both_departments(clinic)
    made = [clinic.book(name) for name in "abc"]
    patient = add(clinic, "w")
    resident, _own = clinic.person("w")
    other = book(clinic, "w", patient, second, made[0].starts_at)
    with clinic.world.inside(clinic.city):
        entry = waiting_list.join(resident, patient, first, clinic.rules, clinic.now)
    clinic.cancel("a", made[0])
    with pytest.raises(AlreadyBooked, match="same time"):
        clinic.accept("w", entry)
    clinic.cancel("w", other)
    assert clinic.accept("w", entry).number == 1


def test_one_line_for_one_person(clinic: Clinic) -> None:
    """Whoever waits already, also by another account or row, does not stand in line twice."""
    [clinic.book(name) for name in "abc"]
    first = sessions(clinic)[0]

    def join(account: str, **typed: str) -> WaitingEntry:
        patient = add(clinic, account, **typed)
        resident, _own = clinic.person(account)
        with clinic.world.inside(clinic.city):
            return waiting_list.join(resident, patient, first, clinic.rules, clinic.now)

    assert join("d").id == join("d", name="张・三", relation="other").id
    with pytest.raises(Blocked, match="Another account"):
        join("e")


def race(clinic: Clinic) -> list[Any]:
    """Two accounts that have just added one person book for them in two departments at once."""
    first, second = both_departments(clinic)
    at = times(clinic, first)[0]
    for account in "ab":
        clinic.person(account)

    def act(account: str, session: uuid.UUID) -> Any:
        resident, _own = clinic.person(account)
        with clinic.world.inside(clinic.city), booking.transaction():
            patient = add_patient(resident, PERSON, clinic.now).id
            return booking.book(resident, patient, session, at, clinic.rules, clinic.now)

    return clinic.at_once(lambda: act("a", first), lambda: act("b", second))


def slowly(clinic: Clinic, monkeypatch: Any) -> None:
    """Let everybody who has looked at the limits wait before they book."""
    looked = booking.refuse_beyond_limits

    def look(*arguments: Any) -> Any:
        found = looked(*arguments)
        time.sleep(0.5)
        return found

    monkeypatch.setattr(booking, "refuse_beyond_limits", look)


def test_two_accounts_at_once_for_one_person(clinic: Clinic, monkeypatch: Any) -> None:
    """Neither has seen the other's row yet: one of them books, the other is told why not."""
    slowly(clinic, monkeypatch)
    found = race(clinic)
    assert sum(isinstance(one, Appointment) for one in found) == 1, found
    assert sum(isinstance(one, AlreadyBooked) for one in found) == 1, found


def test_without_the_turn_one_person_is_in_two_places(clinic: Clinic, monkeypatch: Any) -> None:
    """The control: the same race with the turn taken out books both. On SQLite the transaction itself
    is the turn."""
    if clinic.world.engine == "sqlite":
        pytest.skip("on SQLite the transaction itself is the lock")
    slowly(clinic, monkeypatch)
    monkeypatch.setattr(patients, "_take_turns", lambda now, *names: None)
    assert all(isinstance(one, Appointment) for one in race(clinic))


def test_ones_own_last_place_is_not_just_taken(clinic: Clinic) -> None:
    """By page, for the time and for any time, and by API: booked already, with the way to it; on
    the department's page too. Strangers are told that it is full."""
    clinic.bring({"capacity": "1"})
    browser, session = clinic.world.resident(), sessions(clinic)[0]
    at = times(clinic, session)[0].strftime("%Y-%m-%dT%H:%M:%SZ")
    page = f"{ROOT}/sessions/{session}/book?at={at}"
    path = browser.post(page, **NEW).headers["Location"]
    for form in ({**NEW, "at": at}, NEW):
        again = browser.post(page, page, **form)
        assert again.status_code == 403
        assert "You have already booked this" in again.text
        assert f'href="{path}"' in again.text
        assert "just taken" not in again.text
    (patient,) = browser.get("/api/v1/hospital-appointments").json["patients"]  # type: ignore[index]
    body = {"session": str(session), "patient": patient["id"]}
    said = api(browser, "post", "/api/v1/hospital-appointments", body)
    assert (said.status_code, said.json["see"]) == (403, path)
    with clinic.world.inside(clinic.city):
        department = db.session.scalars(select(ClinicSession.department_id)).one()
    shown = browser.get(f"{ROOT}/departments/{department}?day={clinic.day()}").text
    assert "You have booked 8:00 here" in shown
    with pytest.raises(Full):
        clinic.book("b")


def test_a_refused_offer_leads_to_what_stands_in_the_way(clinic: Clinic) -> None:
    """On the page of errors, too."""
    first, second = both_departments(clinic)
    made = [clinic.book(name) for name in "abc"]
    browser = clinic.world.resident()
    at = made[0].starts_at.strftime("%Y-%m-%dT%H:%M:%SZ")
    other = browser.post(f"{ROOT}/sessions/{second}/book?at={at}", **NEW, at=at).headers["Location"]
    patient = re.search(r'name="patient" value="([0-9a-f-]{36})"',
                        browser.get(f"{ROOT}/sessions/{first}/wait").text)  # fmt: skip
    assert patient
    waits = browser.post(f"{ROOT}/sessions/{first}/wait", patient=patient[1]).headers["Location"]
    clinic.cancel("a", made[0])
    refused = browser.post(f"{waits}/accept", waits)
    assert refused.status_code == 403
    assert f'href="{other}"' in refused.text


def test_places_go_by_time_then_number(clinic: Clinic) -> None:
    """Places are taken by time and then by number: new places may fill gaps before later ones."""
    key = sessions(clinic)[0]
    with clinic.world.inside(clinic.city), booking.transaction() as session:
        places = list(session.scalars(select(ClinicPlace).order_by(ClinicPlace.number)))
        here = [one for one in places if one.session_id == key]
        here[0].starts_at, here[2].starts_at = here[2].starts_at, here[0].starts_at
    assert [clinic.book(name).number for name in "abc"] == [3, 2, 1]
