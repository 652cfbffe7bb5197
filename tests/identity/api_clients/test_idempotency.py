"""A write that is sent again is done once."""

from __future__ import annotations

from typing import Any

import pytest

from smartcity_saas.catalog.bulk_push import take_push
from smartcity_saas.services.utility_bills import api as bills_api
from tests.support.api_client import BILL, Office
from tests.support.world import World


def test_a_write_that_is_sent_again_is_answered_the_same(world: World) -> None:
    """By its key, for whoever sent it, in its city; another body with the same key is refused."""
    office = Office(world)
    key = {"Idempotency-Key": "k-1"}
    first = office.push(BILL, headers=key)
    again = office.push(BILL, headers=key)
    assert (first.json, "Idempotency-Replayed" in first.headers) == (again.json, False)
    assert again.headers["Idempotency-Replayed"] == "true"
    assert office.push({**BILL, "amount": 1}, headers=key).status_code == 422
    assert "Idempotency-Replayed" not in Office(world).push(BILL, headers=key).headers
    assert "Idempotency-Replayed" not in Office(world, "ningbo").push(BILL, headers=key).headers
    world.clock.move(hours=25)
    office.token = office.ask().json["access_token"]
    assert "Idempotency-Replayed" not in office.push(BILL, headers=key).headers
    assert office.push(BILL, headers={"Idempotency-Key": ""}).status_code == 422


def test_a_write_that_is_still_being_done_is_not_done_twice(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Sent again meanwhile it is told to wait; the first goes on, and its answer is kept."""
    office, key, meanwhile = Office(world), {"Idempotency-Key": "k-1"}, []

    def take_time(*arguments: Any) -> Any:
        monkeypatch.setattr(bills_api, "take_push", take_push)
        meanwhile.append(office.push(BILL, headers=key))
        return take_push(*arguments)

    monkeypatch.setattr(bills_api, "take_push", take_time)
    assert office.push(BILL, headers=key).json["added"] == 1
    assert [one.status_code for one in meanwhile] == [409]
    assert office.push(BILL, headers=key).json["added"] == 1, "as the first was answered"


def test_a_write_whose_process_died_is_done_anew(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing was stored and nothing answered: for a minute its key waits, then it is free."""
    office, key = Office(world), {"Idempotency-Key": "k-1"}

    def die(*arguments: Any) -> Any:
        raise SystemExit

    monkeypatch.setattr(bills_api, "take_push", die)
    with pytest.raises(SystemExit):
        office.push(BILL, headers=key)
    monkeypatch.undo()
    assert office.push(BILL, headers=key).status_code == 409
    world.clock.move(minutes=2)
    anew = office.push(BILL, headers=key)
    assert (anew.json["added"], "Idempotency-Replayed" in anew.headers) == (1, False)
    assert office.push(BILL, headers=key).headers["Idempotency-Replayed"] == "true"
