"""Accounts of staff: signed in, managed, held to their rates, out at once when closed."""

from __future__ import annotations

from typing import Any

import pytest

from smartcity_saas.audit import place_audit_events
from smartcity_saas.errors import Throttled
from smartcity_saas.identity.staff.accounts import (
    WrongPassword,
)
from smartcity_saas.identity.staff.roles import (
    AUDITOR,
    CATALOG_EDITOR,
    OPERATOR,
)
from smartcity_saas.identity.staff.sessions import (
    MOST_TRIES_FROM_ADDRESS,
    MOST_TRIES_OF_ACCOUNT,
    sign_in,
)
from tests.support.staff import (
    STRONG,
    code_at,
    enter,
    make,
    set_up,
)
from tests.support.world import World


def test_a_code_that_was_not_typed_is_no_try(world: World) -> None:
    """Promise: whoever sends an empty field is asked for the code, however often, and it counts as
    no wrong one; where a factor is set up as where one comes in."""
    make(world, "wu.min", OPERATOR)
    browser, _answer = enter(world, "wu.min")
    assert "Enter the 6 digits shown in the app" in browser.post("/sign-in/set-up").text
    secret, _codes = set_up(world, browser)
    second, _answer = enter(world, "wu.min")
    for typed in ("", "  ") * 8:
        answer = second.post("/sign-in/second", code=typed)
        assert answer.status_code == 422
        assert "Enter the 6 digits from the app, or a recovery code" in answer.text
    world.clock.move(minutes=2)
    assert second.post("/sign-in/second", code=code_at(world, secret)).status_code == 302


def test_nobody_is_locked_out_by_others(world: World) -> None:
    """Guessing at a name from a hundred addresses stops new browsers; the one that has signed in
    before goes on."""
    make(world, "wu.min", CATALOG_EDITOR, city="hangzhou")
    browser, _answer = enter(world, "wu.min")
    browser.post("/sign-out", "/account")
    for number in range(MOST_TRIES_OF_ACCOUNT - 1):  # the one that came in counts
        with pytest.raises(WrongPassword):
            sign_in("wu.min", "wrong", f"198.51.100.{number}", world.clock())
    with pytest.raises(Throttled):
        sign_in("wu.min", STRONG, "203.0.113.9", world.clock())
    assert browser.post("/sign-in", username="wu.min", password=STRONG).status_code == 302


def test_a_colleague_behind_the_same_address_shuts_nobody_out(world: World) -> None:
    """One machine in the office guesses at a name, then at thirty: the browsers that others have
    come in by before go on, a new one waits."""
    make(world, "wu.min", CATALOG_EDITOR, city="hangzhou")
    known, _answer = enter(world, "wu.min")
    known.post("/sign-out", "/account")
    stranger = world.client("console.localhost")
    for name in ["wu.min"] * 6 + [f"name{number}" for number in range(MOST_TRIES_FROM_ADDRESS)]:
        stranger.post("/sign-in", username=name, password="wrong")
    assert enter(world, "wu.min")[1].status_code == 429
    assert known.post("/sign-in", username="wu.min", password=STRONG).status_code == 302


def test_the_log_says_who_managed_whom(world: World) -> None:
    """Inviting, changing roles and closing stand in it."""
    admin = world.city_staff("hangzhou")
    make(world, "wu.min", AUDITOR, city="hangzhou")
    admin.post("/cities/hangzhou/staff/wu.min/disable", "/cities/hangzhou/staff")
    assert "staff.disable" in [e.action for e in place_audit_events("hangzhou", 10)]


# One table of who may do what, walked.


@pytest.mark.parametrize("page", ["/account", "/account/prove", "/account/factors"])
def test_one_s_own_account_leads_back_to_work(world: World, page: str) -> None:
    """The navigation stays that of the place where the roles are held."""
    for browser, way in (
        (world.city_staff("hangzhou"), "/cities/hangzhou/document"),
        (world.province_admin(), "/provinces/zhejiang/document"),
        (world.operator(), "/platform/document"),
    ):
        assert f'href="{way}"' in browser.get(page).text


def test_strangers_guess_a_hundred_times_a_day(world: World) -> None:
    """From many addresses, window after window: then no more until the next day, though the right
    one were among them; a browser that the owner has come in by stays free, and another account
    is not touched."""
    make(world, "wu.min", OPERATOR)
    make(world, "li.lei", OPERATOR)

    def guess(n: int, password: str = "wrong", name: str = "wu.min", **how: Any) -> str:
        address = f"198.51.{n // 200}.{n % 200 + 1}"
        return sign_in(name, password, address, world.clock(), **how)

    for n in range(100):
        with pytest.raises(WrongPassword):
            guess(n)
        world.clock.move(minutes=6 if n % 20 == 19 else 0)
    with pytest.raises(Throttled) as refused:
        guess(100, STRONG)
    assert refused.value.retry_after > 20 * 3600
    assert "hours" in str(refused.value.detail)
    assert guess(101, STRONG, known_device="mark")
    assert guess(102, STRONG, name="li.lei")
    world.clock.move(hours=24)
    assert guess(103, STRONG)


def test_the_owner_s_own_sign_ins_use_up_nothing(world: World) -> None:
    """Right passwords of new browsers are not counted within the day."""
    make(world, "wu.min", OPERATOR)
    for n in range(110):
        sign_in("wu.min", STRONG, "198.51.100.7", world.clock())
        world.clock.move(minutes=6 if n % 20 == 19 else 0)
