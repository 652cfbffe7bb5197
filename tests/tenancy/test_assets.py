"""Pictures: judged by content, sanitised, kept in the city's own rows, served for ever."""

from __future__ import annotations

import io

import pytest
from PIL import Image

from smartcity_saas.errors import Invalid
from smartcity_saas.images.logos import sanitised
from smartcity_saas.tenancy.assets import store_asset
from tests.support.world import World

SVG = '<svg xmlns="http://www.w3.org/2000/svg" {}viewBox="0 0 8 8">{}<path d="M0 0h8v8z"/></svg>'

ACTIVE = {
    "script": SVG.format("", "<script>alert(1)</script>"),
    "handler": SVG.format('onload="alert(1)" ', ""),
    "foreign object": SVG.format(
        "", '<foreignObject><b xmlns="http://www.w3.org/1999/xhtml"/></foreignObject>'
    ),
    "link": SVG.format("", '<a href="javascript:alert(1)"><path d="M0 0"/></a>'),
    "xlink": SVG.format(
        'xmlns:xlink="http://www.w3.org/1999/xlink" ', '<use xlink:href="http://evil.example/x"/>'
    ),
    "image": SVG.format("", '<image href="http://evil.example/x.png"/>'),
    "style": SVG.format("", "<style>@import 'http://evil.example/x.css';</style>"),
    "style attribute": SVG.format('style="background:url(http://evil.example)" ', ""),
    "outside url": SVG.format("", '<path fill="url(http://evil.example/#x)" d="M0 0"/>'),
    "escaped url": SVG.format("", '<path fill="\\75rl(http://evil.example)" d="M0 0"/>'),
    "two urls": SVG.format("", '<path fill="url(#a) url(http://evil.example)" d="M0 0"/>'),
    "animation": SVG.format("", '<set attributeName="href" to="javascript:alert(1)"/>'),
}


@pytest.mark.parametrize("name", ACTIVE)
def test_nothing_active_survives(name: str) -> None:
    """Scripts, handlers, styles and references leave; the drawing stays."""
    content = sanitised(ACTIVE[name].encode()).content.decode()
    assert "path" in content
    for word in ("alert", "evil", "script", "onload", "style", "href", "foreign"):
        assert word not in content


@pytest.mark.parametrize(
    "data",
    [
        b"<html><body>hi</body></html>",
        b'<!DOCTYPE svg [<!ENTITY a "aaaa">]><svg xmlns="http://www.w3.org/2000/svg">&a;</svg>',
        b"GIF89a....",
        b"%PDF-1.7",
        b"\x89PNG\r\n\x1a\n broken",
        b"",
        b"<svg",
        b'<?xml version="1.0" encoding="foo"?><svg xmlns="http://www.w3.org/2000/svg"/>',
        SVG.format("", "<g>" * 1500 + "</g>" * 1500).encode(),
        b"x" * (3 * 1024 * 1024),
    ],
)
def test_what_is_no_picture_is_refused(data: bytes) -> None:
    """A disguised, broken or oversized file is refused by its content."""
    with pytest.raises(Invalid):
        sanitised(data)


def test_a_photo_is_made_small_and_clean() -> None:
    """A large picture is re-encoded to at most 512 pixels, without its metadata."""
    out = io.BytesIO()
    image = Image.new("RGB", (2000, 1000), "red")
    exif = image.getexif()
    exif[0x010E] = "where I live"
    image.save(out, "JPEG", exif=exif)
    picture = sanitised(out.getvalue())
    assert picture.media_type == "image/png"
    assert b"where I live" not in picture.content
    assert Image.open(io.BytesIO(picture.content)).size == (512, 256)


def test_a_citys_picture_is_its_own(world: World) -> None:
    """Served for ever on its own host; on another city's it does not exist."""
    with world.inside("hangzhou"):
        address = store_asset(SVG.format("", "").encode(), world.clock())
    answer = world.client("hangzhou.localhost").get(f"/assets/{address}")
    assert answer.status_code == 200
    assert "immutable" in answer.headers["Cache-Control"]
    assert "sandbox" in answer.headers["Content-Security-Policy"]
    assert world.client("shanghai.localhost").get(f"/assets/{address}").status_code == 404
    assert world.client("hangzhou.localhost").get("/assets/../secret").status_code == 404
