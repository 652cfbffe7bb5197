"""Disputes (chargebacks): money that a bank takes back is posted, held, shown, reconciled, decided."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from smartcity_saas.audit import system
from smartcity_saas.errors import Conflict
from smartcity_saas.payments.disputes import disputes_of
from smartcity_saas.payments.ledger import entries_between, totals
from smartcity_saas.payments.reconciliation import day_span
from smartcity_saas.payments.refunds import book_held
from smartcity_saas.payments.webhooks import unmatched_events
from smartcity_saas.sandboxes.stripe import money as sandbox_money
from tests.support.payments import Disputed, today
from tests.support.world import World


def test_money_taken_back_is_posted_held_and_shown(paid: Disputed) -> None:
    """By the provider's own events: the ledger says so, finance sees why and until when, the
    resident what it means; the books agree with the provider."""
    paid.dispute()
    assert [one.kind for one in paid.differences()] == ["not in the ledger"]
    paid.stripe.send_all()
    payment = paid.payment()
    assert (payment.state, payment.held_reason) == ("held", "disputed")
    assert paid.unpaid() == 0, "what it was for stays paid"
    assert paid.books() == {("disputed", "CNY"): 7350, ("service:utility_bills", "CNY"): -7350}
    assert paid.differences() == ()
    assert paid.left() == 0, "nothing is left to refund"
    staff = paid.world.city_staff()
    assert "1 payment is on hold" in staff.get("/cities/hangzhou/payments").text
    page = staff.get(f"/cities/hangzhou/payments/{paid.key}").text
    assert "Respond on the payment provider's site by" in page
    assert "The bank has taken back ¥73.50 for now." in page
    assert "Record as paid" not in page
    page = paid.browser.get(f"/me/payments/{paid.key}").text
    assert "Your bank is disputing this payment of ¥73.50" in page
    assert "Your bank took ¥73.50 back" in paid.browser.get("/me/messages").text
    with paid.world.inside("hangzhou"):
        since, until = day_span(paid.world.city("hangzhou"), today(paid.world))
        assert totals(entries_between(since, until))["CNY"] == {
            "received": 7350,
            "refunded": 0,
            "disputed": 7350,
            "net": 0,
        }
        with pytest.raises(Conflict):
            book_held(system("test"), paid.key, paid.world.clock())


def test_a_dispute_that_is_won(paid: Disputed) -> None:
    """The money comes back, and the payment is what it was."""
    made = paid.dispute()
    paid.follow()
    paid.close(made, won=True)
    paid.check("paid", unpaid=0, postings=3)
    assert ("disputed", "CNY") not in paid.books()
    assert paid.differences() == ()
    assert paid.left() == 7350
    assert "receipt.pdf" in paid.browser.get(f"/me/payments/{paid.key}").text


@pytest.mark.parametrize(
    ("decision", "state", "unpaid", "books"),
    [
        ("due_again", "refunded", 2, {}),
        (
            "written_off",
            "paid",
            0,
            {("written_off", "CNY"): 7350, ("service:utility_bills", "CNY"): -7350},
        ),
    ],
)
def test_a_dispute_that_is_lost_is_decided_by_finance(
    paid: Disputed, decision: str, state: str, unpaid: int, books: dict[Any, int]
) -> None:
    """Held until then; due again or paid for good, once, and it stays so whenever it is followed."""
    made = paid.dispute()
    paid.close(made, won=False)
    assert (paid.payment().held_reason, paid.unpaid()) == ("dispute_lost", 0)
    staff = paid.world.city_staff()
    page = f"/cities/hangzhou/payments/{paid.key}"
    with paid.world.inside("hangzhou"):
        (row,) = disputes_of(paid.key)
    path = f"{page}/disputes/{row.id}"
    assert staff.post(path, page, decision="nonsense").status_code == 422
    assert staff.post(path, page, decision=decision).status_code == 302
    for _again in range(2):
        paid.follow()
    paid.check(state, unpaid=unpaid, postings=3)
    assert paid.books() == books
    assert paid.differences() == ()
    assert staff.post(path, page, decision=decision).status_code == 409
    other, theirs = paid.world.city_staff("ningbo"), "/cities/ningbo/payments"
    path = path.replace("hangzhou", "ningbo")
    assert other.post(path, theirs, decision=decision).status_code == 404
    if unpaid:
        assert paid.press().status_code == 303, "it can be paid again"


def test_an_inquiry_moves_and_holds_nothing(paid: Disputed) -> None:
    """A bank that asks only: finance sees it, the payment stands."""
    made = paid.dispute(inquiry=True)
    paid.follow()
    paid.check("paid", unpaid=0, postings=1)
    page = paid.world.city_staff().get(f"/cities/hangzhou/payments/{paid.key}").text
    assert "Bank inquiry" in page
    paid.close(made, won=False)
    paid.check("paid", unpaid=0, postings=1)


def test_a_part_that_is_lost(paid: Disputed) -> None:
    """What is left of the money goes back first; then it can be due again."""
    made = paid.dispute(amount=3000)
    paid.close(made, won=False)
    assert paid.left() == 4350
    with pytest.raises(Conflict):
        paid.decide("due_again")
    paid.ask(4350)
    paid.world.work()
    paid.decide("due_again")
    paid.follow()
    assert (paid.payment().state, paid.unpaid(), paid.books()) == ("refunded", 2, {})


def test_disputed_after_it_was_refunded(paid: Disputed) -> None:
    """The money went twice: the city is owed by the bank until it is won."""
    paid.ask(7350)
    paid.world.work()
    made = paid.dispute()
    paid.follow()
    assert paid.payment().held_reason == "disputed"
    paid.close(made, won=True)
    paid.follow()
    assert (paid.payment().state, paid.unpaid(), paid.books()) == ("refunded", 2, {})


def test_a_refund_that_bounces_after_it_was_made_due_again(paid: Disputed) -> None:
    """Lost and due again, then the part that was refunded comes back: held for finance, who cannot
    book what the bank has the rest of, and can send it back; the books stay right."""
    paid.ask(3000)
    paid.world.work()
    made = paid.dispute(amount=4350)
    paid.close(made, won=False)
    paid.decide("due_again")
    paid.bounce()
    assert (paid.payment().state, paid.payment().held_reason) == ("held", "refund_returned")
    assert paid.books() == {("provider:stripe", "CNY"): 3000, ("held", "CNY"): -3000}
    page = paid.world.city_staff().get(f"/cities/hangzhou/payments/{paid.key}").text
    assert "Record as paid" not in page
    assert "We are holding your ¥30.00" in paid.browser.get(f"/me/payments/{paid.key}").text
    with paid.world.inside("hangzhou"), pytest.raises(Conflict):
        book_held(system("test"), paid.key, paid.world.clock())
    paid.ask(3000)
    paid.world.work()
    assert (paid.payment().state, paid.unpaid(), paid.books()) == ("refunded", 2, {})
    assert paid.differences() == ()


@pytest.mark.parametrize(
    ("decision", "state", "account"),
    [("due_again", "held", "held"), ("written_off", "paid", "service:utility_bills")],
)
def test_a_dispute_that_is_won_after_it_was_decided_on(
    paid: Disputed, decision: str, state: str, account: str
) -> None:
    """A bank thinks again: the decision is undone in the books. What is due again stays so until
    finance books the money or sends it back; lost once more, finance decides once more."""
    made = paid.dispute()
    paid.close(made, won=False)
    paid.decide(decision)
    paid.close(made, won=True)
    expected = {("provider:stripe", "CNY"): 7350, (account, "CNY"): -7350}
    for _again in range(2):
        assert (paid.payment().state, paid.books()) == (state, expected)
        paid.follow()
    assert paid.differences() == ()
    if state == "held":
        assert paid.payment().held_reason == "dispute_won"
        assert "will record it as paid or refund it" in paid.browser.get("/me/messages").text
        with paid.world.inside("hangzhou"):
            book_held(system("test"), paid.key, paid.world.clock())
    paid.check("paid", unpaid=0, postings=6 if state == "held" else 5)
    assert paid.books() == {
        ("provider:stripe", "CNY"): 7350,
        ("service:utility_bills", "CNY"): -7350,
    }
    sandbox_money.withdraw(paid.stripe.account, made)
    paid.close(made, won=False)
    assert (paid.payment().state, paid.payment().held_reason) == ("held", "dispute_lost")
    paid.decide(decision)
    assert ("disputed", "CNY") not in paid.books()


def test_lost_after_it_was_refunded(paid: Disputed) -> None:
    """The money went twice, and it is due already: there is nothing to choose, and the city bears
    what the bank took; nothing is owed below zero."""
    paid.ask(7350)
    paid.world.work()
    made = paid.dispute()
    paid.close(made, won=False)
    page = paid.world.city_staff().get(f"/cities/hangzhou/payments/{paid.key}").text
    assert "Close dispute" in page
    assert "Make it due again" not in page
    with pytest.raises(Conflict):
        paid.decide("due_again")
    paid.decide("put_down")
    assert (paid.payment().state, paid.unpaid()) == ("refunded", 2)
    assert paid.books() == {("provider:stripe", "CNY"): -7350, ("written_off", "CNY"): 7350}


def test_lost_after_a_part_was_refunded(paid: Disputed) -> None:
    """What is still owed on goes with the dispute; what had been refunded as well, the city bears."""
    paid.ask(3000)
    paid.world.work()
    made = paid.dispute()
    paid.close(made, won=False)
    paid.decide("due_again")
    assert paid.books() == {("provider:stripe", "CNY"): -3000, ("written_off", "CNY"): 3000}
    paid.close(made, won=True)
    assert paid.books() == {("provider:stripe", "CNY"): 4350, ("held", "CNY"): -4350}


def test_lost_while_it_was_held(world: World) -> None:
    """Money that never counted as paid: it can neither stay paid nor be due again, and no account
    keeps it."""
    paid = Disputed(world, amount=7000)
    assert paid.payment().held_reason == "amount"
    made = paid.dispute()
    paid.close(made, won=False)
    with pytest.raises(Conflict):
        paid.decide("written_off")
    paid.decide("put_down")
    assert (paid.payment().state, paid.unpaid(), paid.books()) == ("refunded", 2, {})
    page = paid.browser.get(f"/me/payments/{paid.key}").text
    assert "Your bank gave you ¥70.00 back" in page
    assert "due again" not in page


@pytest.mark.parametrize("kind", ["dispute", "refund"])
def test_an_event_that_names_a_charge_alone(paid: Disputed, kind: str) -> None:
    """As accounts send it that were made with an older version of the provider's API: the payment
    is found by asking whose charge it is. Another system's charge stays for finance to look at."""
    if kind == "dispute":
        paid.dispute()
    else:
        form = {"payment_intent": paid.payment().provider_reference, "amount": "3000"}
        sandbox_money.refund(paid.stripe.sandbox, paid.stripe.account, form)
    event = [one for one in paid.stripe.events() if one["data"]["object"]["object"] == kind][-1]
    event["data"]["object"] = {**event["data"]["object"], "payment_intent": None}
    foreign = {**event, "id": "evt_foreign"}
    foreign["data"] = {"object": {**event["data"]["object"], "charge": "ch_foreign"}}
    for one in (event, event, foreign):
        assert paid.stripe.send(one).status_code == 200
    for _turn in range(2):
        paid.world.work()
    payment = paid.payment()
    assert (payment.held_reason, payment.refunded) == (
        ("disputed", 0) if kind == "dispute" else (None, 3000)
    )
    with paid.world.inside("hangzhou"):
        assert [one.event_id for one in unmatched_events()] == ["evt_foreign"]


EVENTS = ("charge.dispute.created", "charge.dispute.funds_withdrawn", "charge.dispute.closed")


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
def test_events_of_a_dispute_in_any_order(paid: Disputed, order: tuple[int, ...]) -> None:
    """Late, early and again: one posting each way and the same end."""
    made = paid.dispute()
    sandbox_money.close_dispute(paid.stripe.sandbox, paid.stripe.account, made, won=True)
    events = {event["type"]: event for event in paid.stripe.events()}
    for place in (*order, *order):
        assert paid.stripe.send(events[EVENTS[place]]).status_code == 200
        paid.world.work()
    paid.check("paid", unpaid=0, postings=3)
