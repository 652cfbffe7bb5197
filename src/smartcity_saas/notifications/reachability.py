"""Whether a resident of the current city is sent messages, or has to look for themselves."""

from __future__ import annotations

import uuid
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, select

from smartcity_saas.database import db
from smartcity_saas.identity.residents.accounts import SignedInResident
from smartcity_saas.identity.residents.consents import MESSAGES, agrees, give, standing
from smartcity_saas.identity.residents.models import ResidentContact
from smartcity_saas.notifications.sender_choice import has_sender
from smartcity_saas.notifications.senders import KINDS
from smartcity_saas.tenancy.current import current_city


@dataclass(frozen=True)
class Reach:
    """``contacts``, masked, are what the city could write to; ``agreed`` is the resident's leave to.
    ``asks`` says whether that leave may be asked for here: never at the counter, as it is the
    resident's alone to give."""

    contacts: tuple[str, ...]
    agreed: bool
    asks: bool

    @property
    def told(self) -> bool:
        """Whether messages are sent."""
        return bool(self.contacts) and self.agreed


def reach_of(resident: SignedInResident) -> Reach:
    """How the city can reach a resident."""
    query = select(ResidentContact).where(*_verified([resident.id])).order_by(ResidentContact.kind)
    contacts = tuple(one.shown for one in db.session.scalars(query))
    return Reach(contacts, agrees(resident.id, MESSAGES), resident.acting is None)


def give_leave(resident: SignedInResident, now: datetime) -> None:
    """Note that the resident agrees to messages, asked for where something is promised."""
    if resident.acting is None:
        give(resident.id, MESSAGES, now)


def reached(resident_ids: Collection[uuid.UUID]) -> set[uuid.UUID]:
    """Those of some residents who are sent messages."""
    query = select(ResidentContact.resident_id).where(*_verified(resident_ids))
    return standing(resident_ids, MESSAGES) & set(db.session.scalars(query))


def _verified(resident_ids: Collection[uuid.UUID]) -> tuple[ColumnElement[bool], ...]:
    """The condition that finds their contacts to which the city can send."""
    kinds = [kind for kind in KINDS if has_sender(current_city(), kind)]
    return (
        ResidentContact.resident_id.in_(list(resident_ids)),
        ResidentContact.verified_at.is_not(None),
        ResidentContact.kind.in_(kinds),
    )
