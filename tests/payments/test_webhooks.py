"""Webhooks: whatever is sent is an event of the provider's, or refused; never a fault."""

from __future__ import annotations

import itertools
import json
import random
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import event
from sqlalchemy.orm import ORMExecuteState, Session

from smartcity_saas.database import db, driver_statements
from smartcity_saas.payments.settlement import sync_payment
from smartcity_saas.sandboxes.stripe import money as sandbox_money
from smartcity_saas.sandboxes.stripe.sending import signature
from smartcity_saas.tenant_context import current_city_id_or_none
from tests.support.browser import fresh
from tests.support.payments import Owing
from tests.support.statements import statements_sent
from tests.support.world import World

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
        st.sampled_from(["id", "type", "data", "object", "metadata", "payment_intent"]), inner
    ),
    max_leaves=12,
)  # fmt: skip
MOST_STATEMENTS = 24
"""To follow a city's first payment, of two bills."""
EVENT = {"id": "evt_1", "type": "x", "data": {"object": {"object": "charge", "id": "ch_1"}}}


def post(world: World, body: bytes, header: str) -> int:
    """Send bytes to the endpoint; the status of the answer."""
    client = world.app.test_client()
    answer = fresh(
        client.post,
        "/webhooks/stripe",
        base_url="http://hangzhou.localhost",
        data=body,
        headers={"Stripe-Signature": header},
    )
    return answer.status_code


HEADERS = [
    "", "t=1", "t=1,v1=é", "t=１,v1=é", "v1=x", "t=x,v1=y", "t=9999999999999999999999,v1=é", "t,v1",
    ",,,", "t=1,v1=", "t=-1,v1=ÿ",
]  # fmt: skip


@pytest.mark.parametrize("header", HEADERS)
def test_any_header_is_refused(world: World, header: str) -> None:
    """Beyond ASCII, without parts, with odd ones: 400."""
    world.open_payments()
    assert post(world, json.dumps(EVENT).encode(), header) == 400


def wrong(**parts: Any) -> dict[str, Any]:
    """An event with other parts."""
    return {**EVENT, **parts}


SHAPES = [
    None, [], 1, "x", {}, {"id": "evt"}, wrong(data=None), wrong(data=[]), wrong(data={}),
    wrong(data={"object": None}), wrong(data={"object": []}), wrong(id=None), wrong(id=["x"]),
    wrong(id="a\u0000b"), wrong(id="x" * 300), wrong(type=3), wrong(data={"object": {"id": {}}}),
    wrong(data={"object": {"id": "ch\u0000", "object": "charge"}}),
    wrong(data={"object": {"metadata": [1]}}), wrong(data={"object": {"payment_intent": {}}}),
]  # fmt: skip


@pytest.mark.parametrize("shape", SHAPES, ids=range(len(SHAPES)))
def test_what_is_signed_and_no_event_is_refused(world: World, shape: Any) -> None:
    """Signed JSON of another shape, and bytes that are no JSON: 400."""
    secret = world.open_payments().secret
    body = json.dumps(shape).encode()
    assert post(world, body, signature(secret, body, int(time.time()))) == 400


@pytest.mark.parametrize("body", [b"", b"{", b"\xff\xfe", b"[" * 5000, b"null", b"1" * 6000])
def test_signed_bytes_that_are_no_event(world: World, body: bytes) -> None:
    """Cut, in no encoding, nested without end."""
    secret = world.open_payments().secret
    assert post(world, body, signature(secret, body, int(time.time()))) == 400


def test_any_signed_json_is_taken_or_refused(world: World) -> None:
    """Whatever its shape: taken as an event, or 400; never a fault."""
    secret = world.open_payments().secret

    @settings(max_examples=60, suppress_health_check=list(HealthCheck))
    @given(JSON)
    def send(shape: Any) -> None:
        body = json.dumps(shape).encode()
        assert post(world, body, signature(secret, body, int(time.time()))) in (200, 400)

    send()


def test_an_event_of_something_unknown_is_taken(world: World) -> None:
    """Kept once; about no payment of ours."""
    secret = world.open_payments().secret
    body = json.dumps(EVENT).encode()
    for _again in range(2):
        assert post(world, body, signature(secret, body, int(time.time()))) == 200


def test_a_webhook_fifty_times_at_once(owing: Owing) -> None:
    """Fifty deliveries of each event on many threads, out of order: one posting."""
    owing.press()
    owing.stripe.pay()
    events = owing.stripe.events() * 50
    random.Random(7).shuffle(events)
    with ThreadPoolExecutor(8) as pool:
        answers = [a.status_code for a in pool.map(owing.stripe.send, events)]
    assert set(answers) == {200}
    owing.world.work()
    owing.world.work()
    owing.check("paid", unpaid=0, postings=1)


def test_following_a_webhook_stays_cheap(owing: Owing, monkeypatch: pytest.MonkeyPatch) -> None:
    """Promise: a payment is followed by statements that are kept, none of the ORM's, so that an hour in
    which a whole city pays does not stand still."""
    owing.press()
    owing.stripe.pay()
    payment, city = owing.payment(), owing.world.city("hangzhou")
    usual: list[str] = []
    execute = driver_statements.execute

    def note(connection: Any, statement: Any, values: Any) -> Any:
        found = execute(connection, statement, values)
        if found is None and current_city_id_or_none() is not None:  # others compile cities
            usual.append(str(statement))
        return found

    def by_the_orm(state: ORMExecuteState) -> None:
        if current_city_id_or_none() is not None:
            usual.append(str(state.statement))

    with owing.world.inside("hangzhou"), statements_sent() as sent:
        monkeypatch.setattr(driver_statements, "execute", note)
        event.listen(Session, "do_orm_execute", by_the_orm)
        try:
            sync_payment(city, payment.id, owing.world.clock())
        finally:
            event.remove(Session, "do_orm_execute", by_the_orm)
            monkeypatch.undo()
    assert len(sent) <= MOST_STATEMENTS
    if db.engine.dialect.name == "postgresql":
        assert usual == []
    owing.check("paid", unpaid=0, postings=1)


@pytest.mark.parametrize("order", list(itertools.permutations(range(3)))[:6])
def test_events_in_any_order(owing: Owing, order: tuple[int, ...]) -> None:
    """Refund before capture, success before completion: the same end."""
    owing.press()
    owing.stripe.pay()
    form = {"payment_intent": owing.stripe.session()["payment_intent"]}
    sandbox_money.refund(owing.stripe.sandbox, owing.stripe.account, form)
    wanted = ("checkout.session.completed", "payment_intent.succeeded", "charge.refunded")
    events = {event["type"]: event for event in owing.stripe.events()}
    for place in order:
        assert owing.stripe.send(events[wanted[place]]).status_code == 200
        owing.world.work()
    owing.check("refunded", unpaid=2, postings=2)


def test_a_wrong_signature_is_refused(owing: Owing) -> None:
    """Another city's secret, a changed body, an old time, no signature: 400, nothing stored."""
    owing.press()
    owing.stripe.pay()
    first = owing.stripe.events()[0]
    other = owing.world.open_payments("ningbo")
    assert owing.stripe.send(first, secret=other.secret).status_code == 400
    assert owing.stripe.send(first, body=b"{}").status_code == 400
    assert owing.stripe.send(first, host="ningbo").status_code == 400
    client = owing.world.app.test_client()
    bare = fresh(client.post, "/webhooks/stripe", base_url="http://hangzhou.localhost", data=b"{}")
    assert bare.status_code == 400
    assert owing.payment().state == "open"
    unknown = fresh(client.post, "/webhooks/none", base_url="http://hangzhou.localhost", data=b"")
    assert unknown.status_code == 404


def test_webhooks_and_receipts_pass_a_paused_and_a_suspended_gate(owing: Owing) -> None:
    """What has begun goes on: money that came is booked, a receipt can be seen."""
    owing.press()
    owing.stripe.pay()
    text = owing.world.documents().live_revision("hangzhou").text
    owing.world.save(text.replace("state: live", "state: suspended"))
    owing.stripe.send_all()
    owing.check("paid", unpaid=0, postings=1)
    assert owing.browser.get(f"/me/payments/{owing.payment().id}").status_code == 200
