"""Pictures that a city owns: checked by content, sanitised, kept in its own rows.

An asset's address is the SHA-256 of the bytes that were uploaded; what is stored and served
is the sanitised copy, made once, so that an address never changes its content.
"""

from __future__ import annotations

import io
import re
from dataclasses import dataclass
from datetime import datetime
from xml.etree import ElementTree

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring
from flask_babel import lazy_gettext as _
from sqlalchemy import UniqueConstraint, select
from sqlalchemy.orm import Mapped, mapped_column

from smartcity_saas.clock import utc_now
from smartcity_saas.configuration.folder import LARGEST_PICTURE, sha256
from smartcity_saas.database import CityModel, command, db
from smartcity_saas.errors import Invalid
from smartcity_saas.tenancy.raster import NoPicture, TooManyPixels, read_raster

LARGEST_SIDE = 512
MOST_PIXELS = 12_000_000
MOST_ELEMENTS = 2_000
DEEPEST = 100
SVG = "http://www.w3.org/2000/svg"

_REFERENCE = re.compile(r"url\(#[\w-]+\)")
_ELEMENTS = frozenset(
    [
        "svg",
        "g",
        "path",
        "circle",
        "ellipse",
        "rect",
        "line",
        "polyline",
        "polygon",
        "title",
        "desc",
        "defs",
        "linearGradient",
        "radialGradient",
        "stop",
        "clipPath",
    ]
)
_ATTRIBUTES = frozenset(
    [
        "viewBox",
        "width",
        "height",
        "d",
        "cx",
        "cy",
        "r",
        "rx",
        "ry",
        "x",
        "y",
        "x1",
        "y1",
        "x2",
        "y2",
        "points",
        "transform",
        "fill",
        "fill-rule",
        "fill-opacity",
        "stroke",
        "stroke-width",
        "stroke-linecap",
        "stroke-linejoin",
        "stroke-opacity",
        "stroke-dasharray",
        "opacity",
        "id",
        "offset",
        "stop-color",
        "stop-opacity",
        "gradientUnits",
        "gradientTransform",
        "clip-path",
        "clip-rule",
        "role",
        "aria-label",
    ]
)


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
    """A sanitised picture."""

    media_type: str
    content: bytes


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
        return _svg(data)
    return _raster(data)


def _svg(data: bytes) -> Picture:
    try:
        root = fromstring(data, forbid_dtd=True)
        if root.tag != f"{{{SVG}}}svg":
            raise ValueError("no SVG")
        if sum(1 for _element in root.iter()) > MOST_ELEMENTS:
            raise Invalid(_("The SVG has more than 2,000 parts. Simplify it."))
        _keep_only_drawing(root)
        ElementTree.register_namespace("", SVG)
        return Picture("image/svg+xml", ElementTree.tostring(root, encoding="utf-8"))
    except (ElementTree.ParseError, DefusedXmlException, ValueError, LookupError, RecursionError):
        raise Invalid(_("The picture is not a valid SVG. Export it again as plain SVG.")) from None


def _keep_only_drawing(element: ElementTree.Element, depth: int = 0) -> None:
    if depth > DEEPEST:
        raise ValueError("nested too deep")
    for name in list(element.attrib):
        value = element.attrib[name].strip().lower()
        refers = "url" in value or "\\" in value or ":" in value
        if name not in _ATTRIBUTES or (refers and not _REFERENCE.fullmatch(value)):
            del element.attrib[name]
    for child in list(element):
        tag = child.tag if isinstance(child.tag, str) else ""
        if not tag.startswith(f"{{{SVG}}}") or tag.removeprefix(f"{{{SVG}}}") not in _ELEMENTS:
            element.remove(child)
        else:
            _keep_only_drawing(child, depth + 1)


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
