"""JSON that programs send: what is none is refused, never a fault."""

from __future__ import annotations

import pytest

from tests.support.api_client import Office
from tests.support.browser import fresh
from tests.support.world import World


@pytest.mark.parametrize(
    "body, status",
    [
        (b'{"items": [{"holder": "\\ud800"}]}', 200),  # each item is answered by itself
        (b'{"items": ' + b"[" * 5000 + b"]" * 5000 + b"}", 400),
        (b'{"items": [{"amount": ' + b"9" * 5000 + b"}]}", 400),
    ],
)
def test_odd_json_is_no_fault(world: World, body: bytes, status: int) -> None:
    """Half a character, nesting and numbers beyond all measure: refused, and nothing is stored."""
    office = Office(world)
    answer = fresh(
        world.app.test_client().post,
        "/api/v1/utility-bills/bills",
        data=body,
        base_url="http://hangzhou.localhost",
        content_type="application/json",
        headers={"Authorization": f"Bearer {office.token}"},
    )
    assert answer.status_code == status, answer.text
    if status == 200:
        assert (answer.json["added"], answer.json["results"][0]["status"]) == (0, "refused")
