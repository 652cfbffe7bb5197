"""Supplying what the city asks for anew: what was sent stands until all of it is supplied."""

from __future__ import annotations

import base64
import io
from typing import Any

from sqlalchemy import select

from smartcity_saas.database import db
from smartcity_saas.forms.models import Application, ApplicationFile, ApplicationState
from smartcity_saas.forms.stored_forms import answers_of
from smartcity_saas.forms.supplying import answers_at_hand
from tests.support.application_desk import DESK, clerk, take
from tests.support.applications import (
    PDF,
    SECOND,
    THIRD,
    ask_for_more,
    begin,
    count_of,
    define,
    row_of,
    save,
)
from tests.support.applications_api import API, call, pointers
from tests.support.browser import Browser
from tests.support.world import World

ASKED = ["street", "moved", "lease"]


def sent_with_lease(browser: Browser) -> str:
    """An application that was sent with a file; returns its number."""
    number = begin(browser)
    save(browser, number, 1, asked=ASKED, street="S", moved="yes", **{"lease-new": pdf("old.pdf")})
    save(browser, number, 2, **SECOND)
    save(browser, number, 3, **THIRD)
    done = browser.post(f"/applications/{number}/submit", f"/applications/{number}/check")
    assert done.headers["Location"] == f"/applications/{number}", done.text
    return number


def pdf(name: str) -> tuple[io.BytesIO, str]:
    """A file to send."""
    return io.BytesIO(PDF), name


def lease(world: World, number: str, *, at_hand: bool = False) -> list[dict[str, str]]:
    """The files that were sent, or those that will be."""
    with world.inside("hangzhou"):
        row = db.session.scalars(select(Application).where(Application.number == number)).one()
        answers = answers_at_hand(row, world.clock()) if at_hand else answers_of(row, world.clock())
        found: list[dict[str, str]] = answers["lease"]
        return found


def press(browser: Browser, number: str, **sent: Any) -> Any:
    """Send the page that asks for the street and the lease."""
    here = f"/applications/{number}/supply"
    named = {name.replace("_", "-"): value for name, value in sent.items()}
    return browser.post(here, here, **{"asked-fields": ["lease", "street"], **named})


def test_what_was_sent_stands_until_it_is_supplied(world: World) -> None:
    """Promise: a supply that does not fit changes nothing that was sent; the desk sees no file of it,
    and where it goes on without, none stays; sent in the end, the new files are the answer."""
    define(world)
    browser = world.resident()
    number = sent_with_lease(browser)
    ask_for_more(world, number, "The lease cannot be read", ["lease", "street"])
    (old,) = lease(world, number)
    page = press(
        browser, number, remove_file=old["id"], answer_lease_new=pdf("new.pdf"), answer_street=""
    )
    assert page.status_code == 200, "taking a file out sends nothing"
    assert "new.pdf" in page.text
    assert "old.pdf" not in page.text
    assert lease(world, number) == [old]
    desk = clerk(world, "wu.min")
    shown = desk.get(f"{DESK}/{number}").text
    assert "old.pdf" in shown
    assert "new.pdf" not in shown
    assert "new.pdf" in browser.get(f"/applications/{number}/supply").text
    refused = press(browser, number, removed_file=old["id"], answer_street="")
    assert refused.status_code == 422
    assert f'name="removed-file" value="{old["id"]}"' in refused.text
    done = press(browser, number, removed_file=old["id"], answer_street="New Road 1")
    assert done.status_code == 303, done.text
    assert [one["name"] for one in lease(world, number)] == ["new.pdf"]
    assert count_of(world, ApplicationFile) == 1
    ask_for_more(world, number, "Once more", ["lease", "street"])
    press(browser, number, answer_lease_new=pdf("third.pdf"), answer_street="")
    assert count_of(world, ApplicationFile) == 2
    take(desk, number)
    assert count_of(world, ApplicationFile) == 1
    assert "third.pdf" not in desk.get(f"{DESK}/{number}").text


def test_files_of_an_unfinished_supply_do_not_pile_up(world: World) -> None:
    """Promise: whatever is added and taken out again, no more files are stored than were sent and than
    the field takes; withdrawing leaves those that were sent."""
    define(world)
    browser = world.resident()
    number = sent_with_lease(browser)
    ask_for_more(world, number, "The lease cannot be read", ["lease", "street"])
    for turn in range(4):
        ids = [one["id"] for one in lease(world, number, at_hand=True)]
        new = [pdf(f"{turn}-{place}.pdf") for place in range(2)]
        page = press(browser, number, remove_file=ids, answer_lease_new=new, answer_street="")
        assert page.status_code == 200
        assert count_of(world, ApplicationFile) <= 1 + 2
    page = press(browser, number, answer_lease_new=pdf("more.pdf"), answer_street="")
    assert page.status_code == 422
    assert "at most 2 can be" in page.text
    assert count_of(world, ApplicationFile) <= 1 + 2
    here = f"/applications/{number}"
    assert browser.post(f"{here}/withdraw", f"{here}/withdraw").status_code == 303
    assert [one["name"] for one in lease(world, number)] == ["old.pdf"]
    assert count_of(world, ApplicationFile) == 1


def test_a_program_supplies_a_file(world: World) -> None:
    """Promise: while the city asks for a file a program adds it, then supplies it; for a field that was
    not asked for it is told so; a supply with nothing new leaves the clock where it stands."""
    define(world)
    browser = world.resident()
    number = sent_with_lease(browser)
    one = f"{API}/{number}"
    body = {"field": "lease", "name": "new.pdf", "content": base64.b64encode(PDF).decode()}
    assert call(browser, "POST", f"{one}/files", body).status_code == 409
    ask_for_more(world, number, "Which house?", ["street"])
    assert call(browser, "POST", f"{one}/files", body).status_code == 409
    for nothing in ({"answers": {}}, {"answers": {"street": "S"}}, {"words": " "}):
        assert "/words" in pointers(call(browser, "POST", f"{one}/supply", nothing))
        assert row_of(world, number).state is ApplicationState.MORE_NEEDED
    assert (
        call(browser, "POST", f"{one}/supply", {"words": "It is right as it is."}).status_code
        == 200
    )
    ask_for_more(world, number, "The lease cannot be read", ["lease"])
    added = call(browser, "POST", f"{one}/files", body)
    assert added.status_code == 201, added.text
    assert call(browser, "POST", f"{one}/files", body).status_code == 422, "two at most"
    assert [one["name"] for one in lease(world, number)] == ["old.pdf"]
    new = added.json["id"]  # type: ignore[index]
    whole = call(browser, "POST", f"{one}/supply", {"answers": {"lease": [new]}})
    assert whole.status_code == 200, whole.text
    assert [one["name"] for one in lease(world, number)] == ["new.pdf"]
    assert count_of(world, ApplicationFile) == 1
