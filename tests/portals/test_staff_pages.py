"""The console: everyone within their reach."""

from __future__ import annotations

import pytest

from tests.support.documents import HANGZHOU, NINGBO, ZHEJIANG
from tests.support.world import World

FOREIGN = (
    "/cities/shanghai",
    "/cities/shanghai/document",
    "/cities/shanghai/history",
    "/cities/shanghai/history/1",
    "/cities/shanghai/branding",
    "/cities/shanghai/announcements",
    "/cities/shanghai/audit",
    "/cities/shanghai/preview",
    "/cities/shanghai/utility-bills",
    "/cities/shanghai/services/utility-bills/pause",
    "/provinces/shanghai",
    "/provinces/shanghai/onboard",
    "/provinces/shanghai/document",
    "/provinces/shanghai/rollouts",
)


@pytest.mark.parametrize("path", FOREIGN)
def test_beyond_ones_reach_nothing_exists(world: World, path: str) -> None:
    """Another province's city answers exactly as a city that does not exist."""
    admin = world.province_admin("zhejiang")
    nothing = path.replace("shanghai", "atlantis")
    real, imagined = admin.get(path), admin.get(nothing)
    assert real.status_code == imagined.status_code == 404
    assert real.text.replace("shanghai", "atlantis") == imagined.text


POSTS = (
    "/cities/shanghai/services/utility-bills/close",
    "/cities/shanghai/services/utility-bills/open",
    "/cities/shanghai/history/1/undo",
    "/cities/shanghai/history/1/rollback",
    "/cities/shanghai/state",
    "/cities/shanghai/document",
    "/cities/shanghai/branding",
    "/cities/shanghai/announcements",
    "/cities/shanghai/preview-link",
    "/cities/shanghai/utility-bills",
    "/provinces/shanghai/document",
)


@pytest.mark.parametrize("path", POSTS)
def test_nothing_beyond_ones_reach_can_be_changed(world: World, path: str) -> None:
    """Each write answers 404 and changes nothing."""
    staff = world.city_staff("hangzhou")
    answer = staff.post(path, "/cities/hangzhou", revision="1", state="suspended", text=NINGBO)
    assert answer.status_code in (403, 404)
    assert world.documents().live("shanghai").number == 1
    assert world.documents().live("province:shanghai").number == 1


def test_city_staff_do_not_onboard_or_suspend(world: World) -> None:
    """What a role does not hold is refused in words."""
    staff = world.city_staff()
    for path in (
        "/provinces/zhejiang",
        "/provinces/zhejiang/onboard",
        "/platform",
        "/platform/staff",
    ):
        assert staff.get(path).status_code == 403
    answer = staff.post(
        "/cities/hangzhou/state", "/cities/hangzhou", revision="1", state="suspended"
    )
    assert answer.status_code == 403
    assert world.documents().live("hangzhou").number == 1


def test_a_form_cannot_carry_a_city_elsewhere(world: World) -> None:
    """A document that names another city or province is not this city's."""
    staff = world.city_staff()
    for text in (NINGBO, HANGZHOU.replace("zhejiang", "shanghai"), ZHEJIANG):
        answer = staff.post("/cities/hangzhou/document", revision="1", text=text)
        assert answer.status_code in (404, 422)
    assert world.documents().live("ningbo").number == 1


def test_a_role_is_held_whichever_way_the_change_comes(world: World) -> None:
    """City staff do not suspend, resume or claim hosts, by form, text, undo or roll-back."""
    staff, admin = world.city_staff(), world.province_admin()
    page = "/cities/hangzhou/document"
    for text in (
        HANGZHOU.replace("state: live", "state: suspended"),
        HANGZHOU.replace("city.hangzhou.example", "www.gz.example"),
        HANGZHOU.replace('"330100"', '"330101"'),
    ):
        assert staff.post(page, revision="1", text=text).status_code == 403
    admin.post("/cities/hangzhou/state", "/cities/hangzhou", revision="1", state="suspended")
    for act in ("undo", "rollback"):
        number = "2" if act == "undo" else "1"
        path = f"/cities/hangzhou/history/{number}/{act}"
        assert staff.post(path, "/cities/hangzhou/history").status_code == 403
    assert world.documents().live("hangzhou").values["state"] == "suspended"
