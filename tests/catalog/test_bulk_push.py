"""Many items in one write: each is answered by itself."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.api_client import BILL, CLINIC, PUSHES, TICKET, Office
from tests.support.world import World


def test_a_push_has_a_result_for_each_item(world: World) -> None:
    """What fits is stored, what does not is refused with a pointer; again, nothing changes."""
    office = Office(world)
    wrong = {**BILL, "account_number": "12", "period": "2026-09"}
    found = office.push(BILL, wrong, {**BILL, "due_on": "2026-10-01", "period": "2026-08"}).json
    assert [one["status"] for one in found["results"]] == ["stored", "refused", "refused"]
    assert found["results"][1]["problems"][0]["pointer"] == "/items/1/account_number"
    assert (found["added"], office.push(BILL).json["same"]) == (1, 1)
    assert office.push({**BILL, "amount": 5000}).json["changed"] == 1


def test_tickets_and_schedules_are_pushed_too(world: World) -> None:
    """The other two services by the same rules."""
    office = Office(world)
    answer = office.call("POST", "/traffic-tickets/tickets", {"items": [TICKET]})
    assert answer.json["added"] == 1, answer.text
    assert office.call("GET", "/traffic-tickets/tickets").json["items"][0]["number"] == "3301001"
    answer = office.call("POST", "/hospital-appointments/schedules", {"items": [CLINIC]})
    assert answer.json["added"] == 1, answer.text
    assert office.call("GET", "/hospital-appointments/schedules").json["items"][0]["half"] == "am"


@pytest.mark.parametrize(
    "path, good, wrong, other, pointer",
    [
        (
            "/traffic-tickets/tickets",
            TICKET,
            {"number": "3301002", "plate": "A1"},
            {"number": "3301003"},
            "/items/1/plate",
        ),
        (
            "/hospital-appointments/schedules",
            CLINIC,
            {"day": "2026-12-02", "ends": "07:00"},
            {"day": "2026-12-03"},
            "/items/1/ends",
        ),
    ],
    ids=["tickets", "schedules"],
)
def test_a_refused_item_does_not_hold_up_the_others(
    world: World, path: str, good: Any, wrong: Any, other: Any, pointer: str
) -> None:
    """It has a result of its own that says where, and those before and after it are stored."""
    office = Office(world)
    items = [good, {**good, **wrong}, {**good, **other}]
    found = office.call("POST", path, {"items": items}).json
    assert [one["status"] for one in found["results"]] == ["stored", "refused", "stored"]
    assert [one["pointer"] for one in found["results"][1]["problems"]] == [pointer]
    assert (found["added"], len(office.call("GET", path).json["items"])) == (2, 2)


@pytest.mark.parametrize(
    "body, pointer",
    [
        ({"items": []}, "/items"),
        ({"items": [BILL] * 501}, "/items"),
        ({"items": BILL}, "/items"),
        ({"items": None}, "/items"),
        ({}, "/items"),
        ({"items": [BILL], "role": "operator"}, "/role"),
    ],
)
def test_bad_bodies_say_where(world: World, body: Any, pointer: str) -> None:
    """Problem details with a pointer to the field; a mass-assigned one is refused, not ignored."""
    answer = Office(world).call("POST", "/utility-bills/bills", body)
    assert answer.status_code == 422
    assert answer.content_type == "application/problem+json"
    assert pointer in [one["pointer"] for one in answer.json["problems"]]


ODD_ITEMS: dict[str, Any] = {
    "no object": lambda good, amount: "x",
    "null": lambda good, amount: None,
    "text for a number": lambda good, amount: {**good, amount: str(good[amount])},
    "a fraction": lambda good, amount: {**good, amount: 43.99},
    "a whole fraction": lambda good, amount: {**good, amount: 43.0},
    "true": lambda good, amount: {**good, amount: True},
    "null for what is needed": lambda good, amount: {**good, amount: None},
    "without what is needed": lambda good, amount: {k: v for k, v in good.items() if k != amount},
    "a key too many": lambda good, amount: {**good, "city_id": 1},
    "a number for a text": lambda good, amount: {**good, next(iter(good)): 7},
    "a line more": lambda good, amount: {
        k: f"{v}\n" if isinstance(v, str) else v for k, v in good.items()
    },
}


@pytest.mark.parametrize("odd", ODD_ITEMS)
@pytest.mark.parametrize("path", PUSHES)
def test_a_malformed_item_holds_up_no_other(world: World, path: str, odd: str) -> None:
    """In every service: it is refused with a pointer, as one that is wrong, and those beside it are
    stored; a value of another type is never taken for what it looks like."""
    good, amount, other = PUSHES[path]
    items = [good, ODD_ITEMS[odd](good, amount), {**good, **other}]
    answer = Office(world).call("POST", path, {"items": items})
    assert answer.status_code == 200, answer.text
    results = answer.json["results"]
    assert [one["status"] for one in results] == ["stored", "refused", "stored"]
    assert all(one["pointer"].startswith("/items/1") for one in results[1]["problems"])
    assert results[1]["problems"]
    assert answer.json["added"] == 2


def test_a_key_that_is_left_out_leaves_what_is_stored(world: World) -> None:
    """Left out or null, what is paid stays paid; an empty text empties, and that is said."""
    office = Office(world)
    paid = {**BILL, "paid_on": "2026-11-10"}

    def paid_on() -> Any:
        return office.call("GET", "/utility-bills/bills").json["items"][0]["paid_on"]

    assert office.push(paid).json["added"] == 1
    assert office.push({k: v for k, v in BILL.items() if k != "paid_on"}).json["same"] == 1
    assert office.push({**BILL, "paid_on": None}).json["same"] == 1
    assert paid_on() == "2026-11-10"
    emptied = office.push({**BILL, "paid_on": ""}).json
    assert (emptied["changed"], emptied["paid_differs"], paid_on()) == (1, 1, None)
    assert emptied["results"][0]["notes"][0]["pointer"] == "/items/0/amount"
    # One item's key says nothing of another's.
    mixed = office.push({**BILL, "period": "2026-08"}, {**paid, "period": "2026-07"}).json
    assert mixed["added"] == 2
