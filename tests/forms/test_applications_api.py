"""Applications as JSON: the same life, the same faults at their place in the body."""

from __future__ import annotations

import base64

from smartcity_saas.forms.models import ApplicationState
from smartcity_saas.web.api import Body, CheckedApart
from tests.support.applications import (
    FIRST,
    PDF,
    SECOND,
    THIRD,
    ask_for_more,
    decide,
    define,
    row_of,
    sent,
    stored,
)
from tests.support.applications_api import API, FORM, call, pointers
from tests.support.world import World


def test_the_whole_life_as_json(world: World) -> None:
    """Promise: a program reads a form, begins, answers, adds a file, sends, supplies, writes, withdraws;
    what does not fit is told at its field, and then nothing of it is saved."""
    define(world)
    browser = world.resident()
    form = world.client("hangzhou.localhost").get(FORM).json
    assert form["definition"]["steps"][0]["fields"][0]["name"] == "street"  # type: ignore[index]
    begun = call(browser, "POST", FORM)
    assert begun.status_code == 201, begun.text
    number = begun.json["number"]  # type: ignore[index]
    one = f"{API}/{number}"
    assert call(browser, "POST", FORM).json["number"] == number  # type: ignore[index]
    wrong = {"answers": {"street": "Sample Road 18", "mobile": "138", "colour": "red"}}
    found = pointers(call(browser, "PATCH", one, wrong))
    assert "“138”" in found["/answers/mobile"]
    assert "“colour”" in found["/answers/colour"]
    assert browser.get(one).json["answers"] == {}  # type: ignore[index]
    missing = pointers(call(browser, "POST", f"{one}/submit"))
    assert {"/answers/street", "/answers/moved", "/answers/mobile"} <= missing.keys()
    answers = {**FIRST, "moved": "yes", "mobile": SECOND["mobile"], **THIRD}
    assert call(browser, "PATCH", one, {"answers": answers}).status_code == 200
    content = {"field": "lease", "name": "lease.pdf", "content": base64.b64encode(PDF).decode()}
    assert pointers(call(browser, "POST", f"{one}/files", {**content, "content": "!"}))
    added = call(browser, "POST", f"{one}/files", content)
    assert added.status_code == 201, added.text
    file = browser.get(f"{one}/files/{added.json['id']}").json  # type: ignore[index]
    assert base64.b64decode(file["content"]) == PDF  # type: ignore[index]
    done = call(browser, "POST", f"{one}/submit").json
    assert done["application"]["state"] == "received"  # type: ignore[index]
    assert done["payment"] is None  # type: ignore[index]
    assert call(browser, "PATCH", one, {"answers": {"street": "Other"}}).status_code == 409
    ask_for_more(world, number, "Which house?", ["street"])
    supplied = {"answers": {"street": "House 3", "mobile": "13900000009"}}
    whole = call(browser, "POST", f"{one}/supply", supplied).json
    assert (whole["answers"]["street"], whole["answers"]["mobile"]) == (  # type: ignore[index]
        "House 3",
        "13800000001",
    )
    written = call(browser, "POST", f"{one}/messages", {"words": "When?"}).json
    assert written["events"][-1]["words"] == "When?"  # type: ignore[index]
    decide(world, number, ApplicationState.REFUSED)
    assert pointers(call(browser, "POST", f"{one}/reopen", {"reason": "no"})).keys() == {"/reason"}
    again = call(browser, "POST", f"{one}/reopen", {"reason": "It was the right house."})
    assert again.json["state"] == "received"  # type: ignore[index]
    assert call(browser, "POST", f"{one}/withdraw").status_code == 204
    assert row_of(world, number).state is ApplicationState.WITHDRAWN
    listed = browser.get(API).json["applications"]  # type: ignore[index]
    assert [found["number"] for found in listed] == [number]


def test_characters_that_are_none(world: World) -> None:
    """Promise: a lone surrogate or U+0000 anywhere in a body is told where it stands, and is no fault
    of the server."""
    define(world)
    browser = world.resident()
    one = f"{API}/{sent(browser)}"
    for bad in ("\x00", "a\ud800"):
        for act, body, place in (
            ("messages", {"words": bad}, "/words"),
            ("reopen", {"reason": bad * 12}, "/reason"),
            ("supply", {"answers": {"street": bad}}, "/answers/street"),
            ("supply", {"answers": {"lease": ["x", bad]}}, "/answers/lease/1"),
            ("supply", {"answers": {bad: "x"}}, "/answers"),
        ):
            assert place in pointers(call(browser, "POST", f"{one}/{act}", body)), (act, body)
    for model in _bodies(Body):
        for name, field in model().fields.items():
            if isinstance(
                field, CheckedApart
            ):  # its items are bodies, which are looked at here too
                assert issubclass(field.inner.schema.__class__, Body), (model, name)
                continue
            told = model().validate({name: {"deep": ["\ud800"]}})
            assert "that is none" in str(told), (model, name)


def _bodies(model: type[Body]) -> list[type[Body]]:
    below = [one for found in model.__subclasses__() for one in _bodies(found)]
    return [*model.__subclasses__(), *below]


def test_json_of_somebody_else_is_not_there(world: World) -> None:
    """Promise: another resident's number, and another city's, is told apart from none by nothing."""
    define(world)
    define(world, "ningbo")
    number = sent(world.resident())
    for browser in (world.resident(subject="parents"), world.resident("ningbo")):
        for method, path, body in (
            ("GET", "", None),
            ("PATCH", "", {"answers": {}}),
            ("POST", "/submit", None),
            ("POST", "/withdraw", None),
            ("POST", "/messages", {"words": "x"}),
        ):
            there, nowhere = (
                call(browser, method, f"{API}/{one}{path}", body)
                for one in (number, "HZ-RPR-0101-0000")
            )
            assert (there.status_code, there.json) == (nowhere.status_code, nowhere.json)
            assert there.status_code == 404
        assert browser.get(API).json == {"applications": []}
    assert stored(world, number) is not None
    assert world.client("hangzhou.localhost").get(f"{API}/{number}").status_code == 401


def test_the_districts_of_a_city(world: World) -> None:
    """Promise: a program, as the script of a page, learns the districts of any city of the list, with
    their codes and names; of a city that has none, that it has none."""
    browser = world.client("hangzhou.localhost")
    found = browser.get(f"{API}/counties/330100").json
    assert found["city"] == "330100"  # type: ignore[index]
    assert {"code": "330106", "name": {"zh": "西湖区", "en": "Xihu District"}} in found["counties"]  # type: ignore[index]
    assert browser.get(f"{API}/counties/441900").json == {"city": "441900", "counties": []}
    for unknown in ("330106", "999999", "x"):
        assert browser.get(f"{API}/counties/{unknown}").status_code == 404
