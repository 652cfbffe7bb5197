"""Rating as JSON: the same act, the same rules."""

from __future__ import annotations

from typing import Any

from smartcity_saas.ratings.models import RatingAnswer
from tests.support.browser import Browser, fresh
from tests.support.payments import Paid
from tests.support.ratings import rows
from tests.support.world import World


def send(browser: Browser, paid: Paid, **fields: Any) -> Any:
    """Rate a payment as an app does."""
    csrf = browser.get("/api/v1/session").json["csrf_token"]  # type: ignore[index]
    body = {"service": "utility_bills", "act": "payment", "key": str(paid.key)}
    return fresh(
        browser.client.post,
        "/api/v1/ratings",
        base_url=f"http://{browser.host}",
        headers={"X-CSRFToken": csrf},
        json={**body, **fields},
    )


def test_an_app_rates_in_one_call(world: World) -> None:
    """Promise: level, tags and words in one call; the answer says by when the city answers; a second
    call changes nothing."""
    paid = Paid(world)
    sent = send(paid.browser, paid, level="dissatisfied", tags=["slow"], words="It took an hour.")
    assert sent.status_code == 201, sent.text
    (owed,) = rows(world, RatingAnswer)
    assert sent.json["answer_by"] == str(owed["due_on"])
    (row,) = rows(world)
    assert (row["tags"], row["words"]) == (["slow"], "It took an hour.")
    assert send(paid.browser, paid, level="satisfied").json["level"] == "dissatisfied"
    assert send(paid.browser, paid, level="satisfied", words="x").status_code == 409
    assert rows(world) == [row]


def test_what_does_not_fit_is_said_by_field(world: World) -> None:
    """Promise: an unknown level, too many words and another's act are refused, and nothing is kept."""
    paid = Paid(world)
    assert send(paid.browser, paid, level="best").status_code == 422
    assert send(paid.browser, paid, level="satisfied", words="x" * 501).status_code == 422
    assert send(world.resident(subject="parents"), paid, level="satisfied").status_code == 404
    assert send(world.resident("ningbo"), paid, level="satisfied").status_code == 404
    assert rows(world) == []
