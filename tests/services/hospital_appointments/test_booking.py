"""No place is ever sold twice; everyone is answered truthfully; limits hold under races."""

from __future__ import annotations

import time
from datetime import UTC, date
from datetime import time as dtime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, select

from smartcity_saas.audit import system
from smartcity_saas.database import db, transaction
from smartcity_saas.errors import Conflict, NotFound
from smartcity_saas.services.hospital_appointments import booking, cancellation, waiting_list
from smartcity_saas.services.hospital_appointments.booking import Full
from smartcity_saas.services.hospital_appointments.booking_limits import Blocked
from smartcity_saas.services.hospital_appointments.models import (
    Appointment,
    ClinicPlace,
    ClinicSession,
    WaitingEntry,
)
from tests.support.clinic import Clinic


def test_booking_gives_a_number_and_a_time(clinic: Clinic) -> None:
    """The earliest place, in order."""
    found = [clinic.book(name) for name in "abc"]
    assert [one.number for one in found] == [1, 2, 3]
    assert found[0].starts_at < found[1].starts_at < found[2].starts_at
    with pytest.raises(Full):
        clinic.book("d")
    assert clinic.places() == ["taken"] * 3


def test_places_under_a_crowd(clinic: Clinic) -> None:
    """Ten people at once, three places: three have them, each another, all others are
    told; nobody sees a fault."""
    names = [f"p{number}" for number in range(10)]
    for name in names:
        clinic.person(name)
    found = clinic.at_once(*(lambda n=name: clinic.book(n) for name in names))
    booked = [one for one in found if isinstance(one, Appointment)]
    assert sorted(one.number for one in booked) == [1, 2, 3]
    assert all(isinstance(one, (Appointment, Full)) for one in found), found


def test_the_race_is_real_without_the_lock(clinic: Clinic, monkeypatch: Any) -> None:
    """The control: the same crowd with the lock taken out takes one place several times. On
    SQLite the transaction itself is the lock, so its BEGIN is made deferred too."""
    if clinic.world.engine == "sqlite":
        monkeypatch.setattr(
            "smartcity_saas.database.transactions._raw",
            lambda connection, sql: _deferred(connection, sql),
        )

    def unlocked(session_id: Any, at: Any, now: Any, busy: Any = ()) -> Any:
        query = select(ClinicPlace).where(
            ClinicPlace.session_id == session_id, ClinicPlace.state == "free"
        )
        found = db.session.scalars(query.order_by(ClinicPlace.number).limit(1)).one_or_none()
        time.sleep(0.3)
        return found.take() if found else None

    monkeypatch.setattr(booking, "take_place", unlocked)
    names = [f"p{number}" for number in range(6)]
    for name in names:
        clinic.person(name)
    found = clinic.at_once(*(lambda n=name: clinic.book(n) for name in names))
    booked = [one for one in found if isinstance(one, Appointment)]
    # The index that lets a place have one appointment is the second guard: it refuses the rest.
    assert len({one.number for one in booked}) == len(booked)
    assert any(not isinstance(one, (Appointment, Full)) for one in found)


def _deferred(connection: Any, sql: str) -> None:
    sql = "BEGIN" if sql.startswith("BEGIN") else sql
    connection.exec_driver_sql(sql, execution_options={"without_statement_guard": "the test's own"})


def test_one_patient_cannot_pass_a_limit_by_haste(clinic: Clinic) -> None:
    """Eight presses at once: one appointment."""
    clinic.person("a")
    found = clinic.at_once(*(lambda: clinic.book("a") for _press in range(8)))
    assert sum(isinstance(one, Appointment) for one in found) == 1
    assert all(isinstance(one, (Appointment, Blocked)) for one in found), found


def test_limits_of_a_patient(clinic: Clinic) -> None:
    """One a department; the same clinic never twice, not even after it has begun."""
    clinic.bring({"doctor_code": "d2"}, {"department_code": "eye", "day": clinic.day(5)})
    clinic.book("a")
    with pytest.raises(Blocked, match="already"):
        clinic.book("a")
    with clinic.world.inside("hangzhou"):
        keys = list(db.session.scalars(select(ClinicSession.id).order_by(ClinicSession.id)))
    with pytest.raises(Blocked, match="department"):
        clinic.book("a", keys[1])
    clinic.book("a", keys[2])
    clinic.world.clock.now = clinic.rules.local(
        date.fromisoformat(clinic.day(4)),
        dtime(9, 10),
    ).astimezone(UTC)
    with pytest.raises(Blocked, match="already"):
        clinic.book("a", keys[0])


def test_a_day_opens_at_its_release(clinic: Clinic) -> None:
    """Not a second before, whoever asks."""
    clinic.bring({"day": clinic.day(20)})
    with clinic.world.inside("hangzhou"):
        key = db.session.scalars(select(ClinicSession.id).order_by(ClinicSession.id.desc())).first()
    with pytest.raises(Blocked, match="You can book these slots from"):
        clinic.book("a", key)
    clinic.world.clock.move(days=14)
    clinic.book("a", key)


def test_cancelling_until_the_deadline(clinic: Clinic) -> None:
    """Before it the place is free again, twice is once; after it one calls the hospital."""
    made = clinic.book("a")
    clinic.cancel("a", made)
    clinic.cancel("a", made)
    assert clinic.places() == ["free"] * 3
    again = clinic.book("a")
    assert again.number == 1
    clinic.world.clock.move(days=3, hours=23)
    with pytest.raises(Conflict, match=r"deadline|in the past"):
        clinic.cancel("a", again)
    with pytest.raises(NotFound):
        clinic.cancel("b", again)


def test_missing_appointments_blocks_and_is_forgiven(clinic: Clinic) -> None:
    """Three of them stop booking; time heals."""
    rows = [{"day": clinic.day(ahead), "department_code": f"x{ahead}"} for ahead in (1, 2, 3)]
    clinic.bring(*rows)
    with clinic.world.inside("hangzhou"):
        keys = list(
            db.session.scalars(
                select(ClinicSession.id)
                .where(ClinicSession.department_id != _department(clinic))
                .order_by(ClinicSession.day)
            )
        )
    made = [clinic.book("a", key) for key in keys]
    with clinic.world.inside("hangzhou"), pytest.raises(Conflict, match="early"):
        booking.mark(system("desk"), made[0].id, "no_show", clinic.now)
    clinic.world.clock.move(days=3, hours=23)
    clinic.bring({"day": clinic.day(2), "department_code": "late"})
    with clinic.world.inside("hangzhou"):
        for one in made:
            booking.mark(system("desk"), one.id, "no_show", clinic.now)
        late = db.session.scalars(
            select(ClinicSession.id).order_by(ClinicSession.id.desc())
        ).first()
    with pytest.raises(Blocked, match="missed"):
        clinic.book("a", late)
    with clinic.world.inside("hangzhou"):
        booking.mark(system("desk"), made[0].id, "attended", clinic.now)
    clinic.book("a", late)


def _department(clinic: Clinic) -> Any:
    return db.session.scalars(
        select(ClinicSession.department_id).order_by(ClinicSession.id)
    ).first()


def test_the_first_in_line_is_offered_a_freed_place(clinic: Clinic) -> None:
    """For a limited time, then the next; nobody else can book it meanwhile."""
    made = [clinic.book(name) for name in "abc"]
    first, second = clinic.wait("d"), clinic.wait("e")
    assert clinic.wait("d").id == first.id
    clinic.cancel("b", made[1])
    assert clinic.places() == ["taken", "offered", "taken"]
    with pytest.raises(Full):
        clinic.book("f")
    clinic.world.clock.move(minutes=16)
    with pytest.raises(Conflict, match="no longer held"):
        clinic.accept("d", first)
    clinic.world.work()
    assert clinic.entry(first.id).state == "lapsed"
    assert clinic.entry(second.id).state == "offered"
    assert clinic.accept("e", second).number == 2
    clinic.world.clock.move(minutes=16)
    clinic.world.work()
    assert clinic.places() == ["taken"] * 3


def test_leaving_the_line_hands_the_place_on(clinic: Clinic) -> None:
    """With nobody left it is free for all; whoever left is not offered anything."""
    made = [clinic.book(name) for name in "abc"]
    entry = clinic.wait("d")
    clinic.cancel("a", made[0])
    with clinic.world.inside("hangzhou"):
        waiting_list.leave(clinic.person("d")[0], entry.id, clinic.rules, clinic.now)
    assert clinic.places() == ["free", "taken", "taken"]
    with pytest.raises(Conflict, match="slots left"):
        clinic.wait("e")
    assert clinic.book("e").number == 1


def test_calling_a_session_off_tells_everyone(clinic: Clinic) -> None:
    """Everyone booked or waiting is told in the desk's words; nothing stays taken; another
    time can be booked at once, and the desk can change its mind."""
    clinic.bring({"day": clinic.day(5)})
    [clinic.book(name) for name in "abc"]
    entry = clinic.wait("d")
    reason = {"zh": "医生外出", "en": "The doctor is away."}
    key = clinic.session()
    with clinic.world.inside("hangzhou"):
        count = cancellation.close_session(system("desk"), key, reason, clinic.now)
    assert count == 3
    assert clinic.places() == ["shut"] * 3
    assert clinic.entry(entry.id).state == "left"
    with pytest.raises(Blocked):
        clinic.book("f")
    browser = clinic.world.resident(subject="household")
    assert "Cancelled by the hospital" not in browser.get("/me/messages").text
    with clinic.world.inside("hangzhou"):
        keys = list(db.session.scalars(select(ClinicSession.id).order_by(ClinicSession.id)))
    clinic.book("a", keys[1])
    with clinic.world.inside("hangzhou"):
        cancellation.reopen_session(system("desk"), key, clinic.now)
    assert clinic.places() == ["free"] * 3


def test_calling_off_races_with_booking(clinic: Clinic) -> None:
    """Whatever comes first: nobody keeps a place of a session that does not take place, and
    nobody sees a fault."""
    names = [f"p{number}" for number in range(8)]
    for name in names:
        clinic.person(name)

    key = clinic.session()

    def close() -> int:
        with clinic.world.inside("hangzhou"):
            reason = {"zh": "停诊", "en": "Off."}
            return cancellation.close_session(system("d"), key, reason, clinic.now)

    found = clinic.at_once(*(lambda n=name: clinic.book(n) for name in names), close)
    assert all(isinstance(one, (Appointment, Full, Blocked, int)) for one in found), found
    assert clinic.places() == ["shut"] * 3
    with clinic.world.inside("hangzhou"):
        states = set(db.session.scalars(select(Appointment.state)))
    assert states <= {"closed"}


def test_everything_at_once(clinic: Clinic) -> None:
    """Cancelling, accepting, leaving, importing and calling off in the same moment: no
    deadlock, no fault, and the books add up."""
    made = [clinic.book(name) for name in "abc"]
    entries = [clinic.wait(name) for name in "defg"]
    clinic.cancel("a", made[0])

    key = clinic.session()

    def close() -> int:
        with clinic.world.inside("hangzhou"):
            reason = {"zh": "停诊", "en": "Off."}
            return cancellation.close_session(system("d"), key, reason, clinic.now)

    def leave() -> Any:
        with clinic.world.inside("hangzhou"):
            return waiting_list.leave(
                clinic.person("e")[0], entries[1].id, clinic.rules, clinic.now
            )

    found = clinic.at_once(
        lambda: clinic.cancel("b", made[1]),
        lambda: clinic.cancel("c", made[2]),
        lambda: clinic.accept("d", entries[0]),
        leave,
        lambda: clinic.bring({"capacity": "5"}).stored,
        close,
    )
    fine = (Appointment, WaitingEntry, Conflict, Blocked, int)
    assert all(isinstance(one, fine) for one in found), found
    clinic.check()
    assert set(clinic.places()) == {"shut"}


ACTS = st.lists(
    st.tuples(
        st.sampled_from(["book", "cancel", "wait", "accept", "lapse"]), st.sampled_from("abcde")
    ),
    max_size=25,
)


def test_any_course_of_acts_keeps_the_books(clinic: Clinic) -> None:
    """Whatever five people do in whatever order: places, appointments and lines agree, and a
    line never stands beside a place that anyone could book."""

    @settings(max_examples=25, suppress_health_check=list(HealthCheck))
    @given(ACTS)
    def course(acts: list[tuple[str, str]]) -> None:
        with clinic.world.inside("hangzhou"), transaction() as session:
            session.execute(delete(Appointment))
            session.execute(delete(WaitingEntry))
            for place in session.scalars(select(ClinicPlace)):
                place.state = "free"
        for act, name in acts:
            _act(clinic, act, name)
            clinic.check()
            waits = [e for e in _all(clinic, WaitingEntry) if e.state == "waiting"]
            assert not (waits and "free" in clinic.places())

    course()


def _act(clinic: Clinic, act: str, name: str) -> None:
    resident, _patient = clinic.person(name)
    mine = [a for a in _all(clinic, Appointment) if a.resident_id == resident.id]
    entries = [e for e in _all(clinic, WaitingEntry) if e.resident_id == resident.id]
    try:
        if act == "book":
            clinic.book(name)
        elif act == "cancel" and mine:
            clinic.cancel(name, mine[-1])
        elif act == "wait":
            clinic.wait(name)
        elif act == "accept" and entries:
            clinic.accept(name, entries[-1])
        elif act == "lapse":
            clinic.world.clock.move(minutes=16)
            clinic.world.work()
    except (Conflict, Blocked):
        pass


def _all(clinic: Clinic, model: Any) -> list[Any]:
    with clinic.world.inside("hangzhou"):
        return list(db.session.scalars(select(model).order_by(model.id)))
