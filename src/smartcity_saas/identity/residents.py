"""Residents of the city that we are in: signing in through a channel, and out."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import delete, select

from smartcity_saas.audit import Actor, record
from smartcity_saas.clock import Clock, utc_now
from smartcity_saas.database import command, db
from smartcity_saas.identity.models import Resident, ResidentIdentity, ResidentSession
from smartcity_saas.identity.tokens import new_token, token_hash

SESSION_LENGTH = timedelta(days=7)


@dataclass(frozen=True)
class SignedInResident:
    """A resident of this city, signed in."""

    id: uuid.UUID
    name: str
    demo: bool

    @property
    def actor(self) -> Actor:
        """This person in the city's trail, by key alone: a trail holds no personal data."""
        return Actor(f"resident:{self.id}", "resident", "nothing")


def sign_in(
    channel: str, subject: str, name: str, *, demo: bool = False, clock: Clock = utc_now
) -> str:
    """Sign in someone whom a channel vouches for, known or new; returns the session's token."""
    now = clock()
    with command() as session:
        resident = find_resident(channel, subject)
        if resident is None:
            resident = Resident(name=name, demo=demo, created_at=now)
            session.add(resident)
            session.flush()
            session.add(ResidentIdentity(resident_id=resident.id, channel=channel, subject=subject))
        token = new_token()
        session.add(
            ResidentSession(
                token_hash=token_hash(token),
                resident_id=resident.id,
                created_at=now,
                expires_at=now + SESSION_LENGTH,
            )
        )
        record(_signed_in(resident).actor, "resident.sign_in", channel, {}, now)
    return token


def find_resident(channel: str, subject: str) -> Resident | None:
    """The resident whom a channel knows by a subject."""
    return db.session.scalars(
        select(Resident)
        .join(ResidentIdentity, ResidentIdentity.resident_id == Resident.id)
        .where(ResidentIdentity.channel == channel, ResidentIdentity.subject == subject)
    ).one_or_none()


def signed_in(token: str, clock: Clock = utc_now) -> SignedInResident | None:
    """Who holds a token at this city's site; None if it has expired."""
    row = db.session.execute(
        select(Resident, ResidentSession)
        .join(ResidentSession, ResidentSession.resident_id == Resident.id)
        .where(ResidentSession.token_hash == token_hash(token))
    ).one_or_none()
    if row is None or row[1].expires_at <= clock():
        return None
    return _signed_in(row[0])


def sign_out(token: str) -> None:
    """End a session."""
    with command() as session:
        session.execute(
            delete(ResidentSession).where(ResidentSession.token_hash == token_hash(token))
        )


def _signed_in(row: Resident) -> SignedInResident:
    return SignedInResident(row.id, row.name, row.demo)
