"""What is looked at before any view is asked."""

from __future__ import annotations

import pytest

from tests.support.browser import fresh
from tests.support.world import World


@pytest.mark.parametrize("path", ["/cities/a%00b/staff", "/cities/hangzhou/secrets/a%00b/probe"])
def test_a_nul_is_no_fault(world: World, path: str) -> None:
    """In a path, a form, or a client's id: refused, on both databases."""
    staff = world.city_staff("hangzhou")
    assert staff.post(path, "/account").status_code in (400, 403, 404, 405)
    token = fresh(
        world.app.test_client().post,
        "/oauth/token",
        base_url="http://hangzhou.localhost",
        data={"grant_type": "client_credentials", "client_id": "a\0b", "client_secret": "x"},
    )
    assert token.status_code in (400, 401)


def test_a_write_without_its_token_is_refused(world: World) -> None:
    """CSRF: no token, another city's token, or a stale one writes nothing."""
    browser = world.resident()
    other = world.client("shanghai.localhost").token("/sign-in")
    for token in ("", other):
        answer = browser.client.post(
            "/sign-out", base_url="http://hangzhou.localhost", data={"csrf_token": token}
        )
        assert answer.status_code == 400
    assert browser.get("/me").status_code == 200
