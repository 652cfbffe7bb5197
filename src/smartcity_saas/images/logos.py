"""Safe copies of pictures, and what is wrong with those beside documents; nothing is stored."""

from __future__ import annotations

import io
from collections.abc import Iterable
from dataclasses import dataclass

from smartcity_saas.configuration.document_files import LARGEST_PICTURE, DocumentFile
from smartcity_saas.configuration.problems import Problem
from smartcity_saas.errors import Invalid
from smartcity_saas.images.svg import clean_svg
from smartcity_saas.texts import lazy_gettext as _

LARGEST_SIDE = 512
MOST_PIXELS = 12_000_000


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


def picture_problems(files: Iterable[DocumentFile]) -> list[Problem]:
    """Pictures beside the files that cannot be taken."""
    problems = []
    for file in files:
        for data in file.new_pictures:
            try:
                sanitised(data)
            except Invalid as error:
                source = file.candidate.source
                problems.append(source.problem(("branding", "logo"), error.detail))
    return problems


def picture_notes(files: Iterable[DocumentFile]) -> list[str]:
    """What drew in pictures that are new and cannot be kept, a line for each picture."""
    notes = []
    for file in files:
        for name, data in file.pictures.items():
            if data in file.new_pictures and (left_out := sanitised(data).left_out):
                notes.append(f"{name}: left out {', '.join(left_out)}, which cannot be kept")
    return notes


def sanitised(data: bytes) -> Picture:
    """A safe copy of an uploaded picture, checked by its content, never its name.

    Raises:
        Invalid: Too large, no SVG, PNG, WebP or JPEG, or nothing is seen of it.
    """
    if len(data) > LARGEST_PICTURE:
        raise Invalid(_("The picture is larger than 2 MB. Choose a smaller one."))
    if data.lstrip()[:1] == b"<" or data.startswith(b"\xef\xbb\xbf"):
        drawing = clean_svg(data)
        return Picture("image/svg+xml", drawing.content, drawing.left_out)
    return _raster(data)


def _raster(data: bytes) -> Picture:
    from smartcity_saas.images.raster import NoPicture, TooManyPixels, read_raster

    try:
        picture = read_raster(data, most_pixels=MOST_PIXELS, largest_side=LARGEST_SIDE)
    except TooManyPixels:
        raise Invalid(_("The picture has too many pixels. Choose a smaller one.")) from None
    except NoPicture:
        raise Invalid(_("This is not an SVG, PNG, WebP or JPEG. Choose another picture.")) from None
    if not any(picture.getchannel("A").histogram()[1:]):
        raise Invalid(_("The picture is wholly clear. Choose another picture."))
    out = io.BytesIO()
    picture.save(out, "PNG", optimize=True)
    return Picture("image/png", out.getvalue())
