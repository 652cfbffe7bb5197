"""The tables of residents: accounts, ways in, sessions, codes, consents. All a city's own."""

from __future__ import annotations

import uuid
from datetime import datetime

from sqlalchemy import Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from smartcity_saas.database import CityModel, city_foreign_key
from smartcity_saas.identity.personal_data.declaration import PERSON_NAME, PROOF, WHEN, PersonalData

CHANNEL_NAMES = {
    "demo": {"zh": "示例居民", "en": "Sample resident"},
    "phone": {"zh": "手机号", "en": "Mobile number"},
    "oidc": {"zh": "统一身份认证", "en": "City account"},
    "alipay": {"zh": "支付宝", "en": "Alipay"},
    "wechat": {"zh": "微信", "en": "WeChat"},
    "weibo": {"zh": "微博", "en": "Weibo"},
    "taobao": {"zh": "淘宝", "en": "Taobao"},
    "baidu": {"zh": "百度", "en": "Baidu"},
    "api": {"zh": "程序", "en": "A program"},
    "counter": {"zh": "窗口代办", "en": "Counter"},
}


class Resident(CityModel):
    """A person within one city.

    ``assurance`` is how sure the city is of them (see ``assurance.py``), ``consented`` the version
    of the privacy notice that they agreed to. Real name and resident number are sealed with the
    city's key; the number is found by a keyed index. Whoever was merged into another account, or
    left, is ``closed``: nobody comes in as them.
    """

    __tablename__ = "resident"
    personal_data = PersonalData(
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
    personal_data = PersonalData(
        {"zh": "登录方式", "en": "Ways to sign in"},
        {
            "channel": {"zh": "登录方式", "en": "Sign-in method"},
            "name": PERSON_NAME,
            "created_at": WHEN,
        },
        words={"channel": CHANNEL_NAMES},
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
    personal_data = PersonalData(
        {"zh": "联系方式", "en": "Contacts"},
        {
            "kind": {"zh": "种类", "en": "Kind"},
            "shown": {"zh": "号码或邮箱", "en": "Number or email"},
            "verified_at": WHEN,
        },
        words={
            "kind": {"sms": {"zh": "手机", "en": "Mobile"}, "mail": {"zh": "邮箱", "en": "Email"}}
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
    personal_data = PersonalData(
        {"zh": "登录记录", "en": "Sessions"},
        {
            "created_at": WHEN,
            "channel": {"zh": "登录方式", "en": "Sign-in method"},
            "device": {"zh": "设备", "en": "Device"},
        },
        words={"channel": CHANNEL_NAMES},
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
    personal_data = PersonalData(
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
                "real_name": {"zh": "实名认证", "en": "Verifying your real name"},
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
