"""The tables of a city's secrets."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import UniqueConstraint
from sqlalchemy.orm import Mapped

from smartcity_saas.database import CityModel


class CityKey(CityModel):
    """The city's data key, wrapped by the master key that ``master_mark`` names."""

    __tablename__ = "city_key"
    __table_args__ = (UniqueConstraint("city_id"),)

    wrapped: Mapped[bytes]
    master_mark: Mapped[str]
    created_at: Mapped[datetime]


class Credential(CityModel):
    """One named secret, encrypted with the city's data key."""

    __tablename__ = "credential"
    __table_args__ = (UniqueConstraint("city_id", "name"),)

    name: Mapped[str]
    sealed: Mapped[bytes]
    updated_at: Mapped[datetime]
