"""A city does not leave its payment provider while money may still move there."""

from __future__ import annotations

import re

import pytest

from smartcity_saas.configuration.validation import Candidate
from smartcity_saas.configuration.yaml_source import parse
from smartcity_saas.errors import Invalid
from tests.support.documents import PLATFORM
from tests.support.payments import Disputed
from tests.support.world import World

STRIPE = re.search(r"^payments:\n(?: .*\n)+", PLATFORM, re.MULTILINE)
assert STRIPE is not None
WITHOUT = PLATFORM.replace(STRIPE[0], "")
OWN = "payments: {provider: stripe, state: closed}\n"
LEAVING = "1 payment by stripe may still be refunded or disputed"


def refused(world: World, yaml: str) -> str:
    """What is said to whoever would leave the provider by a document."""
    with pytest.raises(Invalid) as found:
        world.save(yaml)
    problems = world.documents().problems([Candidate(parse(yaml, "test"))])
    assert any("state: closed" in str(one.hint) for one in problems)
    return str(found.value.detail) + " ".join(str(one.message) for one in problems)


def test_a_provider_is_not_left_while_money_may_move(paid: Disputed) -> None:
    """Promise: what a bank takes back is heard of. Leaving payments out of a baseline is refused,
    with the city named, for 180 days after a payment; by a file, an undo and a rollback alike."""
    world = paid.world
    said = refused(world, WITHOUT)
    assert LEAVING in said
    assert "hangzhou" in said
    assert "ningbo" not in said, "nothing was paid there"
    world.clock.move(days=181)
    world.save(WITHOUT)
    assert world.city("hangzhou").payments is None


def test_money_under_way_does_not_age(paid: Disputed) -> None:
    """A refund that was asked for, or an open dispute, keeps the provider however old it is."""
    world = paid.world
    paid.dispute()
    paid.follow()
    world.clock.move(days=400)
    assert LEAVING in refused(world, WITHOUT)


def test_a_citys_own_provider_is_not_left_either(paid: Disputed) -> None:
    """The same of a provider that stands in the city's document, by undoing and by going back."""
    world, documents = paid.world, paid.world.documents()
    text = documents.live_revision("hangzhou").text
    before = documents.live("hangzhou").number
    world.save(text + STRIPE[0])
    world.clock.move(days=181)
    world.save(WITHOUT)  # no city depends on it any more
    world.clock.move(days=-181)
    with pytest.raises(Invalid):
        documents.undo("hangzhou", before + 1, before + 1)
    with pytest.raises(Invalid):
        documents.rollback("hangzhou", before, before + 1)
    assert LEAVING in refused(world, text)


def test_closed_payments_take_nothing_new_and_hear_everything(paid: Disputed) -> None:
    """Promise of what is offered instead: no new payment begins, and a chargeback is posted."""
    world = paid.world
    world.save(world.documents().live_revision("hangzhou").text + OWN)
    assert paid.press().status_code in (409, 503)
    assert "Pay ¥" not in paid.browser.get(paid.account).text
    paid.dispute()
    paid.stripe.send_all()
    assert paid.books()["disputed", "CNY"] == 7350
