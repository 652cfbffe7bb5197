"""A city's announcements."""

from __future__ import annotations

from tests.support.routes import home
from tests.support.world import World


def test_announcements_reach_the_site_and_leave_it(world: World) -> None:
    """Written in both languages, shown at once, withdrawn and put back with one press."""
    staff = world.city_staff()
    page = "/cities/hangzhou/announcements"
    texts = {
        f"{part}_{language}": f"{part} {language}"
        for part in ("title", "body", "source")
        for language in ("zh", "en")
    }
    assert staff.post(page, **{**texts, "body_en": ""}).status_code == 422
    assert staff.post(page, **texts, urgent="1").status_code == 302
    assert "title en" in home(world)
    listing = staff.get(page).text
    notice = listing.split("/announcements/")[1].split("/")[0]
    staff.post(f"{page}/{notice}/withdraw", page)
    assert "title en" not in home(world)
    assert world.client("hangzhou.localhost").get(f"/announcements/{notice}").status_code == 404
    staff.post(f"{page}/{notice}/restore", page)
    assert world.client("hangzhou.localhost").get(f"/announcements/{notice}").status_code == 200
    assert world.client("shanghai.localhost").get(f"/announcements/{notice}").status_code == 404
    page = staff.get("/cities/hangzhou/audit").text
    assert "announcement.withdraw" in page
