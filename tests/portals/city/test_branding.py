"""A city's colour and logo."""

from __future__ import annotations

import io

from tests.support.routes import home
from tests.support.world import World


def test_branding_with_a_logo(world: World) -> None:
    """A colour nobody can read is refused; a logo is cleaned, stored and shown."""
    staff = world.city_staff()
    page = "/cities/hangzhou/branding"
    refused = staff.post(page, revision="1", color="#7a7a7a")
    assert refused.status_code == 422
    svg = b'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 8 8"><script/><path d="M0 0h8z"/></svg>'
    saved = staff.post(page, revision="1", color="#123456", logo=(io.BytesIO(svg), "x.exe"))
    assert saved.status_code == 302
    city_page = home(world)
    logo = world.app.registry.snapshot.cities["hangzhou"].logo
    assert logo
    assert f"/assets/{logo}" in city_page
    served = world.client("hangzhou.localhost").get(f"/assets/{logo}")
    assert b"script" not in served.data
    assert (
        staff.post(page, revision="2", logo=(io.BytesIO(b"MZ\x90"), "logo.png")).status_code == 422
    )
