"""The tables of staff: accounts, sessions, second factors, invitations."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

import uuid_utils.compat
from sqlalchemy import BigInteger, ForeignKey, Index, UniqueConstraint, Uuid
from sqlalchemy.orm import Mapped, mapped_column

from smartcity_saas.database import PlatformModel


class Staff(PlatformModel):
    """An account on the console. ``roles`` as they are held, all at one place: the platform, a
    ``province``, or a ``city``. ``password_hash`` is empty where somebody comes in by their
    province's provider alone."""

    __tablename__ = "staff"

    id: Mapped[uuid.UUID] = mapped_column(Uuid, primary_key=True, default=uuid_utils.compat.uuid7)
    username: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    mail: Mapped[str | None]
    roles: Mapped[list[Any]]
    province: Mapped[str | None]
    city: Mapped[str | None]
    password_hash: Mapped[str]
    demo: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[datetime]
    disabled_at: Mapped[datetime | None]


class StaffSession(PlatformModel):
    """Someone signed in on the console; the cookie holds the token, the row its hash. Until it is
    ``complete`` a second factor is still to come, and nothing is open. ``proved_at`` is when they
    last proved who they are; ``province`` whose provider they came by, with its ``id_token``,
    sealed, for signing out there too."""

    __tablename__ = "staff_session"

    token_hash: Mapped[str] = mapped_column(primary_key=True)
    staff_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("staff.id"), index=True)
    complete: Mapped[bool]
    device: Mapped[str] = mapped_column(default="")
    created_at: Mapped[datetime]
    proved_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    province: Mapped[str | None]
    id_token: Mapped[bytes | None]


class StaffIdentity(PlatformModel):
    """Who an account is at its province's OpenID provider."""

    __tablename__ = "staff_identity"
    __table_args__ = (
        UniqueConstraint("province", "issuer", "subject"),
        UniqueConstraint("staff_id"),
    )

    id: Mapped[uuid.UUID] = mapped_column(Uuid, primary_key=True, default=uuid_utils.compat.uuid7)
    staff_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("staff.id"))
    province: Mapped[str]
    issuer: Mapped[str]
    subject: Mapped[str]
    created_at: Mapped[datetime]


class StaffInvitation(PlatformModel):
    """An account that somebody may make for themselves by the link in a mail, once; with
    ``staff_id`` a new way in to the one that they have."""

    __tablename__ = "staff_invitation"

    id: Mapped[uuid.UUID] = mapped_column(Uuid, primary_key=True, default=uuid_utils.compat.uuid7)
    token_hash: Mapped[str] = mapped_column(unique=True)
    mail: Mapped[str]
    name: Mapped[str]
    roles: Mapped[list[Any]]
    province: Mapped[str | None]
    city: Mapped[str | None]
    staff_id: Mapped[uuid.UUID | None]
    invited_by: Mapped[str]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]


class StaffFactor(PlatformModel):
    """A second factor: a ``totp`` secret, sealed, or a ``passkey``'s public key. ``last_used``
    is the newest time step (TOTP) or signature counter (passkey) that was accepted."""

    __tablename__ = "staff_factor"
    __table_args__ = (Index("uq_staff_factor_credential_id", "credential_id", unique=True),)

    id: Mapped[uuid.UUID] = mapped_column(Uuid, primary_key=True, default=uuid_utils.compat.uuid7)
    staff_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("staff.id"), index=True)
    kind: Mapped[str]
    name: Mapped[str]
    secret: Mapped[bytes]
    credential_id: Mapped[bytes | None]
    last_used: Mapped[int] = mapped_column(BigInteger, default=0)
    created_at: Mapped[datetime]


class StaffRecoveryCode(PlatformModel):
    """A code that stands in for a lost second factor, once."""

    __tablename__ = "staff_recovery_code"

    code_hash: Mapped[str] = mapped_column(primary_key=True)
    staff_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("staff.id"), index=True)
    created_at: Mapped[datetime]


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
