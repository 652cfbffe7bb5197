"""Schedules: from a table of the desk, or from the hospitals' own system, row by row alike."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any

from flask_babel import lazy_gettext as _
from sqlalchemy import func, select

from smartcity_saas.audit import system
from smartcity_saas.catalog.csv_import import Cells, CsvImporter
from smartcity_saas.catalog.service import Imported, ImportRequest
from smartcity_saas.clock import is_skipped
from smartcity_saas.configuration.csv_input import Line, Table, csv_problem
from smartcity_saas.configuration.problems import Problem
from smartcity_saas.database import db, transaction
from smartcity_saas.outbox import enqueue
from smartcity_saas.services.hospital_appointments.models import (
    BUSY,
    HALVES,
    OFFER,
    ClinicPlace,
    ClinicSession,
    Doctor,
    Hospital,
    HospitalDepartment,
    PlaceState,
)
from smartcity_saas.services.hospital_appointments.names import CLINICS
from smartcity_saas.services.hospital_appointments.rules import Rules, times_lacking
from smartcity_saas.tenancy.content_changes import tell_content_changed
from smartcity_saas.tenancy.current import current_city

MOST_PLACES = 1_000
NOON = time(12)
DOCTOR = 3
"""How many codes name a doctor; fewer a hospital or a department, which the service's first page shows."""
MOST_ROWS = 5_000
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
    """A row: the codes of its hospital, department and doctor, what it says of each by column, and
    its session."""

    line: int
    codes: tuple[str, str, str]
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
    def key(self) -> tuple[Any, ...]:
        """What tells one session from another."""
        return (*self.codes, self.day, self.half)


def import_schedule(request: ImportRequest) -> Imported:
    """Take a schedule into the current city. Importing it again changes nothing.

    A session's places can grow; they shrink only to what is free. One that has bookings keeps
    its times.

    Raises:
        Invalid: The file as a whole cannot be read.
    """
    return ScheduleImporter(request).run()


def take_schedule(answer: Any, hospital: str, department: str, now: datetime) -> list[Problem]:
    """Take what a hospital's system said of one department; returns what was wrong with it.
    Nothing is taken of an answer with a row that does not fit the contract."""
    name = "schedule"
    rows = answer.get("sessions") if isinstance(answer, dict) else None
    if not isinstance(rows, list) or len(rows) > MOST_ROWS:
        return [csv_problem(name, 0, "", _("This is not a schedule."))]
    lines = [_answered(place + 1, row) for place, row in enumerate(rows)]
    if None in lines:
        return [csv_problem(name, 0, "", _("This is not a schedule."))]
    ours = [
        line
        for line in lines
        if line is not None
        and (line.values.get("hospital_code"), line.values.get("department_code"))
        == (hospital, department)
    ]
    table = Table(ours, mark="")
    importer = ScheduleImporter(
        ImportRequest(system("hospital_appointments"), current_city(), table, name, now)
    )
    sound = importer.read(table)
    if not importer.result.problems:
        with transaction():
            importer.write(sound)
        importer.tell_pages()
    return importer.result.problems


def _answered(number: int, row: Any) -> Line | None:
    """A row of a hospital's system in the cells of the table: null is absent. None if a value is
    of another type than the contract says: texts, and for ``capacity`` a whole number too."""
    if not isinstance(row, Mapping):
        return None
    values = {}
    for column in (*REQUIRED, *OPTIONAL):
        value = row.get(column)
        if column == "capacity" and isinstance(value, int) and not isinstance(value, bool):
            value = str(value)
        if isinstance(value, str):
            values[column] = value.strip()
        elif value is not None:
            return None
    return Line(number, values)


class ScheduleImporter(CsvImporter[_Row]):
    """One schedule on its way in; what its rows share is looked up once."""

    act = "hospital_appointments.import"
    required = REQUIRED
    optional = OPTIONAL
    key_column = "half"

    def __init__(self, request: ImportRequest) -> None:
        super().__init__(request)
        self.rules = Rules.of_city(request.city)
        self.known: dict[tuple[str, ...], Any] = {}

    def stands_twice(self, line: int) -> Any:
        """Two rows are of one doctor's half day."""
        return _("This doctor's half day is also on line %(line)s.", line=line)

    def parse(self, cells: Cells) -> _Row:
        """A session with its hospital, department and doctor."""
        day, starts, ends = cells.near_day("day"), cells.clock("starts"), cells.clock("ends")
        row = _Row(
            line=cells.line.number,
            codes=(
                cells.code("hospital_code"),
                cells.code("department_code"),
                cells.code("doctor_code"),
            ),
            hospital=_texts(cells, {"hospital": 60}, {"address": 120}) | _phone(cells),
            department=_texts(cells, {"department": 60}, {}) | _keywords(cells),
            doctor=_texts(cells, {"doctor": 60, "title": 60}, {"specialty": 120}),
            day=day,
            half=cells.choice("half", HALVES),
            clinic=cells.choice("clinic", CLINICS),
            fee=cells.money("fee", self.city.currency),
            starts_at=self.rules.local(day, starts),
            ends_at=self.rules.local(day, ends),
            capacity=cells.integer("capacity", 1, MOST_PLACES),
        )
        if not cells.faulty:
            for column, typed in (("starts", starts), ("ends", ends)):
                if is_skipped(day, typed, self.city.timezone):
                    cells.fault(
                        column,
                        _(
                            "There is no %(time)s on %(day)s: the clocks go forward over it.",
                            time=f"{typed:%H:%M}",
                            day=day.isoformat(),
                        ),
                        _("Write a time before or after that hour."),
                    )
        if not cells.faulty and starts >= ends:
            cells.fault("ends", _("A clinic must end after it starts."))
        if not cells.faulty and (row.half == "am") != (starts < NOON):
            cells.fault(
                "half",
                _("A clinic that starts at %(time)s is not in this half.", time=f"{starts:%H:%M}"),
                _("Mornings (am) start before noon, afternoons (pm) at noon or later."),
            )
        return row

    def about(self, row: _Row) -> Iterator[tuple[Any, Mapping[str, Any]]]:
        """A file gives a hospital, a department and a doctor one name and one of everything else."""
        yield row.codes[:1], row.hospital
        yield row.codes[:2], row.department
        yield row.codes, row.doctor

    def run(self) -> Imported:
        """Take the table in, as every importer does, and tell the pages that show some of it."""
        imported = super().run()
        self.tell_pages()
        return imported

    def tell_pages(self) -> None:
        """Have the service's first page made anew, after the commit, if it shows what changed."""
        if any(len(codes) < DOCTOR for codes in self.changed):
            tell_content_changed()

    def write(self, rows: list[_Row]) -> None:
        """Bring sessions to what the rows say, in one order, so that two imports never wait."""
        for row in sorted(rows, key=lambda one: one.key):
            self._write(row)

    def _write(self, row: _Row) -> None:
        """Bring one session to what a row says."""
        hospital = self._kept(
            Hospital,
            row.codes[:1],
            {},
            {"name": "hospital", "address": "address"},
            sample=self.request.sample,
        )
        department = self._kept(
            HospitalDepartment, row.codes[:2], {"hospital_id": hospital.id}, {"name": "department"}
        )
        doctor = self._kept(
            Doctor,
            row.codes,
            {"department_id": department.id},
            {"name": "doctor", "title": "title", "specialty": "specialty"},
        )
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

    def _kept(
        self,
        model: Any,
        codes: tuple[str, ...],
        parent: Mapping[str, uuid.UUID],
        texts: Mapping[str, str],
        **made_with: Any,
    ) -> Any:
        """A hospital, department or doctor, made or brought to what the table says of it.

        Args:
            model: Which of them.
            codes: Its code, after those above it.
            parent: The column of what it belongs to, and its key.
            texts: Its texts in both languages, each with the columns' first part.
            made_with: What a new one has.
        """
        if codes not in self.known:
            query = select(model).where(model.code == codes[-1])
            for column, key in parent.items():
                query = query.where(getattr(model, column) == key)
            row = db.session.scalars(query).one_or_none()
            if row is None:
                row = model(code=codes[-1], **parent, **made_with, **_empty(model, texts))
                db.session.add(row)
            if _say(row, self.shared.of(codes), texts):
                self.changed.add(codes)
            db.session.flush()
            self.known[codes] = row
        return self.known[codes]

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
        fee, times = (row.fee, self.city.currency), (row.starts_at, row.ends_at)
        now = (found.clinic, (found.fee, found.currency), (found.starts_at, found.ends_at))
        if (*now, found.capacity) == (row.clinic, fee, times, row.capacity):
            if {row.codes[:1], row.codes[:2], row.codes} & self.changed:
                self.result.changed += 1
            else:
                self.result.same += 1
            return
        places = self._places(found.id)
        moved = (found.starts_at, found.ends_at) != times
        if moved and any(place.state in BUSY for place in places):
            self.fault(
                row,
                "starts",
                _("People are booked, so its times cannot change. You can cancel it."),
            )
            return
        if any(place.state in BUSY for place in places[row.capacity :]):
            self.fault(row, "capacity", _("More slots than that are already booked."))
            return
        before = 0 if moved else found.capacity
        found.clinic, found.capacity = row.clinic, row.capacity
        found.fee, found.currency = fee
        found.starts_at, found.ends_at = times
        db.session.flush()
        self._spread(found, places, before)
        self.result.changed += 1

    def _spread(self, found: ClinicSession, places: list[ClinicPlace], before: int) -> None:
        """Bring a session's places to its capacity: those beyond the ``before`` first fill the gaps
        of the even spread, so that nobody who has a time gets another."""
        times = self.rules.place_times(found.starts_at, found.ends_at, found.capacity)
        staying = [place.starts_at for place in places[: min(before, found.capacity)]]
        further = times_lacking(times, staying)
        for place, at in zip(places[before : found.capacity], further, strict=False):
            place.starts_at = at
        self._fit(found, places)
        self._add_places(found, further[len(places[before:]) :], len(places) + 1)

    def _fit(self, found: ClinicSession, places: list[ClinicPlace]) -> None:
        """Shut the places beyond the capacity and open those within it; none is ever deleted,
        because a cancelled appointment may have had it."""
        for place in places:
            within = place.number <= found.capacity
            if place.state == PlaceState.FREE and not within:
                place.state = PlaceState.SHUT
            elif place.state == PlaceState.SHUT and within and not found.is_called_off:
                place.state = PlaceState.FREE
        db.session.flush()

    def _add_places(self, found: ClinicSession, times: list[datetime], first: int) -> None:
        state = PlaceState.SHUT if found.is_called_off else PlaceState.FREE
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


def _texts(reader: Cells, needed: Mapping[str, int], optional: Mapping[str, int]) -> dict[str, Any]:
    """Texts in both languages by column, with their greatest lengths; of the optional ones those
    that are there."""
    values = {}
    for column, longest in {**needed, **optional}.items():
        for name in (f"{column}_zh", f"{column}_en"):
            if column in needed or name in reader.line.values:
                values[name] = reader.text(name, longest, empty=column in optional)
    return values


def _phone(reader: Cells) -> dict[str, Any]:
    there = "phone" in reader.line.values
    return {"phone": reader.text("phone", 30, empty=True)} if there else {}


def _keywords(reader: Cells) -> dict[str, Any]:
    there = "keywords" in reader.line.values
    return {"keywords": _words(reader.text("keywords", 400, empty=True))} if there else {}


def _words(text: str) -> list[str]:
    return [word for word in re.split(r"[\s,;，；、]+", text) if word][:40]


def _empty(model: Any, texts: Mapping[str, str]) -> dict[str, Any]:
    """What a new row holds of what the table need not say."""
    values: dict[str, Any] = {attribute: {"zh": "", "en": ""} for attribute in texts}
    values |= {
        name: default for name, default in (("phone", ""), ("keywords", [])) if hasattr(model, name)
    }
    return values


def _say(row: Any, said: Mapping[str, Any], texts: Mapping[str, str]) -> bool:
    """Write what the table says of a hospital, department or doctor; whether that is new. A column
    that is absent leaves what is stored."""
    values: dict[str, Any] = {name: said[name] for name in ("phone", "keywords") if name in said}
    for attribute, column in texts.items():
        given = {
            code: said[f"{column}_{code}"] for code in ("zh", "en") if f"{column}_{code}" in said
        }
        values[attribute] = {**getattr(row, attribute), **given}
    new = {name: value for name, value in values.items() if getattr(row, name) != value}
    for name, value in new.items():
        setattr(row, name, value)
    return bool(new)


def counts_of_city() -> tuple[int, int]:
    """How many hospitals and sessions the current city holds."""
    hospitals = db.session.scalar(select(func.count()).select_from(Hospital)) or 0
    sessions = db.session.scalar(select(func.count()).select_from(ClinicSession)) or 0
    return hospitals, sessions
