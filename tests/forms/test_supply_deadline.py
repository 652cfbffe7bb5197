"""A deadline for what is missing: told, reminded of, and kept."""

from __future__ import annotations

from datetime import date

import pytest
from sqlalchemy import select

from smartcity_saas.database import db
from smartcity_saas.forms.models import ApplicationState, EventKind
from smartcity_saas.forms.registration import shared
from smartcity_saas.notifications.models import Message
from tests.support.application_desk import DESK, at_noon, clerk, numbers_in, signed_in, take
from tests.support.applications import PERMIT, define, events, measured, row_of, sent
from tests.support.browser import Browser
from tests.support.world import World

WITHIN = PERMIT.replace("    fee:", "    supply: {working_days: 3}\n    fee:")
ASKED = date(2026, 9, 28)
"""A Monday; 1 to 7 October are holidays, so the third working day after it is 8 October."""
LAST = date(2026, 10, 8)


def ask(world: World, entry: str = WITHIN, name: str = "wu.min") -> tuple[Browser, str]:
    """An application for which a clerk asks for more on a Monday: its resident, and its number."""
    define(world, entry=entry)
    at_noon(world, ASKED)
    browser = world.resident()
    number = sent(browser)
    desk = clerk(world, name)
    take(desk, number)
    page = f"{DESK}/{number}"
    assert desk.post(f"{page}/ask", page, missing="The whole lease.").status_code == 303
    return browser, number


def day_by_day(world: World, *days: date) -> None:
    """Let the task of the day run, twice a day."""
    for day in days:
        at_noon(world, day)
        for _time in range(2):
            with world.inside("hangzhou"):
                assert shared.daily is not None
                shared.daily(world.clock())
                db.session.commit()


def told(world: World, number: str) -> list[tuple[str, str]]:
    """Titles and texts of messages about an application in English, the oldest first."""
    with world.inside("hangzhou"):
        query = select(Message).where(Message.path.contains(number)).order_by(Message.id)
        return [(one.title["en"], one.body["en"]) for one in db.session.scalars(query)]


def test_what_is_not_supplied_is_closed(world: World) -> None:
    """Promise: the resident learns the day on being asked, is reminded once within the last two working
    days, and has the whole last day; then it is closed, once, and both sides read why."""
    browser, number = ask(world)
    here = f"/applications/{number}"
    assert row_of(world, number).supply_by == LAST
    assert "send it by 8 October 2026; then it is closed" in told(world, number)[-1][1]
    for path in (here, f"{here}/supply", "/applications"):
        assert "8 October" in browser.get(path).text, path
    assert browser.get(f"/api/v1{here}").json["supply_by"] == "2026-10-08"  # type: ignore[index]
    assert "Send what is missing by 8 October 2026" in browser.get("/me").text
    assert "closed after" in signed_in(world, "wu.min").get(f"{DESK}/{number}").text
    before = len(told(world, number))
    day_by_day(world, ASKED)
    assert len(told(world, number)) == before
    day_by_day(world, date(2026, 9, 29), date(2026, 9, 30), date(2026, 10, 3), LAST)
    assert [title for title, _body in told(world, number)[before:]] == [
        "Send what is missing by 8 October 2026: Residence permit renewal"
    ]
    assert row_of(world, number).waits_for_resident
    day_by_day(world, date(2026, 10, 9), date(2026, 10, 10))
    row = row_of(world, number)
    assert (row.state, row.supply_by) == (ApplicationState.NOT_SUPPLIED, None)
    assert row.erase_on == date(2028, 10, 9)
    assert events(world, number)[-1] is EventKind.NOT_SUPPLIED
    assert events(world, number).count(EventKind.NOT_SUPPLIED) == 1
    assert told(world, number)[-1][0] == "Closed, as nothing was sent: Residence permit renewal"
    assert measured(world) == {"begun": 1, "called_off": 1}
    browser = world.resident()
    assert "Closed: nothing was sent in time" in browser.get(here).text
    assert browser.post(f"{here}/supply", "/me", words="Late").status_code == 409
    desk = signed_in(world, "wu.min")
    assert numbers_in(desk.get(f"{DESK}?show=not_supplied").text) == [number]
    assert "Closed: nothing came in time" in desk.get(f"{DESK}/{number}").text


@pytest.mark.parametrize("by", ["supplying", "desk", "withdrawing"])
def test_what_goes_on_is_not_closed(world: World, by: str) -> None:
    """Promise: what was supplied, goes on without it or was withdrawn has no such day any more; asked
    again, the days begin anew."""
    browser, number = ask(world)
    here, page = f"/applications/{number}", f"{DESK}/{number}"
    if by == "supplying":
        assert browser.post(f"{here}/supply", f"{here}/supply", words="Here.").status_code == 303
    elif by == "desk":
        take(signed_in(world, "wu.min"), number)
    else:
        assert browser.post(f"{here}/withdraw", f"{here}/withdraw").status_code == 303
    assert row_of(world, number).supply_by is None
    state = row_of(world, number).state
    day_by_day(world, LAST, date(2026, 10, 9))
    assert row_of(world, number).state is state
    assert EventKind.NOT_SUPPLIED not in events(world, number)
    if by != "withdrawing":
        desk = signed_in(world, "wu.min")
        assert desk.post(f"{page}/ask", page, missing="The last page.").status_code == 303
        assert row_of(world, number).supply_by == date(2026, 10, 13)


def test_without_a_deadline_it_waits(world: World) -> None:
    """Promise: a form that sets none waits as long as the resident takes."""
    browser, number = ask(world, PERMIT)
    assert row_of(world, number).supply_by is None
    assert "then it is closed" not in browser.get(f"/applications/{number}").text
    day_by_day(world, LAST, date(2026, 12, 31))
    assert row_of(world, number).waits_for_resident
