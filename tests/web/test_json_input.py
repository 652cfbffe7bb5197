"""JSON that programs send: what is none is refused, never a fault."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.support.api_client import PUSHES, ROOT, Office
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


@pytest.mark.parametrize("path", PUSHES)
def test_a_key_that_stands_twice_is_no_json(world: World, path: str) -> None:
    """The last of two values would win unseen, as of two columns in a table."""
    good, amount, _other = PUSHES[path]
    text = json.dumps({"items": [good]}).replace(f'"{amount}": ', f'"{amount}": 1, "{amount}": ')
    office = Office(world)
    answer = fresh(
        world.app.test_client().post,
        f"{ROOT}{path}",
        base_url="http://hangzhou.localhost",
        data=text,
        content_type="application/json",
        headers={"Authorization": f"Bearer {office.token}"},
    )
    assert answer.status_code == 400
    assert office.call("GET", path).json["items"] == []


def test_what_is_no_json(world: World) -> None:
    """Broken JSON 400, another type 415, a query that is not known 422, a wrong method 405 with
    ``Allow``: always problem details."""
    office = Office(world)

    def send(method: str, path: str, data: bytes, kind: str) -> Any:
        return fresh(
            world.app.test_client().open,
            f"{ROOT}{path}",
            method=method,
            data=data,
            base_url="http://hangzhou.localhost",
            content_type=kind,
            headers={"Authorization": f"Bearer {office.token}"},
        )

    assert send("POST", "/utility-bills/bills", b"{", "application/json").status_code == 400
    assert send("POST", "/utility-bills/bills", b"a=1", "text/plain").status_code == 415
    wrong = send("GET", "/utility-bills/bills?limit=0", b"", "text/plain")
    assert wrong.json["problems"][0]["pointer"] == "/?limit"
    assert send("GET", "/utility-bills/bills?cursor=x", b"", "text/plain").status_code == 422
    odd = send("PUT", "/utility-bills/bills", b"", "text/plain")
    assert (odd.status_code, "POST" in odd.headers["Allow"]) == (405, True)
    for answer in (wrong, odd):
        assert answer.content_type == "application/problem+json"
