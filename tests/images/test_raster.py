"""Photographs and logos look as their makers saw them, whatever mode the file has."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable
from typing import Any

import pytest
from PIL import Image, ImageFile, WebPImagePlugin

from smartcity_saas.errors import Invalid
from smartcity_saas.images.logos import sanitised
from smartcity_saas.images.photos import retaken

SIZE = (60, 30)


def photo(data: bytes) -> Image.Image:
    """What is kept of a resident's photograph."""
    return Image.open(io.BytesIO(retaken(data))).convert("RGB")


def logo(data: bytes) -> Image.Image:
    """What is kept of a city's logo, on the white of its page."""
    picture = Image.open(io.BytesIO(sanitised(data).content)).convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", picture.size, "white"), picture).convert("RGB")


both = pytest.mark.parametrize("kept", [photo, logo])


def file(image: Image.Image, kind: str = "PNG", **more: Any) -> bytes:
    """A picture as a file."""
    out = io.BytesIO()
    image.save(out, kind, **more)
    return out.getvalue()


def near(pixel: Any, wanted: int) -> bool:
    """A grey, give or take what JPEG changes."""
    return all(abs(channel - wanted) < 6 for channel in pixel)


def half_black(mode: str, clear: Any, black: Any) -> Image.Image:
    """Clear on the left, black on the right."""
    image = Image.new(mode, SIZE, clear)
    image.paste(black, (30, 0, 60, 30))
    return image


def palette() -> Image.Image:
    """Two black entries, of which the first is clear."""
    image = half_black("P", 0, 1)
    image.putpalette([0, 0, 0, 0, 0, 0])
    return image


WEBP: dict[str, Any] = {"kind": "WEBP", "lossless": True, "exact": True}
CLEAR: dict[str, Callable[[], bytes]] = {
    "RGBA": lambda: file(half_black("RGBA", (0, 0, 0, 0), (0, 0, 0, 255))),
    "LA": lambda: file(half_black("LA", (0, 0), (0, 255))),
    "WebP": lambda: file(half_black("RGBA", (0, 0, 0, 0), (0, 0, 0, 255)), **WEBP),
    "palette": lambda: file(palette(), transparency=0),
    "palette with alphas": lambda: file(palette(), transparency=bytes([0, 255])),
    "grey with one clear value": lambda: file(half_black("L", 9, 0), transparency=9),
    "RGB with one clear value": lambda: file(
        half_black("RGB", (9, 9, 9), (0, 0, 0)), transparency=(9, 9, 9)
    ),
    "bits": lambda: file(half_black("1", 1, 0), transparency=1),
    "16 bits with one clear value": lambda: file(half_black("I;16", 7, 0), transparency=7),
}


@both
@pytest.mark.parametrize("mode", CLEAR)
def test_what_is_clear_is_laid_on_white(mode: str, kept: Callable[[bytes], Image.Image]) -> None:
    """A drawing on a clear ground never becomes one black area, in any mode that has alpha."""
    picture = kept(CLEAR[mode]())
    assert near(picture.getpixel((8, 15)), 255)
    assert near(picture.getpixel((52, 15)), 0)


@both
def test_half_clear_is_half_white(kept: Callable[[bytes], Image.Image]) -> None:
    """Alpha is a mask, not a switch."""
    picture = kept(file(Image.new("RGBA", SIZE, (0, 0, 0, 128))))
    assert near(picture.getpixel((30, 15)), 127)


@both
@pytest.mark.parametrize("grey", [0, 1, 255, 256, 12_800, 32_768, 65_280, 65_535])
def test_sixteen_bits_are_divided(grey: int, kept: Callable[[bytes], Image.Image]) -> None:
    """Grey of 16 bits keeps its shade instead of being cut at 255."""
    picture = kept(file(Image.new("I;16", SIZE, grey)))
    assert near(picture.getpixel((30, 15)), grey // 256)


@both
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("turn", range(1, 9))
def test_pictures_stand_upright(kind: str, turn: int, kept: Callable[[bytes], Image.Image]) -> None:
    """The turn that EXIF names is carried out, for every one of the eight."""
    image = Image.new("RGB", (64, 32), "white")
    image.paste("black", (0, 0, 32, 16))  # the file's upper left quarter
    exif = image.getexif()
    exif[0x0112] = turn
    picture = kept(file(image, kind, exif=exif))
    assert picture.size == ((64, 32) if turn < 5 else (32, 64))
    width, height = picture.size
    corners = [(x, y) for y in (4, height - 5) for x in (4, width - 5)]
    # Which corner the upper left quarter goes to: 0 and 1 above, 2 and 3 below.
    goes_to = {1: 0, 2: 1, 3: 3, 4: 2, 5: 0, 6: 1, 7: 3, 8: 2}[turn]
    assert [near(picture.getpixel(at), 0) for at in corners] == [at == goes_to for at in range(4)]


@both
@pytest.mark.parametrize("mode", ["L", "RGB", "CMYK"])
def test_plain_pictures_stay_as_they_are(mode: str, kept: Callable[[bytes], Image.Image]) -> None:
    """Grey, colour and print colours come through."""
    white = {"L": 255, "RGB": (255, 255, 255), "CMYK": (0, 0, 0, 0)}[mode]
    black = {"L": 0, "RGB": (0, 0, 0), "CMYK": (0, 0, 0, 255)}[mode]
    picture = kept(file(half_black(mode, white, black), "JPEG", quality=95))
    assert near(picture.getpixel((8, 15)), 255)
    assert near(picture.getpixel((52, 15)), 0)


@both
def test_a_bomb_is_refused_before_it_is_decoded(kept: Callable[[bytes], Image.Image]) -> None:
    """The size that the header names is judged first."""
    with pytest.raises(Invalid):
        kept(file(Image.new("1", (6_000, 6_000))))


@pytest.fixture
def nothing_decoded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever decodes a pixel fails the test."""

    def decoded(image: Any) -> None:
        pytest.fail("a pixel was decoded")

    monkeypatch.setattr(ImageFile.ImageFile, "load", decoded)
    monkeypatch.setattr(WebPImagePlugin.WebPImageFile, "load", decoded)


@both
@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
@pytest.mark.usefixtures("nothing_decoded")
def test_a_small_file_is_not_a_large_picture(
    kind: str, kept: Callable[[bytes], Image.Image]
) -> None:
    """Of a format that is decoded whole, the memory is bounded by the bytes that were sent, whatever
    size the header claims."""
    more = {"lossless": True} if kind == "WEBP" else {}
    data = file(Image.new("L" if kind == "PNG" else "RGB", (3_000, 1_400)), kind, **more)
    assert len(data) < 42_000
    with pytest.raises(Invalid, match=r"像素|pixels"):
        kept(data)


def test_a_screen_of_one_colour_is_a_picture() -> None:
    """What a phone shows comes through, however well it was packed."""
    photo(file(Image.new("RGB", (1_440, 2_560)), "WEBP", lossless=True))


@both
@pytest.mark.usefixtures("nothing_decoded")
def test_a_jpeg_has_no_more_scans_than_a_photograph(kept: Callable[[bytes], Image.Image]) -> None:
    """A progressive JPEG whose scans come again and again is refused before it is decoded."""
    data = file(Image.new("RGB", SIZE), "JPEG", progressive=True)
    head, last = data[:-2].rsplit(b"\xff\xda", 1)
    with pytest.raises(Invalid):
        kept(head + 150 * (b"\xff\xda" + last) + data[-2:])


def deep_png(colour: int, clear: bytes, pixels: bytes) -> bytes:
    """A PNG of 16 bits a channel, two pixels wide, with one clear value."""
    header = struct.pack(">IIBBBBB", 2, 1, 16, colour, 0, 0, 0)
    chunks = [(b"IHDR", header), (b"tRNS", clear), (b"IDAT", zlib.compress(b"\0" + pixels))]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        for kind, body in [*chunks, (b"IEND", b"")]
    )


@both
@pytest.mark.parametrize("value", [b"\x00\x09", b"\x12\x34", b"\xff\xff"])
def test_sixteen_bits_of_colour_may_have_a_clear_value(
    value: bytes, kept: Callable[[bytes], Image.Image]
) -> None:
    """Grey and colour of 16 bits with a clear value are read; what is clear is white."""
    other = b"\x40\x00"
    for data in (
        deep_png(0, value, value + other),
        deep_png(2, value * 3, value * 3 + other * 3),
    ):
        picture = kept(data)
        assert picture.getpixel((0, 0))[0] > 200
        assert picture.getpixel((1, 0))[0] < 160


@pytest.mark.parametrize("mode", ["RGBA", "LA"])
def test_a_logo_of_which_nothing_is_seen_is_refused(mode: str) -> None:
    """As an empty SVG is; the least that shows is taken."""
    clear = Image.new(mode, SIZE, (0,) * len(mode))
    with pytest.raises(Invalid, match="wholly clear"):
        sanitised(file(clear))
    clear.putpixel((0, 0), (0,) * (len(mode) - 1) + (255,))
    assert sanitised(file(clear)).content
