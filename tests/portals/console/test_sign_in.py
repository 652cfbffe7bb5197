"""Signing in on the console."""

from __future__ import annotations

from typing import Any

from tests.support.product import other_settings
from tests.support.world import PASSWORD, World


def test_signing_in_is_throttled_and_says_nothing_of_names(world: World) -> None:
    """An unknown name and a wrong password read alike; the sixth try waits, then may again."""
    browser = world.client("console.localhost")
    world.operator()
    unknown = browser.post("/sign-in", username="nobody", password="x")
    wrong = browser.post("/sign-in", username="root", password="x")
    assert unknown.status_code == wrong.status_code == 422
    assert "The username or password is wrong." in wrong.text
    for _attempt in range(4):
        browser.post("/sign-in", username="root", password="x")
    refused = browser.post("/sign-in", username="root", password=PASSWORD)
    assert refused.status_code == 429
    assert int(refused.headers["Retry-After"]) <= 300
    world.clock.move(minutes=6)
    assert browser.post("/sign-in", username="root", password=PASSWORD).status_code == 302


def test_a_session_ends_and_a_disabled_account_is_out_at_once(world: World) -> None:
    """Twelve hours, or the operator's press."""
    operator = world.operator()
    staff = world.city_staff()
    operator.post("/platform/staff/staff-hangzhou/disable", "/platform/staff")
    assert staff.get("/cities/hangzhou").status_code == 302
    world.clock.move(hours=13)
    assert operator.get("/platform").status_code == 302


def test_accounts_of_the_demo_are_listed_in_demo_mode_only(world: World) -> None:
    """``/demo.json`` is on the platform's host, and 404 outside demo mode."""
    found: Any = world.client("localhost").get("/demo.json").json
    assert {"operator", "province_admin", "city_staff"} <= {a["role"] for a in found["staff"]}
    assert {a["city"] for a in found["residents"]} == {"hangzhou", "ningbo", "shanghai"}
    with other_settings(world.app, demo=False):
        assert world.client("localhost").get("/demo.json").status_code == 404
