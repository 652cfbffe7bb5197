"""What back offices answer is held to its contract: every value of every contract, by its type."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from marshmallow import ValidationError
from sqlalchemy import select

from smartcity_saas.database import db
from smartcity_saas.notifications.models import Message
from smartcity_saas.services.traffic_tickets.back_office import VehicleAnswer
from smartcity_saas.services.utility_bills.back_office import AccountAnswer
from smartcity_saas.services.utility_bills.models import UtilityBill, UtilityLink
from smartcity_saas.web.json_input import strict_json
from tests.support.back_office import BackOffice
from tests.support.linked_office import ACCOUNT, NUMBER, VEHICLE, linked
from tests.support.world import World

CONTRACTS = {
    "account": (AccountAnswer, {**ACCOUNT, "bills": [{**ACCOUNT["bills"][0], "paid_on": None}]}),  # type: ignore[index,dict-item]
    "vehicle": (VehicleAnswer, VEHICLE),
}
ODD: dict[type, tuple[Any, ...]] = {
    int: (43.99, 43.0, "4350", "", True, 1e3, -1, [4350], {"amount": 1}, float("nan")),
    str: (7, True, ["a"], {"zh": "a"}, "", "a\nb", "a\u200bb", "a\n"),
    list: ({}, "x", 7, [None], ["x"]),
    dict: ([], "x", 7, {}),
}
ODD_DAYS = ("2062-11-20", "2026-02-30", "2026/11/3", "20261103", "soon", 20261103)
DAYS = {"issued_on", "due_on", "paid_on", "at"}


def leaves(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[tuple[Any, ...], Any]]:
    """Every value of an answer with its path, inner ones too."""
    for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
        yield (*path, key), inner
        if isinstance(inner, (dict, list)):
            yield from leaves(inner, (*path, key))


def with_value(answer: Any, path: tuple[Any, ...], value: Any) -> Any:
    changed = copy.deepcopy(answer)
    place = changed
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    return changed


PLACES = [
    (name, path, good)
    for name, (_schema, answer) in CONTRACTS.items()
    for path, good in leaves(answer)
    if path[-1] not in ("further", 0) and good is not None
]


@pytest.mark.parametrize(
    "name, path, good", PLACES, ids=[".".join(map(str, p)) for _n, p, _g in PLACES]
)
def test_a_value_of_another_type_makes_an_answer_odd(
    world: World, name: str, path: tuple[Any, ...], good: Any
) -> None:
    """Every value of both contracts: another type, a fraction, a text for a number, null where
    something is needed, a day that cannot be."""
    schema, answer = CONTRACTS[name]
    with world.inside("hangzhou"), world.app.test_request_context("/"):
        assert schema().load(answer)
        odd = (*ODD[type(good)], None, *(ODD_DAYS if path[-1] in DAYS else ()))
        for value in odd:
            with pytest.raises(ValidationError):
                schema().load(with_value(answer, path, value))
                pytest.fail(f"{path}: {value!r} was taken")


def test_null_is_absent_and_an_empty_text_empties(world: World) -> None:
    """Of what need not be there: the paying of a bill."""
    schema, answer = CONTRACTS["account"]
    path = ("bills", 0, "paid_on")
    with world.inside("hangzhou"), world.app.test_request_context("/"):
        for value, expected in ((None, {}), ("", {"paid_on": None})):
            bill = schema().load(with_value(answer, path, value))["bills"][0]
            assert {k: v for k, v in bill.items() if k == "paid_on"} == expected


@pytest.mark.parametrize("odd", [None, [], "x", 7, True])
def test_what_is_no_object_is_odd(world: World, odd: Any) -> None:
    """Whatever comes instead of an answer."""
    with world.inside("hangzhou"), world.app.test_request_context("/"):
        for schema, _answer in CONTRACTS.values():
            with pytest.raises(ValidationError):
                schema().load(odd)


def test_a_violation_stands_once(world: World) -> None:
    """Of two the last would win unseen."""
    with world.inside("hangzhou"), world.app.test_request_context("/"):
        one = VEHICLE["violations"][0]  # type: ignore[index]
        with pytest.raises(ValidationError):
            VehicleAnswer().load({**VEHICLE, "violations": [one, {**one, "fine": 1}]})  # type: ignore[dict-item]


def test_a_fraction_of_the_minor_unit_is_never_cut(world: World, office: BackOffice) -> None:
    """43.99 fen is no amount: nothing is stored, and the resident reads a sentence."""
    office.accounts["water", NUMBER] = with_value(ACCOUNT, ("bills", 0, "amount"), 43.99)
    typed = {"kind": "water", "number": NUMBER, "holder": "王某", "nickname": "我家"}
    assert world.resident().post("/services/utility-bills/link", **typed).status_code == 503
    with world.inside("hangzhou"):
        assert db.session.scalars(select(UtilityBill)).all() == []


def test_a_changed_holder_ends_the_links(world: World, office: BackOffice) -> None:
    """By the back office as by a file: whoever knew the name before sees nothing more."""
    browser, account = linked(world)
    office.accounts["water", NUMBER] = {**ACCOUNT, "holder": " 王　某 "}
    world.clock.move(minutes=20)
    assert browser.get(account).status_code == 200, "padded otherwise it is the same"
    office.accounts["water", NUMBER] = {**ACCOUNT, "holder": "李某"}
    world.clock.move(minutes=20)
    assert browser.get(account).status_code == 404, "also the page that learns of it"
    with world.inside("hangzhou"):
        assert db.session.scalars(select(UtilityLink)).all() == []
        assert len(db.session.scalars(select(Message)).all()) == 1


def test_a_plate_on_another_vehicle_ends_the_links(world: World, office: BackOffice) -> None:
    """By the back office as by a file: when the new owner proves the new pieces, the one before
    sees nothing of it."""
    browser = world.resident()
    page = "/services/traffic-tickets"
    assert browser.post(f"{page}/vehicles", plate="浙A12345", tail="A00017").status_code == 302
    assert "V-1" in browser.get("/api/v1/traffic-tickets").text
    office.vehicles["浙A12345"] = {**VEHICLE, "vin_tail": "B00001", "engine_tail": "G00001"}
    world.clock.move(minutes=20)
    other = world.resident(subject="parents")
    assert other.post(f"{page}/vehicles", plate="浙A12345", tail="B00001").status_code == 302
    assert "V-1" in other.get("/api/v1/traffic-tickets").text
    assert "V-1" not in browser.get("/api/v1/traffic-tickets").text
    assert "浙A" not in browser.get(page).text


def test_what_is_left_out_stays(world: World, office: BackOffice) -> None:
    """A bill that the supplier said is paid stays paid while it says nothing; an empty text takes
    it back."""
    path = ("bills", 0, "paid_on")
    shown = {}
    browser, account = linked(world)
    for name, value in (("said", "2026-11-10"), ("null", None), ("left out", ...), ("empty", "")):
        answer = with_value(ACCOUNT, path, value)
        if value is ...:
            answer = copy.deepcopy(ACCOUNT)
        office.accounts["water", NUMBER] = answer
        world.clock.move(minutes=20)
        browser.get(account)
        with world.inside("hangzhou"):
            shown[name] = str(db.session.scalars(select(UtilityBill.paid_on)).one())
    paid = "2026-11-10"
    assert shown == {"said": paid, "null": paid, "left out": paid, "empty": "None"}


@pytest.mark.parametrize(
    "text",
    ['{"a": 1, "a": 2}', '{"a": {"b": 1, "b": 1}}', "NaN", "[Infinity]", "{", "", '"\xff"'],
)
def test_json_that_says_two_things_is_none(text: str) -> None:
    """A key that stands twice, a number that is none, bytes that are no text."""
    with pytest.raises(ValueError):  # noqa: PT011 # whatever it says, it is told as odd
        strict_json(text.encode("latin-1"))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(st.characters(codec="utf-8")),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(st.characters(codec="utf-8")), inner),
)


@given(JSON, st.sampled_from(["utf-8", "utf-8-sig"]))
def test_json_is_read_as_it_is(value: Any, encoding: str) -> None:
    """Everything else, with a mark or without."""
    assert strict_json(json.dumps(value, ensure_ascii=False).encode(encoding)) == value
