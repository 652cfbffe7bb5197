"""Pictures that a city owns: checked by content, sanitised, kept in its own rows.

An asset's address is the SHA-256 of the bytes that were uploaded; what is stored and served
is the sanitised copy, made once, so that an address never changes its content.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import UniqueConstraint, select
from sqlalchemy.orm import Mapped, mapped_column

from smartcity_saas.configuration.document_files import sha256
from smartcity_saas.database import CityModel, db, transaction
from smartcity_saas.images.logos import sanitised
from smartcity_saas.tenancy.storage import StoredFile, require_room
from smartcity_saas.texts import lazy_gettext as _


class Asset(StoredFile, CityModel):
    """One picture of a city."""

    __tablename__ = "asset"
    __table_args__ = (UniqueConstraint("city_id", "sha256"),)

    sha256: Mapped[str]
    media_type: Mapped[str]
    content: Mapped[bytes] = mapped_column()
    created_at: Mapped[datetime]


def store_asset(data: bytes, now: datetime) -> str:
    """Keep a picture in the current city; returns its address, a SHA-256.

    Raises:
        Invalid: It is no picture that we take, or the city's storage has no room for it.
    """
    address = sha256(data)
    picture = sanitised(data)
    with transaction() as session:
        if find_asset(address) is None:
            require_room(
                len(picture.content),
                _("Ask for more: quotas.storage_megabytes in the city's configuration."),
                from_reserve=True,
            )
            session.add(
                Asset(
                    sha256=address,
                    media_type=picture.media_type,
                    content=picture.content,
                    created_at=now,
                )
            )
    return address


def find_asset(address: str) -> Asset | None:
    """A picture of the current city, by its address."""
    return db.session.scalars(select(Asset).where(Asset.sha256 == address)).one_or_none()


def names_left_out(query: Mapping[str, str]) -> str:
    """The names in a page's query that say what was left out of a picture, to be shown."""
    names = query.get("left_out", "").split(",")
    return ", ".join(name for name in names if re.fullmatch(r"[@a-zA-Z-]{1,24}", name))
