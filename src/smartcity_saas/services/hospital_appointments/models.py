"""The tables of hospital appointments, all a city's own.

Every place of a session is a row of its own. Booking takes one row; two people at once take two
different rows or wait for none, and the database holds that a place has one appointment.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import date, datetime
from enum import StrEnum
from typing import Any, NamedTuple

from flask_babel import lazy_gettext as _
from sqlalchemy import CheckConstraint, Index, String, UniqueConstraint, column
from sqlalchemy.orm import Mapped, mapped_column

from smartcity_saas.database import CityModel, StoredEnum, city_foreign_key, city_relationship
from smartcity_saas.errors import IllegalTransition
from smartcity_saas.identity.personal_data.declaration import STATE, WHEN, PersonalData

HALVES = ("am", "pm")
RELATIONS = ("self", "child", "parent", "spouse", "other")

HALF_NAMES: dict[str, Any] = {"am": _("Morning"), "pm": _("Afternoon")}
CLINIC_NAMES: dict[str, Any] = {
    "general": _("General"),
    "expert": _("Expert"),
    "special": _("Special"),
}
RELATION_NAMES: dict[str, Any] = {
    "self": _("Myself"),
    "child": _("Child"),
    "parent": _("Parent"),
    "spouse": _("Spouse"),
    "other": _("Other family"),
}

OFFER = "hospital_appointments.offer"
"""The task that offers the free places of a session to whoever waits."""


class PlaceState(StrEnum):
    """Who has a place of a session."""

    FREE = "free"
    OFFERED = "offered"
    """It is kept for whoever is first in the waiting list."""
    TAKEN = "taken"
    SHUT = "shut"
    """Nobody can have it: the session is called off or smaller by now, or the hospital's system does not have
    it free."""


BUSY = (PlaceState.OFFERED, PlaceState.TAKEN)
"""Somebody has the place, or may take it."""


class AppointmentState(StrEnum):
    """What became of an appointment."""

    BOOKED = "booked"
    CANCELLED = "cancelled"
    ATTENDED = "attended"
    NO_SHOW = "no_show"
    CLOSED = "closed"
    """The session was called off."""


class EntryState(StrEnum):
    """What became of an entry of a waiting list."""

    WAITING = "waiting"
    OFFERED = "offered"
    """A place is kept for it."""
    TAKEN = "taken"
    LAPSED = "lapsed"
    """Nobody took the place that was kept."""
    LEFT = "left"


KEPT = frozenset({AppointmentState.BOOKED, AppointmentState.ATTENDED, AppointmentState.NO_SHOW})
"""States in which an appointment has its place, also after its time."""
OPEN_ENTRY = frozenset({EntryState.WAITING, EntryState.OFFERED})
"""States in which an entry is in line."""

_STATE = column("state", String)
_HOLDING = _STATE.in_(sorted(KEPT))
_IN_LINE = _STATE.in_(sorted(OPEN_ENTRY))


class Hospital(CityModel):
    """A hospital; ``code`` is its own."""

    __tablename__ = "hospital"
    __table_args__ = (UniqueConstraint("city_id", "code"),)

    code: Mapped[str]
    name: Mapped[dict[str, str]]
    address: Mapped[dict[str, str]]
    phone: Mapped[str]
    sample: Mapped[bool] = mapped_column(default=False)


class HospitalDepartment(CityModel):
    """A department; ``keywords`` are symptoms and names by which people look for it."""

    __tablename__ = "hospital_department"
    __table_args__ = (
        city_foreign_key("hospital_id", "hospital"),
        UniqueConstraint("city_id", "hospital_id", "code"),
    )

    hospital_id: Mapped[uuid.UUID]
    code: Mapped[str]
    name: Mapped[dict[str, str]]
    keywords: Mapped[list[Any]]
    refreshed_at: Mapped[datetime | None]
    hospital: Mapped[Hospital] = city_relationship(
        "Hospital", "hospital_id", owner="HospitalDepartment"
    )


class Doctor(CityModel):
    """A doctor of a department, or the department's common clinic."""

    __tablename__ = "doctor"
    __table_args__ = (
        city_foreign_key("department_id", "hospital_department"),
        UniqueConstraint("city_id", "department_id", "code"),
    )

    department_id: Mapped[uuid.UUID]
    code: Mapped[str]
    name: Mapped[dict[str, str]]
    title: Mapped[dict[str, str]]
    specialty: Mapped[dict[str, str]]


class ClinicSession(CityModel):
    """Half a day of a doctor's clinic. ``fee`` is in the currency's minor unit."""

    __tablename__ = "clinic_session"
    __table_args__ = (
        city_foreign_key("doctor_id", "doctor"),
        city_foreign_key("department_id", "hospital_department"),
        UniqueConstraint("city_id", "doctor_id", "day", "half"),
        Index("ix_clinic_session_city_id_department_id_day", "city_id", "department_id", "day"),
        Index("ix_clinic_session_city_id_day", "city_id", "day"),
        CheckConstraint("fee >= 0", name="fee"),
        CheckConstraint("capacity > 0", name="capacity"),
        CheckConstraint("starts_at < ends_at", name="times"),
    )

    doctor_id: Mapped[uuid.UUID]
    department_id: Mapped[uuid.UUID]
    day: Mapped[date]
    half: Mapped[str]
    clinic: Mapped[str]
    fee: Mapped[int]
    currency: Mapped[str]
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    capacity: Mapped[int]
    closed_at: Mapped[datetime | None]
    closed_reason: Mapped[dict[str, Any] | None]
    doctor: Mapped[Doctor] = city_relationship("Doctor", "doctor_id", owner="ClinicSession")
    department: Mapped[HospitalDepartment] = city_relationship(
        "HospitalDepartment", "department_id", owner="ClinicSession"
    )

    @property
    def is_called_off(self) -> bool:
        """Whether it does not take place."""
        return self.closed_at is not None

    def is_over(self, now: datetime) -> bool:
        """Whether its time has passed."""
        return self.ends_at <= now

    def call_off(self, reason: Mapping[str, str], now: datetime) -> None:
        """Let it not take place; ``reason`` is what everyone reads, by language."""
        self.closed_at, self.closed_reason = now, dict(reason)

    def reopen(self) -> None:
        """Let it take place after all."""
        self.closed_at, self.closed_reason = None, None


class PatientAsRead(NamedTuple):
    """What booking asks of a patient, as it stands, apart from the database."""

    id: uuid.UUID
    resident_id: uuid.UUID
    name: str
    phone_index: str
    person_index: str


class TakenPlace(NamedTuple):
    """A place that an appointment can be made of: nobody else has it."""

    id: uuid.UUID
    number: int
    starts_at: datetime


class ClinicPlace(CityModel):
    """One place of a session: its number and its time."""

    __tablename__ = "clinic_place"
    __table_args__ = (
        city_foreign_key("session_id", "clinic_session"),
        UniqueConstraint("city_id", "session_id", "number"),
        Index("ix_clinic_place_city_id_session_id_state", "city_id", "session_id", "state"),
        CheckConstraint("state IN ('free', 'offered', 'taken', 'shut')", name="state"),
    )

    session_id: Mapped[uuid.UUID]
    number: Mapped[int]
    starts_at: Mapped[datetime]
    state: Mapped[PlaceState] = mapped_column(StoredEnum(PlaceState))

    def take(self) -> TakenPlace:
        """Give it to somebody; returns what an appointment says of it.

        Raises:
            IllegalTransition: Somebody has it, or nobody can.
        """
        if self.state not in (PlaceState.FREE, PlaceState.OFFERED):
            raise IllegalTransition(f"a place that is {self.state} cannot be taken")
        self.state = PlaceState.TAKEN
        return TakenPlace(self.id, self.number, self.starts_at)


PATIENT_PHONE = "patient phone"
"""As what a patient's telephone is sealed, and indexed."""
PATIENT_PERSON = "patient person"
"""As what a patient's name and telephone together are indexed."""
BOOKING_TURNS = 4096
"""How many turns there are: so many that two people hardly ever share one."""


class Patient(CityModel):
    """Someone for whom a resident books: themselves or family. The telephone is ``sealed``,
    ``shown`` masked, and found by ``phone_index``. Rows of one person, on whoever's list and
    removed or not, share ``person_index``: limits count by it. It stays when the telephone changes
    while something counts, so rows of one name and ``phone_index`` are the same person too."""

    __tablename__ = "patient"
    personal_data = PersonalData(
        {"zh": "就诊人", "en": "Patients"},
        {
            "name": {"zh": "姓名", "en": "Name"},
            "relation": {"zh": "关系", "en": "Relation"},
            "shown": {"zh": "电话", "en": "Phone"},
        },
        "blank",
        {"name": "—", "sealed": None, "shown": "", "phone_index": "", "person_index": ""},
        words={
            "relation": {
                "self": {"zh": "本人", "en": "Self"},
                "child": {"zh": "子女", "en": "Child"},
                "parent": {"zh": "父母", "en": "Parent"},
                "spouse": {"zh": "配偶", "en": "Spouse"},
                "other": {"zh": "其他", "en": "Other"},
            }
        },
        seals=lambda row: ("phone", PATIENT_PHONE),
    )
    __table_args__ = (
        city_foreign_key("resident_id", "resident"),
        Index("ix_patient_city_id_resident_id", "city_id", "resident_id"),
        Index("ix_patient_city_id_phone_index", "city_id", "phone_index"),
        Index("ix_patient_city_id_person_index", "city_id", "person_index"),
    )

    resident_id: Mapped[uuid.UUID]
    name: Mapped[str]
    relation: Mapped[str]
    sealed: Mapped[bytes | None]
    shown: Mapped[str]
    phone_index: Mapped[str]
    person_index: Mapped[str]
    created_at: Mapped[datetime]
    removed_at: Mapped[datetime | None]


class BookingTurn(CityModel):
    """What whoever books for a person holds meanwhile. A turn stands for one person in
    ``BOOKING_TURNS``, so that it says nothing of anybody."""

    __tablename__ = "booking_turn"
    __table_args__ = (UniqueConstraint("city_id", "number"),)

    number: Mapped[int]


class Appointment(CityModel):
    """A place that someone has. ``code`` is what the QR code and the desk read."""

    __tablename__ = "appointment"
    personal_data = PersonalData(
        {"zh": "预约", "en": "Appointments"},
        {"starts_at": WHEN, "code": {"zh": "编号", "en": "Code"}, "state": STATE},
        "keep",
        why={
            "zh": "医院的就诊记录要求留存；已与姓名电话分开。",
            "en": "Hospitals must keep records of visits; apart from name and telephone.",
        },
        words={
            "state": {
                "booked": {"zh": "已约", "en": "Booked"},
                "cancelled": {"zh": "已取消", "en": "Cancelled"},
                "attended": {"zh": "已就诊", "en": "Attended"},
                "no_show": {"zh": "爽约", "en": "Missed"},
                "closed": {"zh": "停诊", "en": "Cancelled by the hospital"},
            }
        },
    )
    __table_args__ = (
        city_foreign_key("place_id", "clinic_place"),
        city_foreign_key("session_id", "clinic_session"),
        city_foreign_key("patient_id", "patient"),
        city_foreign_key("resident_id", "resident"),
        UniqueConstraint("city_id", "code"),
        Index(
            "uq_appointment_place",
            "city_id",
            "place_id",
            unique=True,
            sqlite_where=_HOLDING,
            postgresql_where=_HOLDING,
        ),
        Index(
            "uq_appointment_patient_session",
            "city_id",
            "patient_id",
            "session_id",
            unique=True,
            sqlite_where=_HOLDING,
            postgresql_where=_HOLDING,
        ),
        Index("ix_appointment_city_id_resident_id", "city_id", "resident_id"),
        Index("ix_appointment_city_id_patient_id", "city_id", "patient_id"),
        Index("ix_appointment_city_id_session_id", "city_id", "session_id"),
    )

    place_id: Mapped[uuid.UUID]
    session_id: Mapped[uuid.UUID]
    patient_id: Mapped[uuid.UUID]
    resident_id: Mapped[uuid.UUID]
    number: Mapped[int]
    starts_at: Mapped[datetime]
    code: Mapped[str]
    state: Mapped[AppointmentState] = mapped_column(StoredEnum(AppointmentState))
    booked_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    patient: Mapped[Patient] = city_relationship("Patient", "patient_id", owner="Appointment")
    session: Mapped[ClinicSession] = city_relationship(
        "ClinicSession", "session_id", owner="Appointment"
    )

    @property
    def is_booked(self) -> bool:
        """Whether someone is still to come, or it was not noted whether they did."""
        return self.state == AppointmentState.BOOKED

    @property
    def is_kept(self) -> bool:
        """Whether it has its place, also after its time."""
        return self.state in KEPT

    @property
    def is_off(self) -> bool:
        """Whether nobody comes: given back, or called off."""
        return self.is_cancelled or self.is_called_off

    @property
    def is_cancelled(self) -> bool:
        """Whether it was given back."""
        return self.state == AppointmentState.CANCELLED

    @property
    def is_called_off(self) -> bool:
        """Whether its session does not take place."""
        return self.state == AppointmentState.CLOSED

    def is_coming(self, now: datetime) -> bool:
        """Whether it is booked, and its time is to come."""
        return self.is_booked and self.starts_at > now

    def cancel(self, now: datetime) -> None:
        """Give it back.

        Raises:
            IllegalTransition: It is not booked (any more).
        """
        self._end(AppointmentState.CANCELLED, now)

    def call_off(self, now: datetime) -> None:
        """End it because its session does not take place.

        Raises:
            IllegalTransition: It is not booked (any more).
        """
        self._end(AppointmentState.CLOSED, now)

    def mark(self, state: AppointmentState, now: datetime) -> None:
        """Note whether someone came; can be changed, and taken back by ``BOOKED``.

        Raises:
            IllegalTransition: It has no place (any more), or the state says nothing of that.
        """
        if not self.is_kept or state not in KEPT:
            raise IllegalTransition(f"an appointment that is {self.state} cannot become {state}")
        self.state = state
        self.ended_at = None if self.is_booked else now

    def _end(self, state: AppointmentState, now: datetime) -> None:
        if not self.is_booked:
            raise IllegalTransition(f"an appointment that is {self.state} cannot become {state}")
        self.state, self.ended_at = state, now


class WaitingEntry(CityModel):
    """Someone waits for a place of a session. ``offered_until`` while a place is kept for them."""

    __tablename__ = "waiting_entry"
    personal_data = PersonalData(
        {"zh": "候补", "en": "Waiting lists"},
        {"created_at": WHEN, "state": STATE},
        words={
            "state": {
                "waiting": {"zh": "候补中", "en": "Waiting"},
                "offered": {"zh": "待确认", "en": "Slot held"},
                "taken": {"zh": "已补上", "en": "Booked"},
                "lapsed": {"zh": "已过期", "en": "Expired"},
                "left": {"zh": "已退出", "en": "Left"},
            }
        },
    )
    __table_args__ = (
        city_foreign_key("session_id", "clinic_session"),
        city_foreign_key("patient_id", "patient"),
        city_foreign_key("resident_id", "resident"),
        city_foreign_key("place_id", "clinic_place"),
        Index(
            "uq_waiting_entry_open",
            "city_id",
            "session_id",
            "patient_id",
            unique=True,
            sqlite_where=_IN_LINE,
            postgresql_where=_IN_LINE,
        ),
        Index("ix_waiting_entry_city_id_session_id", "city_id", "session_id", "state"),
        Index("ix_waiting_entry_city_id_resident_id", "city_id", "resident_id"),
    )

    session_id: Mapped[uuid.UUID]
    patient_id: Mapped[uuid.UUID]
    resident_id: Mapped[uuid.UUID]
    place_id: Mapped[uuid.UUID | None]
    state: Mapped[EntryState] = mapped_column(StoredEnum(EntryState))
    created_at: Mapped[datetime]
    offered_until: Mapped[datetime | None]
    session: Mapped[ClinicSession] = city_relationship(
        "ClinicSession", "session_id", owner="WaitingEntry"
    )
    patient: Mapped[Patient] = city_relationship("Patient", "patient_id", owner="WaitingEntry")

    @property
    def is_open(self) -> bool:
        """Whether it is in line."""
        return self.state in OPEN_ENTRY

    @property
    def is_waiting(self) -> bool:
        """Whether it is in line, and no place is kept for it yet."""
        return self.state == EntryState.WAITING

    @property
    def is_offered(self) -> bool:
        """Whether a place is kept for it."""
        return self.state == EntryState.OFFERED

    @property
    def is_taken(self) -> bool:
        """Whether an appointment came of it."""
        return self.state == EntryState.TAKEN

    def offer(self, place: ClinicPlace, until: datetime) -> None:
        """Keep a place for it until some time.

        Raises:
            IllegalTransition: It is not waiting.
        """
        if not self.is_waiting:
            raise IllegalTransition(f"an entry that is {self.state} cannot be offered a place")
        place.state = PlaceState.OFFERED
        self.state, self.place_id, self.offered_until = EntryState.OFFERED, place.id, until

    def accept(self) -> None:
        """Take the place that is kept.

        Raises:
            IllegalTransition: None is.
        """
        if not self.is_offered:
            raise IllegalTransition(f"an entry that is {self.state} has no place to take")
        self.state = EntryState.TAKEN

    def lapse(self) -> None:
        """Let the place go that nobody took.

        Raises:
            IllegalTransition: None is kept.
        """
        if not self.is_offered:
            raise IllegalTransition(f"an entry that is {self.state} has no place to let go")
        self._end(EntryState.LAPSED)

    def leave(self) -> None:
        """Wait no longer.

        Raises:
            IllegalTransition: It is not in line.
        """
        if not self.is_open:
            raise IllegalTransition(f"an entry that is {self.state} is not in line")
        self._end(EntryState.LEFT)

    def _end(self, state: EntryState) -> None:
        self.state, self.place_id, self.offered_until = state, None, None
