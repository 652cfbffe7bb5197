"""Pictures that a city owns: checked by content, sanitised, kept in its own rows.

An asset's address is the SHA-256 of the bytes that were uploaded; what is stored and served
is the sanitised copy, made once, so that an address never changes its content.
"""

from __future__ import annotations

import io
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from flask_babel import lazy_gettext as _
from sqlalchemy import UniqueConstraint, select
from sqlalchemy.orm import Mapped, mapped_column

from smartcity_saas.clock import utc_now
from smartcity_saas.configuration.folder import LARGEST_PICTURE, sha256
from smartcity_saas.database import CityModel, command, db
from smartcity_saas.errors import Invalid
from smartcity_saas.tenancy.raster import NoPicture, TooManyPixels, read_raster
from smartcity_saas.tenancy.svg import clean_svg

LARGEST_SIDE = 512
MOST_PIXELS = 12_000_000


class Asset(CityModel):
    """One picture of a city."""

    __tablename__ = "asset"
    __table_args__ = (UniqueConstraint("city_id", "sha256"),)

    sha256: Mapped[str]
    media_type: Mapped[str]
    content: Mapped[bytes] = mapped_column()
    created_at: Mapped[datetime]


@dataclass(frozen=True)
class Picture:
    """A sanitised picture, and the names of what drew in it and had to be left out."""

    media_type: str
    content: bytes
    left_out: tuple[str, ...] = ()

    @property
    def ending(self) -> str:
        """How its file is called in a document: ``svg`` or ``png``."""
        return "svg" if self.media_type == "image/svg+xml" else "png"


def store_asset(data: bytes) -> str:
    """Keep a picture in the city that we are in; returns its address, a SHA-256.

    Raises:
        Invalid: It is no picture that we take.
    """
    address = sha256(data)
    picture = sanitised(data)
    with command() as session:
        if find_asset(address) is None:
            session.add(
                Asset(
                    sha256=address,
                    media_type=picture.media_type,
                    content=picture.content,
                    created_at=utc_now(),
                )
            )
    return address


def find_asset(address: str) -> Asset | None:
    """A picture of the city that we are in, by its address."""
    return db.session.scalars(select(Asset).where(Asset.sha256 == address)).one_or_none()


def sanitised(data: bytes) -> Picture:
    """A safe copy of an uploaded picture, judged by its content, never its name.

    Raises:
        Invalid: Too large, or no SVG, PNG, WebP or JPEG.
    """
    if len(data) > LARGEST_PICTURE:
        raise Invalid(_("The picture is larger than 2 MB. Save a smaller one."))
    if data.lstrip()[:1] == b"<" or data.startswith(b"\xef\xbb\xbf"):
        drawing = clean_svg(data)
        return Picture("image/svg+xml", drawing.content, drawing.left_out)
    return _raster(data)


def names_left_out(query: Mapping[str, str]) -> str:
    """The names in a page's query that say what was left out of a picture, to be shown."""
    names = query.get("left_out", "").split(",")
    return ", ".join(name for name in names if re.fullmatch(r"[@a-zA-Z-]{1,24}", name))


def _raster(data: bytes) -> Picture:
    try:
        picture = read_raster(data, most_pixels=MOST_PIXELS, largest_side=LARGEST_SIDE)
    except TooManyPixels:
        raise Invalid(_("The picture has too many pixels. Save a smaller one.")) from None
    except NoPicture:
        raise Invalid(_("This is no SVG, PNG, WebP or JPEG. Choose another picture.")) from None
    out = io.BytesIO()
    picture.save(out, "PNG", optimize=True)
    return Picture("image/png", out.getvalue())
