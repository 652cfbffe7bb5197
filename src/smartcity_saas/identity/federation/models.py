"""Requests to sign in at another site, from leaving until coming back."""

from __future__ import annotations

import uuid
from datetime import datetime

from sqlalchemy import UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from smartcity_saas.database import CityModel


class LoginRequest(CityModel):
    """A sign-in under way at another site, bound to a browser; used once. ``why`` is what staff
    wrote who open the site at the counter."""

    __tablename__ = "login_request"
    __table_args__ = (UniqueConstraint("city_id", "state_hash"),)

    state_hash: Mapped[str]
    browser_hash: Mapped[str]
    channel: Mapped[str]
    purpose: Mapped[str]
    resident_id: Mapped[uuid.UUID | None]
    other_id: Mapped[uuid.UUID | None]
    nonce: Mapped[str]
    verifier: Mapped[str]
    redirect_uri: Mapped[str]
    in_app: Mapped[bool]
    next: Mapped[str]
    why: Mapped[str] = mapped_column(default="")
    expires_at: Mapped[datetime]
