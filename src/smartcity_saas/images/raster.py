"""The one decoder of pictures made of pixels: upright, eight bits a channel, alpha kept."""

from __future__ import annotations

import io
from threading import Lock
from typing import TYPE_CHECKING

from smartcity_saas.lazy_imports import LazyLibrary

if TYPE_CHECKING:
    from PIL import Image, ImageChops, ImageOps
else:  # 3 MB, for whoever sends a picture
    Image = LazyLibrary("PIL.Image")
    ImageChops = LazyLibrary("PIL.ImageChops")
    ImageOps = LazyLibrary("PIL.ImageOps")

FORMATS = ("PNG", "WEBP", "JPEG")
PNG_DEPTH = 24
"""Where a PNG says how many bits a channel has (in IHDR); nothing that the
other formats have there makes a difference."""
FEW_PIXELS = 4_000_000
"""A phone's screen, whatever it shows: that many may come in a file of any size."""
PIXELS_A_BYTE = 100
"""Beyond that, how many one byte of a file may stand for. PNG and WebP are decoded whole, so that one
colour in a thousand bytes could ask for the memory of all the pixels it claims; JPEG is decoded at the size
that is wanted."""
MOST_SCANS = 100
"""Of a JPEG: libjpeg goes over the whole picture for each, and a progressive photograph has about ten."""
_SHRUNK_FIRST = ("L", "RGB", "RGBA", "CMYK")
"""Modes whose pixels can be averaged as they stand: what follows takes the memory of the small picture."""
_START_OF_SCAN = b"\xff\xda"
_one_at_a_time = Lock()
"""Decoding takes memory: a process does one picture at a time."""


class NoPicture(Exception):
    """The bytes are no PNG, WebP or JPEG."""


class TooManyPixels(Exception):
    """The picture would take too much memory."""


def read_raster(data: bytes, *, most_pixels: int, largest_side: int) -> Image.Image:
    """A picture as people see it, without what else was in the file.

    Returns:
        RGBA, turned as its EXIF says, each side at most ``largest_side`` pixels.

    Raises:
        NoPicture: It cannot be decoded, whatever its name says.
        TooManyPixels: It has more than ``most_pixels``, or than so small a file may have.
    """
    try:
        with Image.open(io.BytesIO(data), formats=FORMATS) as image:
            _check_header(image, data, most_pixels)
            with _one_at_a_time:
                image.draft("RGB", (largest_side, largest_side))
                if data[PNG_DEPTH] == 16:
                    _fold_clear_color(image)
                if image.mode in _SHRUNK_FIRST and "transparency" not in image.info:
                    image.thumbnail((largest_side, largest_side))
                upright = _with_alpha(ImageOps.exif_transpose(image))
                upright.thumbnail((largest_side, largest_side))
                return upright
    except (NoPicture, TooManyPixels):
        raise
    except Exception as error:  # a crafted file fails in whatever way it was crafted to
        raise NoPicture from error


def on_white(picture: Image.Image) -> Image.Image:
    """An RGBA picture laid on white by its alpha: what was clear is white."""
    ground = Image.new("RGBA", picture.size, "white")
    return Image.alpha_composite(ground, picture).convert("RGB")


def _check_header(image: Image.Image, data: bytes, most_pixels: int) -> None:
    """Refuse by its header, before a pixel is decoded, what would take more than a photograph does."""
    pixels = image.width * image.height
    is_jpeg = image.format == "JPEG"
    if pixels > most_pixels:
        raise TooManyPixels
    if not is_jpeg and pixels > max(FEW_PIXELS, PIXELS_A_BYTE * len(data)):
        raise TooManyPixels
    if is_jpeg and data.count(_START_OF_SCAN) > MOST_SCANS:
        raise NoPicture


def _with_alpha(image: Image.Image) -> Image.Image:
    """RGBA of any mode: 16 bits are divided, not cut at 255 (python-pillow/Pillow#3011)."""
    if not image.mode.startswith("I"):
        return image.convert("RGBA")
    pixels = image.convert("I;16").tobytes()
    low, high = (Image.frombytes("L", image.size, pixels[byte::2]) for byte in (0, 1))
    made = high.convert("RGBA")
    clear = image.info.get("transparency")
    if isinstance(clear, int):
        is_clear = ImageChops.multiply(_where(low, clear % 256), _where(high, clear // 256))
        made.putalpha(ImageChops.invert(is_clear))
    return made


def _fold_clear_color(image: Image.Image) -> None:
    """The clear colour of 16 bits a channel as Pillow reads the pixels: by its upper byte."""
    clear = image.info.get("transparency")
    if isinstance(clear, tuple):
        image.info["transparency"] = tuple(channel // 256 for channel in clear)


def _where(image: Image.Image, value: int) -> Image.Image:
    """255 where an eight-bit picture has a value, else 0."""
    return image.point([255 * (one == value) for one in range(256)])
