"""What a resident writes against something that is held of them: words, and photographs."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from flask_babel import lazy_gettext as _
from sqlalchemy import select
from sqlalchemy.orm import InstrumentedAttribute

from smartcity_saas.configuration.fields import shown_length
from smartcity_saas.database import db
from smartcity_saas.errors import FieldErrors, Invalid, NotFound
from smartcity_saas.identity.residents.accounts import SignedInResident
from smartcity_saas.images.photos import retaken
from smartcity_saas.tenancy.storage import require_room

MOST_PHOTOS = 3
SHORTEST_REASON, LONGEST_REASON = 10, 1_000


@dataclass(frozen=True)
class Objection:
    """A reason of 10 to 1,000 characters, and up to three photographs, made anew as JPEG."""

    reason: str
    photos: tuple[bytes, ...]


def read_objection(reason: str, photos: Sequence[bytes]) -> Objection:
    """What was typed and uploaded, checked.

    Raises:
        FieldErrors: The reason is too short or long, there are too many files, one is no
            photograph, or the city's storage has no room for them.
    """
    errors: dict[str, Any] = {}
    taken: tuple[bytes, ...] = ()
    words = reason.strip()
    if shown_length(words) < SHORTEST_REASON or len(words) > LONGEST_REASON:
        errors["reason"] = _("Say what is wrong, in 10 to 1,000 characters.")
    if len(photos) > MOST_PHOTOS:
        errors["photos"] = _("Choose up to 3 photos.")
    else:
        try:
            taken = tuple(retaken(data) for data in photos)
            if taken:
                require_room(sum(map(len, taken)), _("Send it without photos."))
        except Invalid as error:
            errors["photos"] = error.detail
    if errors:
        raise FieldErrors(errors)
    return Objection(words, taken)


def read_answer(words: str, errors: dict[str, Any]) -> str:
    """The desk's answer, which the resident reads; ``errors`` are those found so far.

    Raises:
        FieldErrors: It says nothing or too much, or there are others.
    """
    words = words.strip()
    if not 1 <= len(words) <= LONGEST_REASON:
        errors["answer"] = _("Give the reason, in 1 to 1,000 characters. The resident will see it.")
    if errors:
        raise FieldErrors(errors)
    return words


def photo_keys(
    photo: type[Any], of: InstrumentedAttribute[uuid.UUID], key: uuid.UUID
) -> list[uuid.UUID]:
    """The keys of the photographs with an objection, in their order.

    Args:
        photo: Their model.
        of: Its column that refers to the objection.
        key: The objection's.
    """
    return list(db.session.scalars(select(photo.id).where(of == key).order_by(photo.id)))


def photo_content(
    photo: type[Any],
    of: InstrumentedAttribute[uuid.UUID],
    objection: type[Any],
    photo_id: uuid.UUID,
    resident: SignedInResident | None,
) -> bytes:
    """One photograph, for the desk or (with ``resident``) for whoever sent it.

    Raises:
        NotFound: There is none, or it is someone else's.
    """
    query = (
        select(photo.content, objection)  # whole, so that staff who look are noted
        .join(objection, objection.id == of)
        .where(photo.id == photo_id)
    )
    if resident is not None:
        query = query.where(objection.resident_id == resident.id)
    found = db.session.execute(query).one_or_none()
    if found is None:
        raise NotFound
    content: bytes = found[0]
    return content
