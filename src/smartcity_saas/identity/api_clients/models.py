"""The tables of a city's API clients, their tokens and kept answers."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import Index, UniqueConstraint
from sqlalchemy.orm import Mapped

from smartcity_saas.database import CityModel, city_foreign_key


class ApiClient(CityModel):
    """A back office that may call the city's API. ``before_hash`` is the secret that it had, good
    until ``before_until``."""

    __tablename__ = "api_client"
    __table_args__ = (UniqueConstraint("city_id", "client_id"),)

    client_id: Mapped[str]
    name: Mapped[str]
    secret_hash: Mapped[str]
    before_hash: Mapped[str | None]
    before_until: Mapped[datetime | None]
    scopes: Mapped[list[Any]]
    created_at: Mapped[datetime]
    created_by: Mapped[str]
    last_used_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]


class ApiToken(CityModel):
    """A token of a client's, by its hash."""

    __tablename__ = "api_token"
    __table_args__ = (
        city_foreign_key("client_id", "api_client"),
        UniqueConstraint("city_id", "token_hash"),
        Index("ix_api_token_city_id_client_id", "city_id", "client_id"),
    )

    token_hash: Mapped[str]
    client_id: Mapped[uuid.UUID]
    scopes: Mapped[list[Any]]
    expires_at: Mapped[datetime]


class ApiAnswer(CityModel):
    """What was answered to a write with an ``Idempotency-Key``, so that the same one again is
    answered the same. ``status`` is None while it is being done, until ``held_until``."""

    __tablename__ = "api_answer"
    __table_args__ = (
        UniqueConstraint("city_id", "owner", "key"),
        Index("ix_api_answer_city_id_expires_at", "city_id", "expires_at"),
    )

    owner: Mapped[str]
    key: Mapped[str]
    mark: Mapped[str]
    status: Mapped[int | None]
    body: Mapped[str]
    held_until: Mapped[datetime]
    expires_at: Mapped[datetime]
