"""The tables of a city's secrets."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

import uuid_utils.compat
from sqlalchemy import UniqueConstraint, Uuid
from sqlalchemy.orm import Mapped, mapped_column

from smartcity_saas.database import CityModel, PlatformModel


class CityKey(CityModel):
    """The city's data key, wrapped by the master key that ``master_mark`` names."""

    __tablename__ = "city_key"
    __table_args__ = (UniqueConstraint("city_id"),)

    wrapped: Mapped[bytes]
    master_mark: Mapped[str]
    created_at: Mapped[datetime]


class Credential(CityModel):
    """One named secret, encrypted with the city's data key.

    ``bound_to`` lists the uses that it was entered for, each a path of the city's document and where
    it goes from there (``SecretUse.bound``); it serves no other.
    ``before`` is the value that it had, good until ``before_until`` beside the new one. ``probe_ok``
    says what the last probe found, None where none was made.
    """

    __tablename__ = "credential"
    __table_args__ = (UniqueConstraint("city_id", "name"),)

    name: Mapped[str]
    sealed: Mapped[bytes]
    bound_to: Mapped[list[Any]] = mapped_column(server_default="[]")
    before: Mapped[bytes | None]
    before_until: Mapped[datetime | None]
    updated_at: Mapped[datetime]
    updated_by: Mapped[str] = mapped_column(default="")
    used_at: Mapped[datetime | None]
    probed_at: Mapped[datetime | None]
    probe_ok: Mapped[bool | None]
    probe_detail: Mapped[str] = mapped_column(default="")


class ProvinceSecret(PlatformModel):
    """One named secret of a province's document, sealed by the master key itself; ``bound_to`` as a
    city's."""

    __tablename__ = "province_secret"
    __table_args__ = (UniqueConstraint("province", "name"),)

    id: Mapped[uuid.UUID] = mapped_column(Uuid, primary_key=True, default=uuid_utils.compat.uuid7)
    province: Mapped[str]
    name: Mapped[str]
    sealed: Mapped[bytes]
    bound_to: Mapped[list[Any]] = mapped_column(server_default="[]")
    updated_at: Mapped[datetime]
    updated_by: Mapped[str]
    used_at: Mapped[datetime | None]
