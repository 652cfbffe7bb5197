"""Notifications: messages to residents, written in the transaction of their cause."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, func, select, update

from smartcity_saas.configuration.city import City
from smartcity_saas.connectors import BackOfficeDown
from smartcity_saas.credentials.personal_encryption import open_personal
from smartcity_saas.database import CITY, db, insert_once, run, table_of, transaction
from smartcity_saas.identity.residents.accounts import SignedInResident
from smartcity_saas.identity.residents.consents import MESSAGES, agrees
from smartcity_saas.identity.residents.models import ResidentContact
from smartcity_saas.notifications.models import Message, MessageDelivery
from smartcity_saas.notifications.quiet_hours import QuietHours
from smartcity_saas.notifications.sender_choice import sender_of
from smartcity_saas.notifications.senders import Sender
from smartcity_saas.outbox import enqueue
from smartcity_saas.tenancy.current import current_city

SEND = "messages.send"
_CONTACTS = table_of(ResidentContact)
_VERIFIED = select(_CONTACTS.c.kind).where(
    _CONTACTS.c.city_id == CITY,
    _CONTACTS.c.resident_id == bindparam("resident"),
    _CONTACTS.c.verified_at.is_not(None),
)


def notify(
    resident_id: uuid.UUID,
    key: str,
    title: Mapping[str, str],
    body: Mapping[str, str],
    path: str,
    now: datetime,
    *,
    useful_until: datetime | None = None,
    send: bool = True,
) -> bool:
    """Write a message to a resident's own page, and send it after the commit: in the city's quiet
    hours when those are over.

    Args:
        resident_id: Whom.
        key: What it is of; the same is told once.
        title: One line, in both languages.
        body: What to know and do, in both languages.
        path: Where it leads, on the city's site.
        now: The time.
        useful_until: By when whoever reads it must know; it is sent at night where the morning
            would be too late.
        send: Whether it is sent beyond the site too, where the resident agrees to that.

    Returns:
        Whether it is new.
    """
    due_at = QuietHours.of_city(current_city()).over(now)
    if useful_until is not None and due_at >= useful_until:
        due_at = now
    with transaction():
        message_id = insert_once(
            Message,
            ("resident_id", "key"),
            resident_id=resident_id,
            key=key,
            title=dict(title),
            body=dict(body),
            path=path,
            created_at=now,
        )
        if message_id is None:
            return False
        if not send:
            return True
        for kind in run(_VERIFIED, {"resident": resident_id}).scalars():
            enqueue(SEND, {"message": str(message_id), "kind": kind}, now, due_at=due_at)
    return True


def send_message(payload: Mapping[str, Any], now: datetime) -> None:
    """Send one message by the city's sender of one kind: a task of the outbox.

    A kill between the sender's answer and our note of it may send it a second time: at least
    once, as everything after a commit.
    """
    city = current_city()
    kind, message_id = payload["kind"], uuid.UUID(payload["message"])
    sender: Sender | None = sender_of(city, kind)
    message = db.session.scalars(select(Message).where(Message.id == message_id)).one_or_none()
    if sender is None or message is None or _sent(message_id, kind):
        return
    contact = db.session.scalars(
        select(ResidentContact).where(
            ResidentContact.resident_id == message.resident_id,
            ResidentContact.kind == kind,
            ResidentContact.verified_at.is_not(None),
        )
    ).one_or_none()
    if contact is None or not agrees(message.resident_id, MESSAGES):
        return
    language, address = contact.language, open_personal(kind, contact.sealed, now)
    db.session.rollback()  # no transaction stays open while the sender takes its time
    sender.send(
        address,
        city.name[language],
        message.title[language],
        message.body[language],
        str(message_id),
    )
    with transaction():
        insert_once(
            MessageDelivery, ("message_id", "kind"), message_id=message_id, kind=kind, sent_at=now
        )


def send_text(city: City, number: str, title: str, text: str, key: str) -> None:
    """Send one SMS at once, for what cannot wait: a one-time code.

    Raises:
        BackOfficeDown: The city has no sender, or it does not answer.
        BackOfficeRefused, CredentialError, OSError: As the sender raises.
    """
    sender = sender_of(city, "sms")
    if sender is None:
        raise BackOfficeDown("no sender of SMS")
    sender.send(number, city.name["zh"], title, text, key)


def messages_of(resident: SignedInResident, limit: int = 100) -> list[Message]:
    """A resident's messages, the newest first."""
    query = select(Message).where(Message.resident_id == resident.id)
    return list(
        db.session.scalars(
            query.order_by(Message.created_at.desc(), Message.id.desc()).limit(limit)
        )
    )


def unread_count(resident: SignedInResident) -> int:
    """How many messages a resident has not seen."""
    query = select(func.count()).select_from(Message)
    unread = query.where(Message.resident_id == resident.id, Message.read_at.is_(None))
    return db.session.scalar(unread) or 0


def mark_read(resident: SignedInResident, now: datetime) -> None:
    """Note that a resident has seen all messages."""
    with transaction() as session:
        session.execute(
            update(Message)
            .where(Message.resident_id == resident.id, Message.read_at.is_(None))
            .values(read_at=now)
        )


def _sent(message_id: uuid.UUID, kind: str) -> bool:
    query = select(MessageDelivery.id).where(
        MessageDelivery.message_id == message_id, MessageDelivery.kind == kind
    )
    return db.session.scalars(query).first() is not None
