"""The tables of people and their sessions. The two populations never mix."""

from __future__ import annotations

import uuid
from datetime import datetime

import uuid_utils.compat
from sqlalchemy import ForeignKey, Index, UniqueConstraint, Uuid
from sqlalchemy.orm import Mapped, mapped_column

from smartcity_saas.database import CityModel, PlatformModel, city_foreign_key


class Staff(PlatformModel):
    """An account on the console. ``province`` or ``city`` is set as the role asks."""

    __tablename__ = "staff"

    id: Mapped[uuid.UUID] = mapped_column(Uuid, primary_key=True, default=uuid_utils.compat.uuid7)
    username: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    role: Mapped[str]
    province: Mapped[str | None]
    city: Mapped[str | None]
    password_hash: Mapped[str]
    demo: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[datetime]
    disabled_at: Mapped[datetime | None]


class StaffSession(PlatformModel):
    """Someone signed in on the console; the cookie holds the token, the row its hash."""

    __tablename__ = "staff_session"

    token_hash: Mapped[str] = mapped_column(primary_key=True)
    staff_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("staff.id"), index=True)
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]


class StaffAttempt(PlatformModel):
    """How often something was tried on the console within a window of time."""

    __tablename__ = "staff_attempt"

    key: Mapped[str] = mapped_column(primary_key=True)
    count: Mapped[int]
    window_ends: Mapped[datetime]


class PreviewLink(PlatformModel):
    """A single-use link from the console to a draft's own host."""

    __tablename__ = "preview_link"

    token_hash: Mapped[str] = mapped_column(primary_key=True)
    document_id: Mapped[int] = mapped_column(ForeignKey("document.id"))
    created_by: Mapped[str]
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]


class Resident(CityModel):
    """A person within one city."""

    __tablename__ = "resident"

    name: Mapped[str]
    demo: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[datetime]


class ResidentIdentity(CityModel):
    """A way in for a resident: a channel, and who they are there."""

    __tablename__ = "resident_identity"
    __table_args__ = (
        city_foreign_key("resident_id", "resident"),
        UniqueConstraint("city_id", "channel", "subject"),
    )

    resident_id: Mapped[uuid.UUID]
    channel: Mapped[str]
    subject: Mapped[str]


class ResidentSession(CityModel):
    """A resident signed in at this city's site."""

    __tablename__ = "resident_session"
    __table_args__ = (
        city_foreign_key("resident_id", "resident"),
        UniqueConstraint("city_id", "token_hash"),
        Index("ix_resident_session_city_id_resident_id", "city_id", "resident_id"),
    )

    token_hash: Mapped[str]
    resident_id: Mapped[uuid.UUID]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]


class ResidentAttempt(CityModel):
    """How often something was tried at this city's site within a window of time."""

    __tablename__ = "resident_attempt"
    __table_args__ = (UniqueConstraint("city_id", "key"),)

    key: Mapped[str]
    count: Mapped[int]
    window_ends: Mapped[datetime]
