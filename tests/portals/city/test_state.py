"""City staff pause and open services."""

from __future__ import annotations

from datetime import timedelta

import pytest

from smartcity_saas.tenancy.registry import CHECK_SECONDS
from smartcity_saas.tenancy.serving_processes import Presence
from tests.support.routes import home
from tests.support.world import World

BILLS = "/cities/hangzhou/services/utility-bills"


def test_one_press_closes_and_one_press_opens(world: World) -> None:
    """The site changes at once, and the history tells who did it."""
    staff = world.city_staff()
    done = staff.post(f"{BILLS}/close", "/cities/hangzhou", revision="1")
    assert done.headers["Location"] == "/cities/hangzhou?done=2"
    assert "Utility bills" not in home(world)
    page = staff.get("/cities/hangzhou?done=2").text
    assert "Saved as revision 2" in page
    assert "Staff-Hangzhou" in page
    staff.post("/cities/hangzhou/history/2/undo", "/cities/hangzhou")
    assert "Utility bills" in home(world)


def test_saved_is_said_when_every_process_serves_it(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The answer to a press that changed something waits for another process, which says nothing,
    until that must look again; what changed nothing is answered at once."""
    staff, waits, registry = world.city_staff(), list[float](), world.app.registry
    Presence(world.clock).say(0)
    begun = registry.monotonic()
    monkeypatch.setattr(registry, "monotonic", lambda: begun + sum(waits))
    registry.sleep = waits.append
    staff.post(f"{BILLS}/pause", revision="1", zh="升级", en="")
    staff.get("/cities/hangzhou")
    assert waits == []
    staff.post(f"{BILLS}/close", "/cities/hangzhou", revision="1")
    assert sum(waits) == pytest.approx(CHECK_SECONDS, abs=0.01)


def test_pausing_asks_for_a_notice_in_both_languages(world: World) -> None:
    """Without it nothing is stored and what was typed is kept; with it the site shows it."""
    staff = world.city_staff()
    page = f"{BILLS}/pause"
    wrong = staff.post(page, revision="1", zh="升级，周五恢复。", en="")
    assert wrong.status_code == 422
    assert "升级，周五恢复。" in wrong.text
    assert world.documents().live("hangzhou").number == 1
    seen = staff.post(page, revision="1", zh="升级，周五恢复。", en="Back on Friday.", preview="1")
    assert "+services:" in seen.text
    assert world.documents().live("hangzhou").number == 1
    staff.post(
        page,
        revision="1",
        zh="升级，周五恢复。",
        en="Back on Friday.",
        until=f"{world.clock() + timedelta(days=3):%Y-%m-%dT18:00}",
        message="ask",
    )
    assert "Back on Friday." in home(world)
    document = world.documents().revision("hangzhou", 2)
    assert document.message == "ask"
    assert document.text.startswith("# The city's own comment.")


def test_staff_are_reminded_and_nothing_reopens_by_itself(world: World) -> None:
    """Once the expected time has passed the console says so; the service stays paused."""
    staff = world.city_staff()
    until = (world.clock() + timedelta(hours=10)).strftime("%Y-%m-%dT%H:%M")  # Asia/Shanghai is +8
    staff.post(f"{BILLS}/pause", revision="1", zh="升级", en="Upgrade", until=until)
    assert "is still paused" not in staff.get("/cities/hangzhou").text
    world.clock.move(hours=3)
    assert "is still paused" in staff.get("/cities/hangzhou").text
    assert "Upgrade" in home(world)


def test_the_second_of_two_is_shown_the_difference(world: World) -> None:
    """A stale press changes nothing, shows what changed since, and can be sent again."""
    staff = world.city_staff()
    world.documents().change("hangzhou", 1, "other", {("branding", "color"): "#123456"})
    for odd in ("99999999999999999999", "-1", "x"):
        assert staff.post(f"{BILLS}/close", "/cities/hangzhou", revision=odd).status_code == 409
    assert staff.get(f"/cities/hangzhou/history/{10**22}").status_code == 404
    conflict = staff.post(f"{BILLS}/close", "/cities/hangzhou", revision="1")
    assert conflict.status_code == 409
    assert "#123456" in conflict.text
    assert 'name="revision" value="2"' in conflict.text
    again = staff.post(f"{BILLS}/close", "/cities/hangzhou", revision="2")
    assert again.status_code == 302
    assert world.documents().live("hangzhou").number == 3
