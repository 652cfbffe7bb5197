"""The tables of people and their sessions. The two populations never mix."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

import uuid_utils.compat
from sqlalchemy import BigInteger, ForeignKey, Index, UniqueConstraint, Uuid
from sqlalchemy.orm import Mapped, mapped_column

from smartcity_saas.database import CityModel, PlatformModel, city_foreign_key
from smartcity_saas.identity.personal_data.declaration import PERSON_NAME, PROOF, TRACE, WHEN, Held

_CHANNELS = {
    "demo": {"zh": "示例居民", "en": "Sample resident"},
    "phone": {"zh": "手机号", "en": "Mobile number"},
    "oidc": {"zh": "统一身份认证", "en": "City account"},
    "alipay": {"zh": "支付宝", "en": "Alipay"},
    "wechat": {"zh": "微信", "en": "WeChat"},
    "weibo": {"zh": "微博", "en": "Weibo"},
    "taobao": {"zh": "淘宝", "en": "Taobao"},
    "api": {"zh": "程序", "en": "A program"},
    "counter": {"zh": "窗口代办", "en": "Counter"},
}


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


class Resident(CityModel):
    """A person within one city.

    ``assurance`` is how sure the city is of them (see ``assurance.py``), ``consented`` the version
    of the privacy notice that they agreed to. Real name and resident number are sealed with the
    city's key; the number is found by a keyed index. Whoever was merged into another account, or
    left, is ``closed``: nobody comes in as them.
    """

    __tablename__ = "resident"
    held = Held(
        {"zh": "账户", "en": "Account"},
        {
            "name": PERSON_NAME,
            "created_at": WHEN,
            "assurance": {"zh": "验证程度", "en": "Verified"},
        },
        "blank",
        {"name": ""},
        words={
            "assurance": {
                "none": {"zh": "未验证", "en": "Not verified"},
                "contact": {"zh": "已验证联系方式", "en": "Contact verified"},
                "real_name": {"zh": "已实名", "en": "Real name verified"},
            }
        },
    )
    __table_args__ = (UniqueConstraint("city_id", "number_index"),)

    name: Mapped[str]
    demo: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[datetime]
    assurance: Mapped[str] = mapped_column(default="none")
    consented: Mapped[str | None]
    real_name: Mapped[bytes | None]
    number: Mapped[bytes | None]
    number_index: Mapped[str | None]
    verified_by: Mapped[str | None]
    verified_at: Mapped[datetime | None]
    closed_at: Mapped[datetime | None]
    merged_into: Mapped[uuid.UUID | None]


class ResidentIdentity(CityModel):
    """A way in for a resident: a channel, and who they are there."""

    __tablename__ = "resident_identity"
    held = Held(
        {"zh": "登录方式", "en": "Ways to sign in"},
        {"channel": {"zh": "渠道", "en": "Channel"}, "name": PERSON_NAME, "created_at": WHEN},
        words={"channel": _CHANNELS},
    )
    __table_args__ = (
        city_foreign_key("resident_id", "resident"),
        UniqueConstraint("city_id", "channel", "subject"),
        Index("ix_resident_identity_city_id_resident_id", "city_id", "resident_id"),
    )

    resident_id: Mapped[uuid.UUID]
    channel: Mapped[str]
    subject: Mapped[str]
    name: Mapped[str] = mapped_column(default="")
    created_at: Mapped[datetime | None]


class ResidentContact(CityModel):
    """Where a resident can be reached, sealed with the city's key; only a verified one is
    written to."""

    __tablename__ = "resident_contact"
    held = Held(
        {"zh": "联系方式", "en": "Contacts"},
        {
            "kind": {"zh": "种类", "en": "Kind"},
            "shown": {"zh": "号码", "en": "Address"},
            "verified_at": WHEN,
        },
        words={
            "kind": {"sms": {"zh": "手机", "en": "Mobile"}, "mail": {"zh": "邮箱", "en": "Mail"}}
        },
        seals=lambda row: ("address", row.kind),
        alone=frozenset({"kind"}),
    )
    __table_args__ = (
        city_foreign_key("resident_id", "resident"),
        UniqueConstraint("city_id", "resident_id", "kind"),
    )

    resident_id: Mapped[uuid.UUID]
    kind: Mapped[str]
    sealed: Mapped[bytes]
    shown: Mapped[str]
    language: Mapped[str]
    verified_at: Mapped[datetime | None]


class ResidentSession(CityModel):
    """A resident signed in at this city's site: by which channel, with what kind of device. The
    ID token of an OpenID provider is kept, sealed, for signing out over there. ``acting`` is the
    account of staff who acts for the resident at the counter, ``acting_by`` the hash of their own
    session on the console, with which this one ends, and ``acting_why`` what they wrote."""

    __tablename__ = "resident_session"
    held = Held(
        {"zh": "登录记录", "en": "Sessions"},
        {
            "created_at": WHEN,
            "channel": {"zh": "渠道", "en": "Channel"},
            "device": {"zh": "设备", "en": "Device"},
        },
        words={"channel": _CHANNELS},
    )
    __table_args__ = (
        city_foreign_key("resident_id", "resident"),
        UniqueConstraint("city_id", "token_hash"),
        Index("ix_resident_session_city_id_resident_id", "city_id", "resident_id"),
    )

    token_hash: Mapped[str]
    resident_id: Mapped[uuid.UUID]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    channel: Mapped[str] = mapped_column(default="")
    device: Mapped[str] = mapped_column(default="")
    id_token: Mapped[bytes | None]
    acting: Mapped[str | None]
    acting_by: Mapped[str | None]
    acting_why: Mapped[str] = mapped_column(default="")


class SignInHandshake(CityModel):
    """A sign-in under way at another site, bound to a browser; used once. ``why`` is what staff
    wrote who open the site at the counter."""

    __tablename__ = "sign_in_handshake"
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


class OneTimeCode(CityModel):
    """A code that was sent, hashed under the city's key, for one browser and one purpose."""

    __tablename__ = "one_time_code"
    __table_args__ = (UniqueConstraint("city_id", "browser_hash", "purpose"),)

    browser_hash: Mapped[str]
    purpose: Mapped[str]
    code_hash: Mapped[str]
    sealed: Mapped[bytes]
    tries_left: Mapped[int]
    expires_at: Mapped[datetime]


class Consent(CityModel):
    """What a resident agreed to, in which version, and when they took it back."""

    __tablename__ = "consent"
    held = Held(
        {"zh": "同意记录", "en": "Consents"},
        {
            "purpose": {"zh": "用途", "en": "Purpose"},
            "version": {"zh": "版本", "en": "Version"},
            "given_at": WHEN,
            "withdrawn_at": {"zh": "撤回", "en": "Withdrawn"},
        },
        "keep",
        why=PROOF,
        words={
            "purpose": {
                "privacy": {"zh": "开通本市账户", "en": "Keeping an account for you"},
                "messages": {"zh": "给你发消息", "en": "Sending you messages"},
                "real_name": {"zh": "实名认证", "en": "Knowing your real name"},
            }
        },
    )
    __table_args__ = (
        city_foreign_key("resident_id", "resident"),
        Index("ix_consent_city_id_resident_id", "city_id", "resident_id"),
    )

    resident_id: Mapped[uuid.UUID]
    purpose: Mapped[str]
    version: Mapped[str]
    given_at: Mapped[datetime]
    withdrawn_at: Mapped[datetime | None]


class ResidentAttempt(CityModel):
    """How often something was tried at this city's site within a window of time."""

    __tablename__ = "resident_attempt"
    __table_args__ = (UniqueConstraint("city_id", "key"),)

    key: Mapped[str]
    count: Mapped[int]
    window_ends: Mapped[datetime]


class ResidentAccess(CityModel):
    """A member of staff has seen a resident's data, or acted for them at the counter: on which page,
    and why."""

    __tablename__ = "resident_access"
    held = Held(
        {"zh": "谁看过我的数据", "en": "Who looked at my data"},
        {
            "at": WHEN,
            "page": {"zh": "内容", "en": "What"},
            "actor": {"zh": "工作人员账号", "en": "Account of staff"},
        },
        "keep",
        why=TRACE,
    )
    __table_args__ = (
        city_foreign_key("resident_id", "resident"),
        Index("ix_resident_access_city_id_resident_id_at", "city_id", "resident_id", "at"),
    )

    resident_id: Mapped[uuid.UUID]
    at: Mapped[datetime]
    actor: Mapped[str]
    page: Mapped[str]
    reason: Mapped[str]


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
