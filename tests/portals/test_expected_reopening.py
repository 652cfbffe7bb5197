"""When a paused service is to be back: never in the past when it is written, late once it is over."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from smartcity_saas.clock import local_time
from smartcity_saas.errors import Invalid
from tests.support.world import World

BILLS = "/cities/hangzhou/services/utility-bills"
PAST = "2026-01-02T08:00"


def test_a_return_in_the_past_is_refused(world: World) -> None:
    """By the form, at its field, and by the document's page, at its line; nothing typed is lost. A
    time of today that is over by the city's clocks counts as past."""
    staff = world.city_staff()
    over = local_time(world.clock(), "Asia/Shanghai") - timedelta(minutes=1)
    for until in (PAST, f"{over:%Y-%m-%dT%H:%M}"):
        done = staff.post(f"{BILLS}/pause", revision="1", zh="升级", en="Upgrade", until=until)
        assert done.status_code == 422
        assert f"{until.replace('T', ' ')} is in the past." in done.text
        assert f'value="{until}"' in done.text
    live = world.documents().live_revision("hangzhou").text
    pause = "services:\n  utility_bills: {state: paused, notice: {zh: 升级, en: Upgrade}"
    text = f'{live}{pause}, until: "{PAST}"}}\n'
    page = "/cities/hangzhou/document"
    done = staff.post(page, text=text, revision="1")
    assert done.status_code == 422
    assert f"“{PAST}” is in the past." in done.text
    with pytest.raises(Invalid):
        world.save(text)
    world.save(text, origin="file")
    world.save(text.replace("升级", "抢修"))


def test_a_return_that_has_passed_is_shown_as_late(world: World) -> None:
    """To residents in both languages, in the list of the catalog, and never as what is to come."""
    live = world.documents().live_revision("hangzhou").text
    pause = "services:\n  utility_bills: {state: paused, notice: {zh: 升级, en: Upgrade}"
    world.save(f'{live}{pause}, until: "2099-01-02T08:00"}}\n')
    pages = [("en", "Expected back", "taking longer than planned"), ("zh", "预计", "比原定晚了")]
    for language, coming, _late in pages:
        assert coming in world.client("hangzhou.localhost", language).get("/").text
    world.clock.now = datetime(2099, 1, 2, 0, 1, tzinfo=UTC)
    for language, coming, late in pages:
        text = world.client("hangzhou.localhost", language).get("/").text
        assert (coming in text, late in text) == (False, True)
    assert "longer than planned" in world.city_staff().get("/cities/hangzhou").text
