"""Second factors of staff: codes, recovery codes, passkeys."""

from __future__ import annotations

import pytest

from smartcity_saas.identity.staff.roles import OPERATOR
from tests.support.staff import STRONG, make
from tests.support.world import World


@pytest.mark.parametrize("answer", ["null", "[]", "5", "{", ""])
def test_an_odd_passkey_is_no_fault(world: World, answer: str) -> None:
    """Whatever stands where a browser's answer should: told to try again."""
    make(world, "wu.min", OPERATOR)
    browser = world.client("console.localhost")
    browser.post("/sign-in", username="wu.min", password=STRONG)
    assert browser.post("/sign-in/set-up", answer=answer).status_code == 422
