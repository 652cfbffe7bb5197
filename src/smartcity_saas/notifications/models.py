"""The tables of messages, all a city's own."""

from __future__ import annotations

import uuid
from datetime import datetime

from sqlalchemy import Index, UniqueConstraint
from sqlalchemy.orm import Mapped

from smartcity_saas.database import CityModel, city_foreign_key
from smartcity_saas.identity.personal_data.declaration import WHEN, PersonalData


class Message(CityModel):
    """One message to one resident, in both languages. ``key`` says what it is of, so that the
    same thing is told once; ``path`` leads to it."""

    __tablename__ = "message"
    personal_data = PersonalData(
        {"zh": "消息", "en": "Messages"},
        {"title": {"zh": "内容", "en": "What"}, "created_at": WHEN},
    )
    __table_args__ = (
        city_foreign_key("resident_id", "resident"),
        UniqueConstraint("city_id", "resident_id", "key"),
        Index("ix_message_city_id_resident_id_created_at", "city_id", "resident_id", "created_at"),
    )

    resident_id: Mapped[uuid.UUID]
    key: Mapped[str]
    title: Mapped[dict[str, str]]
    body: Mapped[dict[str, str]]
    path: Mapped[str]
    created_at: Mapped[datetime]
    read_at: Mapped[datetime | None]


class MessageDelivery(CityModel):
    """A message that was given to a sender, so that it is sent once if all goes well."""

    __tablename__ = "message_delivery"
    personal_data = PersonalData(
        {"zh": "发出的消息", "en": "Messages sent"},
        {"kind": {"zh": "种类", "en": "Kind"}, "sent_at": WHEN},
        words={
            "kind": {
                "sms": {"zh": "短信", "en": "Text message"},
                "mail": {"zh": "邮件", "en": "Email"},
            }
        },
    )
    __table_args__ = (
        city_foreign_key("message_id", "message"),
        UniqueConstraint("city_id", "message_id", "kind"),
    )

    message_id: Mapped[uuid.UUID]
    kind: Mapped[str]
    sent_at: Mapped[datetime]
