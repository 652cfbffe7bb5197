"""The scorecard on the console: entering, taking back, importing."""

from __future__ import annotations

import io
from datetime import timedelta
from typing import Any

from smartcity_saas.clock import today_in
from tests.support.browser import Browser, fresh
from tests.support.scorecard import whole_edition
from tests.support.world import World

PAGE = "/cities/hangzhou/scorecard"
ITEM = f"{PAGE}/items/L2P1-A1"


def day_of(world: World, back: int = 0) -> str:
    today = today_in(world.city("hangzhou").timezone, world.clock())
    return (today - timedelta(days=back)).isoformat()


def upload(browser: Browser, text: str) -> Any:
    data = {
        "csrf_token": browser.token(PAGE),
        "file": (io.BytesIO(text.encode()), "figures.csv"),
    }
    return fresh(
        browser.client.post,
        PAGE,
        base_url="http://console.localhost",
        data=data,
        headers={"Accept-Language": "en"},
    )


def test_a_figure_is_entered_with_its_source_and_taken_back(world: World) -> None:
    """Promise: on the site at once, in the audit log, in the history by whom, and out again."""
    with whole_edition(world.app):
        staff = world.city_staff()
        answer = staff.post(ITEM, value="61.25", source="Bulletin p. 3", as_of=day_of(world))
        assert answer.status_code == 302
        assert "Bulletin p. 3" in world.client("hangzhou.localhost").get("/scorecard").text
        beside = world.client("localhost").get("/scorecard").text
        assert "computed 1, by hand 1, missing 2" in beside
        assert "Staff-Hangzhou" in staff.get(ITEM).text
        assert "scorecard.enter" in staff.get("/cities/hangzhou/audit").text
        staff.post(f"{ITEM}/take-back", ITEM)
        site = world.client("hangzhou.localhost")
        assert "Bulletin p. 3" not in site.get("/scorecard").text
        assert "Taken back" in site.get("/scorecard/changes").text


def test_what_does_not_fit_is_said_beside_its_field(world: World) -> None:
    """Promise: what was typed stays, and each fault says what to write."""
    with whole_edition(world.app):
        staff = world.city_staff()
        answer = staff.post(ITEM, value="101", source="", as_of=day_of(world, 400))
        assert answer.status_code == 422
        assert "The maximum is 100" in answer.text
        assert "Enter 1 to 200 characters." in answer.text
        assert "older than 12 months" in answer.text
        future = staff.post(ITEM, value="5", source="x", as_of=day_of(world, -9))
        assert "This date is in the future." in future.text
        hidden = staff.post(ITEM, value="5", source="a\u202eb", as_of="soon")
        assert "invisible character" in hidden.text
        assert "Enter a date" in hidden.text
        assert staff.get(f"{PAGE}/items/L9P9-A9").status_code == 404


def test_an_import_names_line_and_column(world: World) -> None:
    """Promise: the template comes back as it went out, and faults are listed by line."""
    with whole_edition(world.app):
        staff = world.city_staff()
        template = staff.get(f"{PAGE}/template.csv").text
        assert "L2P1-A1,一号通,,," in template
        assert upload(staff, template.removeprefix("\ufeff")).status_code == 200
        row = f"L2P1-A1,61.25,Bulletin,{day_of(world)}"
        bad = upload(
            staff, f"item,value,source,as_of\n{row}\nL1P1-A1,a lot,Bulletin,{day_of(world)}\n"
        )
        assert bad.status_code == 422
        assert "1 added" in bad.text
        assert "“a lot” is not a number" in bad.text
        assert "L2P1-A1,一号通,61.25,Bulletin" in staff.get(f"{PAGE}/template.csv").text
        assert upload(staff, "item;value;source;as_of\n").status_code == 422


def test_an_edition_of_which_nothing_was_read_takes_nothing(world: World) -> None:
    """Promise: no form for what has no item."""
    staff = world.city_staff()
    page = staff.get(f"{PAGE}?edition=2022").text
    assert "there is nothing to enter yet" in page
    assert staff.get(f"{PAGE}?edition=1999").status_code == 404
