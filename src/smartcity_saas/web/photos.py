"""Photographs from people: judged by their content, made anew, without what hid in the file."""

from __future__ import annotations

import io
from threading import Lock

from flask_babel import lazy_gettext as _
from PIL import Image, ImageOps

from smartcity_saas.errors import Invalid

LARGEST_BYTES = 6 * 1024 * 1024
MOST_PIXELS = 24_000_000
LARGEST_SIDE = 1600
_one_at_a_time = Lock()
"""Decoding takes memory: a process does one picture at a time."""


def retaken(data: bytes) -> bytes:
    """A photograph as a fresh JPEG of at most 1,600 pixels a side, turned upright, without
    EXIF (where it was taken, with what).

    Raises:
        Invalid: It is too large, or no JPEG, PNG or WebP whatever its name says.
    """
    if len(data) > LARGEST_BYTES:
        raise Invalid(_("A photo is larger than 6 MB. Choose a smaller one."))
    try:
        with _one_at_a_time, Image.open(io.BytesIO(data), formats=("JPEG", "PNG", "WEBP")) as image:
            if image.width * image.height > MOST_PIXELS:
                raise Invalid(_("A photo has too many pixels. Choose a smaller one."))
            image.draft("RGB", (LARGEST_SIDE, LARGEST_SIDE))
            upright = ImageOps.exif_transpose(image)
            upright.thumbnail((LARGEST_SIDE, LARGEST_SIDE))
            fresh = Image.new("RGB", upright.size, "white")
            fresh.paste(upright.convert("RGB"))
    except Invalid:
        raise
    except Exception:  # a crafted file fails in whatever way it was crafted to
        raise Invalid(
            _("One of the files is no photo (JPEG, PNG or WebP). Choose another.")
        ) from None
    out = io.BytesIO()
    fresh.save(out, "JPEG", quality=82)
    return out.getvalue()
