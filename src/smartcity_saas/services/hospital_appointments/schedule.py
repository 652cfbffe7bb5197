"""What there is to book: hospitals, departments, doctors, sessions and the places left."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from flask_babel import lazy_gettext as _
from sqlalchemy import FromClause, Select, bindparam, func, select

from smartcity_saas.configuration.search_terms import Query
from smartcity_saas.database import CITY, db, load, one_or_404, table_of
from smartcity_saas.services.hospital_appointments.models import (
    ClinicPlace,
    ClinicSession,
    Doctor,
    EntryState,
    Hospital,
    HospitalDepartment,
    PlaceState,
    WaitingEntry,
)
from smartcity_saas.services.hospital_appointments.rules import Rules

MOST_FOUND = 40


@dataclass(frozen=True)
class Slot:
    """A time of a session and how many of its places are free."""

    at: datetime
    free: int
    total: int
    over: bool = False


@dataclass
class SessionView:
    """A session with what is left of it. ``released`` and ``over`` say whether it is the time."""

    session: ClinicSession
    released: bool
    over: bool
    slots: list[Slot] = field(default_factory=list)
    waiting: int = 0

    @property
    def free(self) -> int:
        """Free places at times that are yet to come."""
        return sum(slot.free for slot in self.slots)

    @property
    def open(self) -> bool:
        """Whether it takes place."""
        return not self.session.is_called_off

    @property
    def has_places(self) -> bool:
        """Whether places are left, to be booked now or from their release."""
        return self.open and not self.over and self.free > 0


class DayState(StrEnum):
    """What a day of the strip has."""

    FREE = "free"
    FULL = "full"
    NONE = "none"
    """No session."""
    UNRELEASED = "unreleased"
    """It cannot be booked yet."""


@dataclass(frozen=True)
class Day:
    """A day of the strip: what is free."""

    day: date
    state: DayState
    free: int


@dataclass
class DoctorView:
    """A doctor with the sessions of one day."""

    doctor: Doctor
    sessions: list[SessionView]


@dataclass(frozen=True)
class Found:
    """A department that a search found, and the doctors there who made it match."""

    department: HospitalDepartment
    hospital: Hospital
    doctors: tuple[Doctor, ...]


_hospital, _department, _doctor = map(table_of, (Hospital, HospitalDepartment, Doctor))
_HOSPITALS = select(_hospital).where(_hospital.c.city_id == CITY).order_by(_hospital.c.code)
_DEPARTMENTS = select(_department).where(_department.c.city_id == CITY).order_by(_department.c.code)
_DEPARTMENTS_OF = _DEPARTMENTS.where(_department.c.hospital_id == bindparam("hospital"))
_DOCTORS = select(_doctor).where(_doctor.c.city_id == CITY)


def hospitals() -> list[Hospital]:
    """All hospitals, by code."""
    return load(Hospital, _HOSPITALS)


def departments(hospital_id: uuid.UUID | None = None) -> list[HospitalDepartment]:
    """Departments, of one hospital or all."""
    if hospital_id is None:
        return load(HospitalDepartment, _DEPARTMENTS)
    return load(HospitalDepartment, _DEPARTMENTS_OF, {"hospital": hospital_id})


def department_of(department_id: uuid.UUID) -> HospitalDepartment:
    """One department.

    Raises:
        NotFound: There is none.
    """
    return one_or_404(
        select(HospitalDepartment).where(HospitalDepartment.id == department_id),
        _("We cannot find that department."),
    )


def session_of(session_id: uuid.UUID) -> ClinicSession:
    """One session.

    Raises:
        NotFound: There is none.
    """
    return one_or_404(
        select(ClinicSession).where(ClinicSession.id == session_id),
        _("We cannot find that clinic."),
    )


def any_free(places: FromClause, at_a_time: bool) -> Select[Any]:
    """The free places of a session that are yet to come; ``places`` is their table or an alias of it. Its
    bound values are ``session``, ``now``, and ``at`` where they are of one time."""
    query = select(places.c.id).where(
        places.c.city_id == CITY,
        places.c.session_id == bindparam("session"),
        places.c.state == PlaceState.FREE,
        places.c.starts_at > bindparam("now"),
    )
    return query.where(places.c.starts_at == bindparam("at")) if at_a_time else query


def locked_session(session_id: uuid.UUID) -> ClinicSession:
    """One session, held until this transaction ends. Whatever gives places back, offers them or
    calls the session off holds it first, and in this order: session, entries, turns, patients,
    places. Booking does not: it takes a place and waits for nobody.

    Raises:
        NotFound: There is none.
    """
    return one_or_404(
        select(ClinicSession).where(ClinicSession.id == session_id).with_for_update(key_share=True),
        _("We cannot find that clinic."),
    )


def search(query: str) -> list[Found]:
    """Departments that a query finds: by hospital, department, doctor or symptom; in Chinese,
    pinyin or English."""
    wanted = Query.of(query)
    if not wanted:
        return []
    by_id = {hospital.id: hospital for hospital in hospitals()}
    doctors: dict[uuid.UUID, list[Doctor]] = defaultdict(list)
    for doctor in wanted.best(load(Doctor, _DOCTORS), _doctor_texts):
        doctors[doctor.department_id].append(doctor)

    def texts(department: HospitalDepartment) -> list[str]:
        own = [*department.name.values(), *by_id[department.hospital_id].name.values()]
        mine = [text for one in doctors[department.id] for text in _doctor_texts(one)]
        return [*own, *department.keywords, *mine]

    return [
        Found(one, by_id[one.hospital_id], tuple(doctors[one.id]))
        for one in wanted.best(departments(), texts)
    ][:MOST_FOUND]


def strip(department_id: uuid.UUID, rules: Rules, now: datetime) -> list[Day]:
    """The days of a department that a page shows, each with what is free."""
    days = rules.days(now)
    rows = db.session.execute(
        select(ClinicSession.day, func.count(ClinicPlace.id))
        .join(ClinicPlace, ClinicPlace.session_id == ClinicSession.id)
        .where(
            ClinicSession.department_id == department_id,
            ClinicSession.day.in_(days),
            ClinicSession.closed_at.is_(None),
            ClinicPlace.state == PlaceState.FREE,
            ClinicPlace.starts_at > now,
        )
        .group_by(ClinicSession.day)
    )
    free = {day: int(count) for day, count in rows}
    held = set(
        db.session.scalars(
            select(ClinicSession.day).where(
                ClinicSession.department_id == department_id,
                ClinicSession.day.in_(days),
                ClinicSession.closed_at.is_(None),
                ClinicSession.ends_at > now,
            )
        )
    )
    return [Day(day, _state(day, free, held, rules, now), free.get(day, 0)) for day in days]


def day_of(department_id: uuid.UUID, day: date, rules: Rules, now: datetime) -> list[DoctorView]:
    """The doctors of a department on one day, with what is left of their sessions."""
    sessions = list(
        db.session.scalars(
            select(ClinicSession)
            .where(ClinicSession.department_id == department_id, ClinicSession.day == day)
            .order_by(ClinicSession.starts_at)
        )
    )
    views = views_of(sessions, rules, now)
    by_doctor: dict[uuid.UUID, list[SessionView]] = defaultdict(list)
    for view in views:
        by_doctor[view.session.doctor_id].append(view)
    doctors = db.session.scalars(
        select(Doctor).where(Doctor.id.in_(list(by_doctor))).order_by(Doctor.code)
    )
    found = [DoctorView(doctor, by_doctor[doctor.id]) for doctor in doctors]
    return sorted(found, key=lambda one: all(not view.open for view in one.sessions))


def views_of(sessions: Sequence[ClinicSession], rules: Rules, now: datetime) -> list[SessionView]:
    """Sessions with their slots and how many wait."""
    keys = [session.id for session in sessions]
    slots: dict[uuid.UUID, dict[datetime, list[int]]] = defaultdict(dict)
    rows = db.session.execute(
        select(
            ClinicPlace.session_id,
            ClinicPlace.starts_at,
            ClinicPlace.state,
            func.count(ClinicPlace.id),
        )
        .where(ClinicPlace.session_id.in_(keys), ClinicPlace.state != PlaceState.SHUT)
        .group_by(ClinicPlace.session_id, ClinicPlace.starts_at, ClinicPlace.state)
    )
    for session_id, at, state, count in rows:
        free_total = slots[session_id].setdefault(at, [0, 0])
        free_total[0] += int(count) if state == PlaceState.FREE and at > now else 0
        free_total[1] += int(count)
    waiting = _waiting(keys)
    return [
        SessionView(
            session,
            rules.is_released(session.day, now),
            session.ends_at <= now,
            [
                Slot(at, counts[0], counts[1], at <= now)
                for at, counts in sorted(slots[session.id].items())
            ],
            waiting.get(session.id, 0),
        )
        for session in sessions
    ]


def times_of(session: ClinicSession, now: datetime) -> set[datetime]:
    """The times of a session that are yet to come, whether places are left there or not."""
    return set(
        db.session.scalars(
            select(ClinicPlace.starts_at).where(
                ClinicPlace.session_id == session.id,
                ClinicPlace.state != PlaceState.SHUT,
                ClinicPlace.starts_at > now,
            )
        )
    )


def next_with_places(
    department_id: uuid.UUID, rules: Rules, now: datetime, most: int = 3
) -> list[SessionView]:
    """The next sessions of a department that have places, for whoever lost theirs."""
    sessions = list(
        db.session.scalars(
            select(ClinicSession)
            .where(
                ClinicSession.department_id == department_id,
                ClinicSession.day >= rules.today(now),
                ClinicSession.closed_at.is_(None),
            )
            .order_by(ClinicSession.starts_at)
            .limit(60)
        )
    )
    return [view for view in views_of(sessions, rules, now) if view.has_places and view.released][
        :most
    ]


def _waiting(keys: Sequence[uuid.UUID]) -> dict[uuid.UUID, int]:
    rows = db.session.execute(
        select(WaitingEntry.session_id, func.count(WaitingEntry.id))
        .where(WaitingEntry.session_id.in_(keys), WaitingEntry.state == EntryState.WAITING)
        .group_by(WaitingEntry.session_id)
    )
    return {key: int(count) for key, count in rows}


def _state(
    day: date, free: dict[date, int], held: set[date], rules: Rules, now: datetime
) -> DayState:
    if not rules.is_released(day, now):
        return DayState.UNRELEASED
    if free.get(day):
        return DayState.FREE
    return DayState.FULL if day in held else DayState.NONE


def _doctor_texts(doctor: Doctor) -> list[str]:
    return [*doctor.name.values(), *doctor.specialty.values()]


def places_between(first: date, last: date) -> tuple[int, int]:
    """How many places of clinics that took place were booked on some days, both included, and how
    many there were."""
    rows = db.session.execute(
        select(ClinicPlace.state, func.count(ClinicPlace.id))
        .join(ClinicSession, ClinicSession.id == ClinicPlace.session_id)
        .where(
            ClinicSession.day >= first,
            ClinicSession.day <= last,
            ClinicPlace.state != PlaceState.SHUT,
        )
        .group_by(ClinicPlace.state)
    )
    counted = {row.state: int(row[1]) for row in rows}
    return counted.get(PlaceState.TAKEN, 0), sum(counted.values())
