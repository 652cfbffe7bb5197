"""Somebody on the list is edited: appointments have the new telephone, limits hold all the same."""

from __future__ import annotations

import re
import uuid
from typing import Any

import pytest
from sqlalchemy import select

from smartcity_saas.audit.log import CityAuditEvent
from smartcity_saas.database import db
from smartcity_saas.errors import FieldErrors
from smartcity_saas.services.hospital_appointments.booking_limits import AlreadyBooked, Blocked
from smartcity_saas.services.hospital_appointments.models import Patient
from smartcity_saas.services.hospital_appointments.patients import (
    change_patient,
    patients_of,
)
from tests.support.clinic import Clinic
from tests.support.clinic_pages import NEW, ROOT
from tests.support.clinic_pages import book as book_page
from tests.support.patients import PERSON, add, book, miss, sessions

OTHER = "13900000000"


def edit(clinic: Clinic, patient: uuid.UUID, **typed: str) -> Patient:
    with clinic.world.inside(clinic.city):
        given = {**PERSON, **typed}
        return change_patient(clinic.person("a")[0], patient, given, clinic.rules, clinic.now)


def test_the_page_asks_and_checks_as_adding_does(clinic: Clinic) -> None:
    """Promise: a person is edited under the checks of adding, each fault at its field, nothing
    typed is lost; a stranger's is nobody; the act stands in the audit log without personal data."""
    browser, _appointment = book_page(clinic)
    listed = browser.get(f"{ROOT}/patients").text
    path = re.search(rf'href="({ROOT}/patients/[0-9a-f-]+)"', listed)[1]  # type: ignore[index]
    page = browser.get(path).text
    assert 'value="13800000000"' in page
    assert "You cannot change the name while" in page
    for name, value in (("name", ""), ("phone", "12"), ("relation", "boss")):
        refused = browser.post(path, path, **{**NEW, name: value})
        assert refused.status_code == 422
        assert refused.text.count(f'href="#{name}"') == 1
    renamed = browser.post(path, path, **{**NEW, "name": "示例乙"})
    assert renamed.status_code == 422
    assert 'id="name-error"' in renamed.text
    assert 'value="示例乙"' in renamed.text
    assert browser.post(path, path, **{**NEW, "phone": OTHER}).status_code == 302
    assert f'value="{OTHER}"' in browser.get(path).text
    stranger = clinic.world.resident(subject="parents")
    assert stranger.get(path).status_code == 404
    assert stranger.post(path, f"{ROOT}/patients", **NEW).status_code == 404
    with clinic.world.inside(clinic.city):
        query = select(CityAuditEvent).where(
            CityAuditEvent.action == "hospital_appointments.patient"
        )
        assert db.session.scalars(query).one().detail == {"changed": ["phone"]}


def test_the_desk_sees_the_new_telephone(clinic: Clinic) -> None:
    """Promise: whoever rings up about an open appointment rings the number that is right now."""
    patient = add(clinic, "a")
    book(clinic, "a", patient, clinic.session())
    edit(clinic, patient, phone=OTHER)
    staff, base = clinic.world.city_staff(), "/cities/hangzhou/hospital-appointments"
    assert OTHER in staff.get(f"{base}/sessions/{clinic.session()}/list.csv").text
    assert PERSON["name"] in staff.get(f"{base}?text={OTHER}").text


@pytest.mark.parametrize("account", ["a", "b"])
@pytest.mark.parametrize("phone", [PERSON["phone"], OTHER], ids=["old", "new"])
def test_limits_hold_by_both_telephones(clinic: Clinic, account: str, phone: str) -> None:
    """Promise: an edited telephone opens no second place in a department, whether the person is
    added again by the old one or by the new one, on whoever's list."""
    clinic.bring({"doctor_code": "d2", "starts": "14:00", "ends": "16:00", "half": "pm"})
    first, second = sessions(clinic)
    patient = add(clinic, "a")
    book(clinic, "a", patient, first)
    edit(clinic, patient, phone=OTHER)
    again = add(clinic, account, phone=phone)
    assert (again == patient) is (account == "a")
    with pytest.raises(AlreadyBooked):
        book(clinic, account, again, second)


def test_a_block_holds_by_both_telephones_and_keeps_the_name(clinic: Clinic) -> None:
    """Promise: nobody edits their way out of missed appointments; once these no longer count, the
    name can be edited, and whoever has the old one is somebody else."""
    patient = add(clinic, "a")
    miss(clinic, "a", patient)
    edit(clinic, patient, phone=OTHER)
    clinic.world.clock.move(days=3)
    clinic.bring({"day": clinic.day(2), "department_code": "later"})
    with pytest.raises(FieldErrors) as found:
        edit(clinic, patient, phone=OTHER, name="李四")
    assert "missed" in str(found.value.fields["name"])
    for phone in (PERSON["phone"], OTHER):
        with pytest.raises(Blocked, match="missed"):
            book(clinic, "b", add(clinic, "b", phone=phone), sessions(clinic)[-1])
    clinic.world.clock.move(days=clinic.rules.no_show_days)
    edit(clinic, patient, phone=OTHER, name="李四")
    assert add(clinic, "a", name="李四", phone=OTHER) == patient
    assert add(clinic, "a") != patient


@pytest.mark.parametrize("wait", [False, True], ids=["booked", "waits"])
def test_the_name_stays_while_something_is_open(clinic: Clinic, wait: bool) -> None:
    """Promise: while a place or a place in a line is theirs, a person is not renamed; typed in
    another way is no other name."""
    if wait:
        [clinic.book(name) for name in "xyz"]
    (clinic.wait if wait else clinic.book)("a")
    patient = clinic.person("a")[1]
    with pytest.raises(FieldErrors) as found:
        edit(clinic, patient, name="李四")
    assert list(found.value.fields) == ["name"]
    assert edit(clinic, patient, name=" a ", relation="other").relation == "other"


def test_two_rows_of_one_list_do_not_become_one_person(clinic: Clinic) -> None:
    """Promise: a list names a person once, whichever way they came there."""
    add(clinic, "a", name="李四")
    patient = add(clinic, "a")
    with pytest.raises(FieldErrors) as found:
        edit(clinic, patient, name="李 四")
    assert "on your list" in str(found.value.fields["name"])
    resident: Any = clinic.person("a")[0]
    with clinic.world.inside(clinic.city):
        assert len({one.person_index for one in patients_of(resident)}) == 3
