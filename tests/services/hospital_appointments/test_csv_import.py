"""Schedules from tables: gaps that are filled, columns that are absent, halves and hours."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from smartcity_saas.audit import system
from smartcity_saas.catalog.service import ImportRequest
from smartcity_saas.database import db
from smartcity_saas.services.hospital_appointments.csv_import import (
    OPTIONAL,
    REQUIRED,
    import_schedule,
    take_schedule,
)
from smartcity_saas.services.hospital_appointments.models import (
    ClinicPlace,
    ClinicSession,
    Doctor,
    Hospital,
    HospitalDepartment,
)
from smartcity_saas.services.hospital_appointments.rules import Rules, times_lacking
from tests.support.clinic import ROW, ZONE, Clinic

MORE = {
    "address_zh": "示例路 1 号",
    "address_en": "1 Sample Road",
    "phone": "12345",
    "keywords": "胸痛 chest",
    "specialty_zh": "高血压",
    "specialty_en": "Blood pressure",
}
AFTERNOON = {"half": "pm", "starts": "13:00", "ends": "17:00", "doctor_code": "d2"}


def bring(clinic: Clinic, *rows: dict[str, str], **options: Any) -> Any:
    """Import rows; columns are those that any of them has."""
    full = [{"day": clinic.day(), **ROW, **row} for row in rows or ({},)]
    columns = [c for c in (*REQUIRED, *OPTIONAL) if any(c in row for row in full)]
    lines = [",".join(columns), *(",".join(row.get(c, "") for c in columns) for row in full)]
    data = "\n".join(lines).encode()
    with clinic.world.inside(clinic.city):
        served = clinic.world.city(clinic.city)
        return import_schedule(
            ImportRequest(system("t"), served, data, "s.csv", clinic.now, **options)
        )


def said_of(clinic: Clinic) -> dict[str, Any]:
    """What is stored of the hospital, department and doctor, by column."""
    with clinic.world.inside(clinic.city):
        hospital = db.session.scalars(select(Hospital)).one()
        department = db.session.scalars(select(HospitalDepartment)).one()
        doctor = db.session.scalars(select(Doctor)).one()
        return {
            **{f"address_{code}": text for code, text in hospital.address.items()},
            "phone": hospital.phone,
            "keywords": " ".join(department.keywords),
            **{f"specialty_{code}": text for code, text in doctor.specialty.items()},
        }


def times(clinic: Clinic, doctor: str = "d2") -> list[str]:
    """The places' times in the city, by number."""
    with clinic.world.inside(clinic.city):
        query = (
            select(ClinicPlace.starts_at)
            .join(ClinicSession, ClinicSession.id == ClinicPlace.session_id)
            .join(Doctor, Doctor.id == ClinicSession.doctor_id)
            .where(Doctor.code == doctor)
            .order_by(ClinicPlace.number)
        )
        return [f"{at.astimezone(ZONE):%H:%M}" for at in db.session.scalars(query)]


def test_new_places_fill_the_gaps(clinic: Clinic) -> None:
    """After growth every time has as many places as the spread wants; nobody's time moves, nor does
    it when the clinic shrinks and grows again."""
    bring(clinic, {**AFTERNOON, "capacity": "4"})
    before = times(clinic)
    assert before == ["13:00", "14:00", "15:00", "16:00"]
    bring(clinic, {**AFTERNOON, "capacity": "8"})
    grown = times(clinic)
    assert grown[:4] == before
    assert sorted(grown) == [f"{13 + half // 2}:{half % 2 * 3}0" for half in range(8)]
    bring(clinic, {**AFTERNOON, "capacity": "16"})
    assert set(Counter(times(clinic)).values()) == {2}
    bring(clinic, {**AFTERNOON, "capacity": "4"})
    bring(clinic, {**AFTERNOON, "capacity": "8"})
    assert sorted(times(clinic)[:8]) == sorted(grown)


@given(
    st.integers(1, 60), st.integers(1, 60), st.integers(30, 300), st.sampled_from([5, 10, 15, 30])
)
def test_growth_keeps_the_spread_even(first: int, more: int, minutes: int, slot: int) -> None:
    """However often a clinic grows: as many as wanted, within the session, and no slot has more
    than the spread from the start would give it, by more than what was held already."""
    start = datetime(2026, 11, 26, 0, tzinfo=UTC)
    rules = Rules("Asia/Shanghai", slot_minutes=slot)
    held = rules.place_times(start, start + timedelta(minutes=minutes), first)
    wanted = rules.place_times(start, start + timedelta(minutes=minutes), first + more)
    further = times_lacking(wanted, held)
    assert len(further) == more
    assert further == sorted(further)
    after, least = Counter(held + further), Counter(wanted)
    assert all(after[at] <= max(least[at], Counter(held)[at]) for at in after)


@pytest.mark.parametrize("column", MORE)
def test_an_absent_column_leaves_and_an_empty_cell_empties(clinic: Clinic, column: str) -> None:
    """Of the hospital, the department and the doctor; each change is counted."""
    assert bring(clinic, MORE).changed == 1
    assert said_of(clinic) == MORE
    without = {name: text for name, text in MORE.items() if name != column}
    assert bring(clinic, without).same == 1
    assert said_of(clinic) == MORE
    assert bring(clinic, {**MORE, column: ""}).changed == 1
    assert said_of(clinic) == {**MORE, column: ""}
    assert bring(clinic, {**MORE, column: ""}).same == 1


def test_names_are_counted_too(clinic: Clinic) -> None:
    """A hospital, department or doctor of another name is a change of each of its rows."""
    rows = [{}, {"doctor_code": "d2"}]
    bring(clinic, *rows)
    for column in ("hospital_en", "department_zh", "title_en"):
        said = bring(clinic, *({**row, column: "Another"} for row in rows))
        assert (said.changed, said.same) == (2, 0)
        bring(clinic, *rows)


def test_rows_that_contradict_each_other_are_faults(clinic: Clinic) -> None:
    """One name for a hospital, a department, a doctor; a cell that one row leaves empty is what
    another says."""
    said = bring(clinic, {}, {"doctor_code": "d2", "hospital_zh": "第二医院"})
    assert [one.pointer for one in said.problems] == ["/3/hospital_zh"]
    said = bring(clinic, {**MORE, "phone": ""}, {**MORE, "doctor_code": "d2"})
    assert said.problems == []
    with clinic.world.inside("hangzhou"):
        assert db.session.scalars(select(Hospital.phone)).one() == "12345"


@pytest.mark.parametrize(
    "half, starts, ends, fits",
    [
        ("am", "08:00", "12:30", True),
        ("am", "13:00", "17:00", False),
        ("am", "12:00", "13:00", False),
        ("pm", "12:00", "14:00", True),
        ("pm", "18:00", "21:00", True),
        ("pm", "08:00", "11:00", False),
    ],
)
def test_half_and_hours_agree(
    clinic: Clinic, half: str, starts: str, ends: str, fits: bool
) -> None:
    """A morning that begins after noon is one of two mistakes, and nobody knows which."""
    row = {"doctor_code": "d3", "half": half, "starts": starts, "ends": ends}
    said = bring(clinic, row)
    assert [one.pointer for one in said.problems] == ([] if fits else ["/2/half"])


def test_a_clinic_is_not_in_the_far_future(clinic: Clinic) -> None:
    """2062 is a slip of the pen; next year is not."""
    assert [p.pointer for p in bring(clinic, {"day": "2062-12-02"}).problems] == ["/2/day"]
    assert bring(clinic, {"day": clinic.day(300).replace("-", "/")}).added == 1


SESSION: dict[str, Any] = {**ROW, **MORE}


def answered(clinic: Clinic, **changes: Any) -> Any:
    row = {**SESSION, "day": clinic.day(5), **changes}
    with clinic.world.inside("hangzhou"):
        return take_schedule({"sessions": [row]}, "h1", "cardio", clinic.now)


def test_null_in_an_answer_is_absent(clinic: Clinic) -> None:
    """It never becomes a word."""
    assert answered(clinic) == []
    assert answered(clinic, **dict.fromkeys(MORE)) == []
    assert said_of(clinic) == MORE
    assert answered(clinic, phone="", capacity=4) == []
    assert said_of(clinic)["phone"] == ""


@pytest.mark.parametrize(
    "changes",
    [
        {"doctor_zh": None},
        {"capacity": None},
        {"capacity": 6.0},
        {"capacity": True},
        {"capacity": "6.5"},
        {"fee": 50},
        {"fee": "5e1"},
        {"phone": 12345},
        {"address_zh": ["a"]},
        {"address_zh": {"zh": "a"}},
        {"keywords": False},
        {"day": "2062-12-02"},
        {"half": "pm"},
    ],
)
def test_a_value_of_another_type_makes_the_answer_odd(
    clinic: Clinic, changes: dict[str, Any]
) -> None:
    """And nothing of it is taken, not even the rows that fit."""
    good = {**SESSION, "day": clinic.day(5)}
    rows = [good, {**good, "day": clinic.day(6), **changes}]
    with clinic.world.inside("hangzhou"):
        assert take_schedule({"sessions": rows}, "h1", "cardio", clinic.now) != []
        assert len(db.session.scalars(select(ClinicSession)).all()) == 1


ODD_ANSWERS = [
    None,
    [],
    {},
    "x",
    1,
    *({"sessions": one} for one in (None, ["x"], 3, True, {}, "x")),
]


@pytest.mark.parametrize("answer", ODD_ANSWERS)
def test_what_is_no_schedule(clinic: Clinic, answer: Any) -> None:
    """Whatever comes, it is odd and no fault of the program."""
    with clinic.world.inside("hangzhou"):
        assert take_schedule(answer, "h1", "cardio", clinic.now) != []


def test_a_fee_is_in_the_currency_of_its_file(clinic: Clinic) -> None:
    """The city goes over to another currency: a session that comes again says the new one, also
    where the number is the same."""
    world = clinic.world
    bring(clinic)
    text = world.documents().live_revision(clinic.city).text
    world.save(text + "site: {currency: KRW}\n")
    again = {"fee": "5000"}
    assert (bring(clinic, again).changed, bring(clinic, again).same) == (1, 1)
    with world.inside(clinic.city):
        (found,) = db.session.scalars(select(ClinicSession))
        assert (found.fee, found.currency) == (5000, "KRW")


BAD = {
    "hospital_code": "h 1",
    "doctor_zh": "",
    "day": "2026-02-30",
    "half": "noon",
    "clinic": "x",
    "fee": "1e9",
    "starts": "25:00",
    "ends": "07:00",
    "capacity": "0",
}


@pytest.mark.parametrize("column", BAD)
def test_a_bad_line_is_named_and_stops_itself_alone(clinic: Clinic, column: str) -> None:
    """Line and column; the others go in, or none if so chosen."""
    bad = {"doctor_code": "d9", column: BAD[column]}
    result = clinic.bring({"doctor_code": "d2"}, bad)
    assert result.added == 1
    assert any(one.pointer == f"/3/{column}" for one in result.problems)
    assert clinic.bring({"doctor_code": "d3"}, bad, all_or_nothing=True).stored == 0


def test_a_schedule_grows_and_shrinks_around_bookings(clinic: Clinic) -> None:
    """More places are offered to who waits; fewer only as far as they are free, also where a
    cancelled appointment had one; times stay while someone is booked."""
    made = [clinic.book(name) for name in "abc"]
    entry = clinic.wait("d")
    assert clinic.bring({"capacity": "4"}).changed == 1
    clinic.world.work()
    assert clinic.entry(entry.id).state == "offered"
    clinic.world.clock.move(minutes=16)
    clinic.world.work()
    assert clinic.bring({"capacity": "2"}).problems != []
    clinic.cancel("c", made[2])
    assert clinic.bring({"capacity": "2"}).changed == 1
    assert clinic.places() == ["taken", "taken", "shut", "shut"]
    assert clinic.bring({"starts": "09:00"}).problems != []
    assert clinic.bring({"capacity": "3"}).changed == 1
    assert clinic.places() == ["taken", "taken", "free", "shut"]
    assert clinic.bring({"capacity": "3"}).same == 1
