"""Schedules: from a CSV on the desk, or from the hospitals' own system, row by row alike."""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from flask_babel import lazy_gettext as _
from sqlalchemy import func, select

from smartcity_saas.audit import Actor, record
from smartcity_saas.catalog.importing import Cells, file_mark, refuse_twice
from smartcity_saas.catalog.service import Imported
from smartcity_saas.configuration.city import City
from smartcity_saas.configuration.csv_input import Line, csv_problem, read_csv
from smartcity_saas.configuration.problems import Problem
from smartcity_saas.database import command, db
from smartcity_saas.outbox import enqueue
from smartcity_saas.services.hospital_appointments.models import (
    CLINICS,
    FREE,
    HALVES,
    OFFER,
    OFFERED,
    SHUT,
    TAKEN,
    ClinicPlace,
    ClinicSession,
    Doctor,
    Hospital,
    HospitalDepartment,
)
from smartcity_saas.services.hospital_appointments.rules import Rules
from smartcity_saas.tenancy.here import present_city

MOST_PLACES = 1_000
MOST_ROWS = 5_000
BUSY = (OFFERED, TAKEN)
REQUIRED = (
    "hospital_code",
    "hospital_zh",
    "hospital_en",
    "department_code",
    "department_zh",
    "department_en",
    "doctor_code",
    "doctor_zh",
    "doctor_en",
    "title_zh",
    "title_en",
    "day",
    "half",
    "clinic",
    "fee",
    "starts",
    "ends",
    "capacity",
)
OPTIONAL = (
    "address_zh",
    "address_en",
    "phone",
    "keywords",
    "specialty_zh",
    "specialty_en",
)


@dataclass(frozen=True)
class _Row:
    line: int
    hospital: Mapping[str, Any]
    department: Mapping[str, Any]
    doctor: Mapping[str, Any]
    day: date
    half: str
    clinic: str
    fee: int
    starts_at: datetime
    ends_at: datetime
    capacity: int

    @property
    def key(self) -> tuple[str, str, str, date, str]:
        """What tells one session from another."""
        codes = (self.hospital["code"], self.department["code"], self.doctor["code"])
        return (*codes, self.day, self.half)


def import_schedule(
    actor: Actor,
    city: City,
    data: bytes,
    name: str,
    now: datetime,
    *,
    all_or_nothing: bool = False,
    sample: bool = False,
) -> Imported:
    """Take a schedule into the city that we are in. Importing it again changes nothing.

    A session's places can grow; they shrink only to what is free. One that has bookings keeps
    its times.

    Raises:
        Invalid: The file as a whole cannot be read.
    """
    lines = read_csv(data, name, REQUIRED)
    result = _take(city, lines, name, now, all_or_nothing=all_or_nothing, sample=sample)
    if not (result.problems and all_or_nothing):
        with command():
            detail = {"added": result.added, "changed": result.changed}
            faults = {"faults": len(result.problems)}
            record(
                actor,
                "hospital_appointments.import",
                file_mark(data),
                {**detail, **faults},
                now,
                reason=name,
            )
    return result


def take_schedule(answer: Any, hospital: str, department: str, now: datetime) -> list[Problem]:
    """Take what a hospital's system said of one department; returns what was wrong with it."""
    name = "schedule"
    rows = answer.get("sessions") if isinstance(answer, dict) else None
    if not isinstance(rows, list) or len(rows) > MOST_ROWS:
        return [csv_problem(name, 0, "", _("This is no schedule."))]
    lines = [
        Line(place + 1, {str(key): str(value) for key, value in row.items()})
        for place, row in enumerate(rows)
        if isinstance(row, dict)
    ]
    ours = [
        line
        for line in lines
        if (line.values.get("hospital_code"), line.values.get("department_code"))
        == (hospital, department)
    ]
    return _take(present_city(), ours, name, now).problems


def _take(
    city: City,
    lines: list[Line],
    name: str,
    now: datetime,
    *,
    all_or_nothing: bool = False,
    sample: bool = False,
) -> Imported:
    result = Imported()
    rules = Rules.of_city(city)
    rows = [row for line in lines if (row := _parsed(line, city, rules, name, result.problems))]
    refuse_twice(
        rows,
        name,
        result.problems,
        "half",
        lambda line: _("This doctor's half day stands on line %(line)s too.", line=line),
    )
    if result.problems and all_or_nothing:
        return result
    with command() as session:
        before = len(result.problems)
        writer = _Writer(city, rules, name, result, now, sample=sample)
        for row in sorted(rows, key=lambda one: one.key):  # one order, so that two never wait
            writer.write(row)
        if all_or_nothing and len(result.problems) > before:
            session.rollback()
            return Imported(problems=result.problems)
    return result


def _parsed(
    line: Line, city: City, rules: Rules, name: str, problems: list[Problem]
) -> _Row | None:
    reader = Cells(line, name, problems)
    day, starts, ends = reader.day("day"), reader.clock("starts"), reader.clock("ends")
    row = _Row(
        line=line.number,
        hospital={
            "code": reader.code("hospital_code"),
            "name": reader.both("hospital", 60),
            "address": {c: reader.text(f"address_{c}", 120, empty=True) for c in ("zh", "en")},
            "phone": reader.text("phone", 30, empty=True),
        },
        department={
            "code": reader.code("department_code"),
            "name": reader.both("department", 60),
            "keywords": _words(reader.text("keywords", 400, empty=True)),
        },
        doctor={
            "code": reader.code("doctor_code"),
            "name": reader.both("doctor", 60),
            "title": reader.both("title", 60),
            "specialty": {c: reader.text(f"specialty_{c}", 120, empty=True) for c in ("zh", "en")},
        },
        day=day,
        half=reader.choice("half", HALVES),
        clinic=reader.choice("clinic", CLINICS),
        fee=reader.money("fee", city.currency),
        starts_at=rules.local(day, starts),
        ends_at=rules.local(day, ends),
        capacity=reader.integer("capacity", 1, MOST_PLACES),
    )
    if not reader.faulty and starts >= ends:
        reader.fault("ends", _("A clinic ends after it starts."))
    return None if reader.faulty else row


def _words(text: str) -> list[str]:
    return [word for word in re.split(r"[\s,;，；、]+", text) if word][:40]


class _Writer:
    """Writes rows in one command; what they share is looked up once."""

    def __init__(
        self,
        city: City,
        rules: Rules,
        name: str,
        result: Imported,
        now: datetime,
        *,
        sample: bool,
    ) -> None:
        self.now = now
        self.city = city
        self.rules = rules
        self.name = name
        self.result = result
        self.sample = sample
        self.known: dict[Any, Any] = {}

    def write(self, row: _Row) -> None:
        """Bring one session to what a row says."""
        hospital = self._kept(Hospital, (), row.hospital, sample=self.sample)
        department = self._kept(
            HospitalDepartment, (hospital.id,), row.department, hospital_id=hospital.id
        )
        doctor = self._kept(Doctor, (department.id,), row.doctor, department_id=department.id)
        found = db.session.scalars(
            select(ClinicSession)
            .where(
                ClinicSession.doctor_id == doctor.id,
                ClinicSession.day == row.day,
                ClinicSession.half == row.half,
            )
            .with_for_update(key_share=True)
        ).one_or_none()
        if found is None:
            self._add(row, department.id, doctor.id)
        else:
            self._change(row, found)

    def _kept(self, model: Any, parents: tuple[Any, ...], values: Any, **fixed: Any) -> Any:
        key = (model, *parents, values["code"])
        row = self.known.get(key)
        if row is None:
            query = select(model).where(model.code == values["code"])
            for column, value in fixed.items():
                if column != "sample":
                    query = query.where(getattr(model, column) == value)
            row = db.session.scalars(query).one_or_none()
            if row is None:
                row = model(**values, **fixed)
                db.session.add(row)
            self.known[key] = row
        for column, value in values.items():
            if value and getattr(row, column) != value:
                setattr(row, column, value)
        db.session.flush()
        return row

    def _add(self, row: _Row, department_id: uuid.UUID, doctor_id: uuid.UUID) -> None:
        made = ClinicSession(
            doctor_id=doctor_id,
            department_id=department_id,
            day=row.day,
            half=row.half,
            clinic=row.clinic,
            fee=row.fee,
            currency=self.city.currency,
            starts_at=row.starts_at,
            ends_at=row.ends_at,
            capacity=row.capacity,
        )
        db.session.add(made)
        db.session.flush()
        times = self.rules.place_times(row.starts_at, row.ends_at, row.capacity)
        self._add_places(made, times, 1)
        self.result.added += 1

    def _change(self, row: _Row, found: ClinicSession) -> None:
        now = (found.clinic, found.fee, found.starts_at, found.ends_at, found.capacity)
        if now == (row.clinic, row.fee, row.starts_at, row.ends_at, row.capacity):
            self.result.same += 1
            return
        places = self._places(found.id)
        moved = (found.starts_at, found.ends_at) != (row.starts_at, row.ends_at)
        if moved and any(place.state in BUSY for place in places):
            self._fault(row, "starts", _("People are booked: its times cannot change. Close it."))
            return
        if any(place.state in BUSY for place in places[row.capacity :]):
            self._fault(row, "capacity", _("More places than that are taken."))
            return
        found.clinic, found.fee, found.capacity = row.clinic, row.fee, row.capacity
        found.starts_at, found.ends_at = row.starts_at, row.ends_at
        db.session.flush()
        times = self.rules.place_times(row.starts_at, row.ends_at, row.capacity)
        self._fit(found, places, times, moved=moved)
        self._add_places(found, times[len(places) :], len(places) + 1)
        self.result.changed += 1

    def _fit(
        self, found: ClinicSession, places: list[ClinicPlace], times: list[datetime], *, moved: bool
    ) -> None:
        """Shut the places beyond the capacity and open those within it; none is ever deleted,
        because a cancelled appointment may have had it."""
        for place in places:
            within = place.number <= found.capacity
            if moved and within:
                place.starts_at = times[place.number - 1]
            if place.state == FREE and not within:
                place.state = SHUT
            elif place.state == SHUT and within and found.closed_at is None:
                place.state = FREE
        db.session.flush()

    def _add_places(self, found: ClinicSession, times: list[datetime], first: int) -> None:
        state = FREE if found.closed_at is None else SHUT
        db.session.add_all(
            ClinicPlace(session_id=found.id, number=first + place, starts_at=at, state=state)
            for place, at in enumerate(times)
        )
        db.session.flush()
        # Whoever waits is offered them after the commit, in line.
        enqueue(OFFER, {"session": str(found.id)}, self.now)

    def _places(self, session_id: uuid.UUID) -> list[ClinicPlace]:
        query = (
            select(ClinicPlace)
            .where(ClinicPlace.session_id == session_id)
            .order_by(ClinicPlace.number)
            .with_for_update()
        )
        return list(db.session.scalars(query))

    def _fault(self, row: _Row, column: str, message: Any) -> None:
        self.result.problems.append(csv_problem(self.name, row.line, column, message))


def counts_of_city() -> tuple[int, int]:
    """How many hospitals and sessions the city that we are in holds."""
    hospitals = db.session.scalar(select(func.count()).select_from(Hospital)) or 0
    sessions = db.session.scalar(select(func.count()).select_from(ClinicSession)) or 0
    return hospitals, sessions
