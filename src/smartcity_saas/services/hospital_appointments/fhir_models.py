"""What is known of a hospital's FHIR R4 server, all a city's own: where reading it stands, which slot
a place is, and which Appointment was made of a booking."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from smartcity_saas.database import CityModel, city_foreign_key
from smartcity_saas.identity.personal_data.declaration import WHEN, PersonalData


class FhirSync(CityModel):
    """How reading the server at ``base_url`` stands; one row a city.

    ``read_until`` is the end of the days that were read whole, ``since`` the newest
    ``meta.lastUpdated`` (FHIR's instant, by the server's clock) that was seen. ``problem`` is what
    was wrong with the last answer: a code of ``fhir_words`` with its values; None where it was
    taken. ``capabilities`` is what its CapabilityStatement says, ``notes`` what staff should know.
    """

    __tablename__ = "fhir_sync"
    __table_args__ = (UniqueConstraint("city_id", "base_url"),)

    base_url: Mapped[str]
    settings: Mapped[str]
    since: Mapped[datetime | None]
    read_until: Mapped[datetime | None]
    tried_at: Mapped[datetime | None]
    synced_at: Mapped[datetime | None]
    problem: Mapped[dict[str, Any] | None]
    problem_since: Mapped[datetime | None]
    capabilities: Mapped[dict[str, Any] | None]
    notes: Mapped[dict[str, Any]]


class FhirSlot(CityModel):
    """Which Slot of the server a place is. ``slot`` is its id, None once it has moved elsewhere;
    ``free`` what the server last said of it, ``performer`` who sees the patient, as a reference."""

    __tablename__ = "fhir_slot"
    __table_args__ = (
        city_foreign_key("place_id", "clinic_place"),
        UniqueConstraint("city_id", "slot"),
        UniqueConstraint("city_id", "place_id"),
        Index("ix_fhir_slot_city_id_schedule", "city_id", "schedule"),
        Index("ix_fhir_slot_city_id_starts_at", "city_id", "starts_at"),
    )

    place_id: Mapped[uuid.UUID]
    slot: Mapped[str | None]
    schedule: Mapped[str]
    performer: Mapped[str]
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    free: Mapped[bool] = mapped_column(default=True)


class FhirAppointment(CityModel):
    """The Appointment that the server keeps of a booking: its id there, and when it was cancelled."""

    __tablename__ = "fhir_appointment"
    personal_data = PersonalData(
        {"zh": "医院系统里的预约", "en": "Bookings in the hospital’s system"},
        {"created_at": WHEN, "cancelled_at": {"zh": "取消时间", "en": "Cancelled"}},
    )
    __table_args__ = (
        city_foreign_key("appointment_id", "appointment"),
        UniqueConstraint("city_id", "appointment_id"),
    )

    appointment_id: Mapped[uuid.UUID]
    remote_id: Mapped[str]
    created_at: Mapped[datetime]
    cancelled_at: Mapped[datetime | None]
