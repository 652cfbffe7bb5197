"""Photographs from people: checked by their content, made anew, without what hid in the file."""

from __future__ import annotations

import io

from flask import Response, request
from flask_babel import lazy_gettext as _

from smartcity_saas.errors import Invalid
from smartcity_saas.images.raster import NoPicture, TooManyPixels, on_white, read_raster

LARGEST_BYTES = 6 * 1024 * 1024
MOST_PIXELS = 24_000_000
LARGEST_SIDE = 1600


def retaken(data: bytes) -> bytes:
    """A photograph as a fresh JPEG of at most 1,600 pixels a side, turned upright, on
    white where it is clear, without EXIF (where it was taken, with what).

    Raises:
        Invalid: It is too large, or no JPEG, PNG or WebP whatever its name says.
    """
    if len(data) > LARGEST_BYTES:
        raise Invalid(_("A photo is larger than 6 MB. Choose a smaller one."))
    try:
        picture = read_raster(data, most_pixels=MOST_PIXELS, largest_side=LARGEST_SIDE)
    except TooManyPixels:
        raise Invalid(_("A photo has too many pixels. Choose a smaller one.")) from None
    except NoPicture:
        raise Invalid(
            _("One of the files is not a photo (JPEG, PNG or WebP). Choose another.")
        ) from None
    out = io.BytesIO()
    on_white(picture).save(out, "JPEG", quality=82)
    return out.getvalue()


def sent_photos() -> list[bytes]:
    """The files in the field ``photos`` of the present form; one that was left blank holds none."""
    return [data for one in request.files.getlist("photos") if (data := one.read())]


def photo_response(data: bytes) -> Response:
    """A photograph as what it is and nothing else."""
    policy = {"Content-Security-Policy": "default-src 'none'; sandbox"}
    return Response(data, mimetype="image/jpeg", headers=policy)
