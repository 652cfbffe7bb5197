"""The fee of an application: paid with sending, back whole where it is withdrawn in time."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import select, update

from smartcity_saas.audit import system
from smartcity_saas.clock import today_in
from smartcity_saas.database import db, transaction
from smartcity_saas.forms.drafts import KEPT_FOR
from smartcity_saas.forms.fees import RETURN_FEE, return_fee
from smartcity_saas.forms.models import Application, ApplicationState, EventKind
from smartcity_saas.notifications.models import Message
from smartcity_saas.outbox.models import OutboxTask
from smartcity_saas.payments.ledger import balances
from smartcity_saas.payments.models import Payment, Refund
from smartcity_saas.payments.refunds import request_refund
from smartcity_saas.payments.settlement import sync_payment
from smartcity_saas.sandboxes.stripe import money
from tests.support.application_desk import CERTIFICATE, DESK, clerk, send_decision, take
from tests.support.applications import (
    PERMIT,
    begin,
    define,
    events,
    fill,
    row_of,
    stored,
)
from tests.support.browser import Browser
from tests.support.problem_reports import at_once
from tests.support.world import World

TAKEN = {"provider:stripe": 2000, "service:residence_permit_renewal": -2000}


class PaidForm:
    """A city whose form costs ¥20, with levers."""

    def __init__(self, world: World, city: str = "hangzhou", entry: str = PERMIT) -> None:
        self.world, self.city = world, city
        self.stripe = world.open_payments(city)
        define(world, city, "20.00", entry)
        self.browser: Browser = world.resident(city)

    def press(self) -> str:
        """Fill in and press “send and pay”; returns the number."""
        number = begin(self.browser)
        fill(self.browser, number)
        here = f"/applications/{number}"
        assert self.browser.post(f"{here}/submit", f"{here}/check").status_code == 303
        return number

    def sent(self) -> str:
        """Send and pay; returns the number."""
        number = self.press()
        self.stripe.pay()
        self.follow()
        return number

    def empty(self, number: str) -> None:
        """Let no answer of a draft stand, so that it cannot be sent."""
        none = row_of(self.world, begin(self.world.resident(subject="parents"))).sealed
        with self.world.inside(self.city), transaction() as session:
            of = Application.number == number
            session.execute(update(Application).where(of).values(sealed=none))

    def payment(self) -> Payment:
        """The newest payment, as it is stored."""
        with self.world.inside(self.city):
            return db.session.scalars(select(Payment).order_by(Payment.id.desc()).limit(1)).one()

    def follow(self) -> Payment:
        """Ask the provider."""
        payment = self.payment()
        with self.world.inside(self.city):
            return sync_payment(self.world.city(self.city), payment.id, self.world.clock())

    def withdraw(self, number: str, **fields: str) -> Any:
        """Press “withdraw” on its page, with what that says of the fee."""
        there = f"/applications/{number}/withdraw"
        page = self.browser.get(there).text
        told = re.search(r'name="fee" value="(\w+)"', page)
        fields = {**({"fee": told[1]} if told else {}), **fields}
        return self.browser.post(there, "/me", **fields)

    def work(self) -> None:
        """Let the outbox run until nothing is due."""
        for _round in range(6):
            if not self.world.work():
                break

    def refunds(self) -> list[tuple[int, str]]:
        """Every refund: amount and state."""
        with self.world.inside(self.city):
            rows = db.session.scalars(select(Refund).order_by(Refund.id))
            return [(row.amount, str(row.state)) for row in rows]

    def books(self) -> dict[str, int]:
        """What stands in each account."""
        with self.world.inside(self.city):
            return {name: amount for (name, _code), amount in balances().items() if amount}

    def told(self) -> list[tuple[str, str]]:
        """Messages in English, the oldest first."""
        with self.world.inside(self.city):
            rows = db.session.scalars(select(Message).order_by(Message.id))
            return [(row.title["en"], row.body["en"]) for row in rows]


@pytest.mark.parametrize("sendable", [True, False])
def test_the_number_is_told_before_the_receipt(world: World, sendable: bool) -> None:
    """Promise: the page on which one comes back from paying tells the number first, with the way to the
    application; of one that cannot be sent, that it was not."""
    form = PaidForm(world)
    number = form.press()
    if not sendable:
        form.empty(number)
    form.stripe.pay()
    page = form.browser.get(f"/me/payments/{form.payment().id}?from=provider").text
    told = "Your application is sent." if sendable else "Paid, and not sent yet"
    assert page.index(told) < page.index(number) < page.index("Receipt")
    assert page.index(f'href="/applications/{number}"') < page.index("Receipt")
    assert row_of(world, number).is_draft is not sendable


@pytest.mark.parametrize("city", ["hangzhou", "ningbo"])
def test_withdrawn_in_time_the_whole_fee_goes_back(world: World, city: str) -> None:
    """Promise: what nobody has taken over is refunded whole, once, however often withdrawing is pressed
    and the task runs; form, page, message, timeline and API say so; it cannot be opened again, and
    applying anew is a fee anew."""
    form = PaidForm(world, city)
    landing = form.browser.get("/services/residence-permit-renewal").text
    assert "it goes back whole by itself" in landing
    number = form.sent()
    here = f"/applications/{number}"
    api = f"/api/v1{here}"
    assert form.browser.get(api).json["fee_comes_back"] is True  # type: ignore[index]
    assert (
        "The whole fee of ¥20.00 goes back by itself" in form.browser.get(f"{here}/withdraw").text
    )
    assert form.withdraw(number).status_code == 303
    assert form.withdraw(number).status_code == 409
    assert any("The fee of ¥20.00 goes back to the card" in body for _title, body in form.told())
    form.work()
    payment = {"payment": str(form.payment().id)}
    with world.inside(city):
        return_fee(payment, world.clock())
    form.work()
    assert form.refunds() == [(2000, "done")]
    assert form.payment().state == "refunded"
    assert form.books() == {}
    assert form.told()[-1][0] == "¥20.00 is on its way back to you"
    page = form.browser.get(here).text
    assert "The whole fee goes back" in page
    assert "given back" in page
    answer = form.browser.get(api).json
    assert (answer["fee_comes_back"], answer["paid"]) == (True, False)  # type: ignore[index]
    assert events(world, number, city)[-2:] == [EventKind.WITHDRAWN, EventKind.FEE_RETURNING]
    again = form.browser.post(f"{here}/reopen", "/me", reason="I have changed my mind.")
    assert again.status_code == 409
    anew = form.sent()
    assert anew != number
    assert row_of(world, anew, city).state is ApplicationState.RECEIVED
    assert form.books() == TAKEN


@pytest.mark.parametrize("since", ["taken", "put_back", "reopened"])
def test_what_was_taken_over_says_that_the_fee_stays(world: World, since: str) -> None:
    """Promise: once a member of staff has taken it over, however it stands since, the fee does not go
    back by itself: said before withdrawing and after it, with whom to ask."""
    form = PaidForm(world, entry=CERTIFICATE)
    number = form.sent()
    here = f"/applications/{number}"
    desk = clerk(world, "wu.min")
    if since == "reopened":
        send_decision(desk, number, "refused", "The lease does not name you.")
        assert form.browser.post(f"{here}/reopen", here, reason="It does name me.").status_code
        assert row_of(world, number).state is ApplicationState.RECEIVED
    else:
        take(desk, number)
    if since == "put_back":
        desk.post(f"{DESK}/{number}/put-back", f"{DESK}/{number}")
    page = form.browser.get(f"{here}/withdraw").text
    assert "The fee of ¥20.00 does not come back by itself" in page
    assert f'{here}#write"' in page
    assert "12345" in page
    assert form.browser.get(f"/api/v1{here}").json["fee_comes_back"] is False  # type: ignore[index]
    assert form.withdraw(number).status_code == 303
    form.work()
    assert (form.refunds(), form.books()) == ([], TAKEN)
    assert events(world, number)[-1] is EventKind.WITHDRAWN
    assert "does not come back by itself. Call 12345" in form.told()[-1][1]


def test_whoever_was_told_otherwise_is_asked_again(world: World) -> None:
    """Promise: where the desk takes it over after the page was read, nothing is withdrawn: the page
    comes again with what is so now. A program may say what it was told, and is refused likewise."""
    form = PaidForm(world)
    number = form.sent()
    here = f"/applications/{number}"
    take(clerk(world, "wu.min"), number)
    page = form.withdraw(number, fee="back")
    assert page.status_code == 409
    assert "The fee has just changed" in page.text
    assert "does not come back by itself" in page.text
    headers = {
        "X-CSRFToken": form.browser.token("/me"),
        "Origin": f"http://{form.browser.host}",
    }
    for body, status in (({"fee_comes_back": True}, 409), ({"fee_comes_back": False}, 204)):
        assert row_of(world, number).state is ApplicationState.IN_REVIEW
        answer = form.browser.client.post(
            f"/api/v1{here}/withdraw",
            base_url=f"http://{form.browser.host}",
            json=body,
            headers=headers,
        )
        assert answer.status_code == status, answer.text
    form.work()
    assert form.refunds() == []


@pytest.mark.parametrize("rival", ["withdrawal", "desk"])
def test_at_once(world: World, rival: str) -> None:
    """Promise: withdrawn twice in one moment the fee goes back once; against the desk that takes it over,
    either it is withdrawn and the fee is back, or it is taken over and nothing is withdrawn."""
    form = PaidForm(world)
    number = form.sent()
    desk = clerk(world, "wu.min")
    tokens = form.browser.token("/me"), desk.token(f"{DESK}/{number}")

    def press(browser: Browser, path: str, token: str) -> Callable[[], int]:
        def act() -> int:
            data = {"csrf_token": token, "fee": "back"}
            headers = {"Origin": f"http://{browser.host}"}
            host = f"http://{browser.host}"
            return browser.client.post(path, base_url=host, data=data, headers=headers).status_code

        return act

    other = world.resident()
    second = (
        press(other, f"/applications/{number}/withdraw", other.token("/me"))
        if rival == "withdrawal"
        else press(desk, f"{DESK}/{number}/take", tokens[1])
    )
    found = at_once(press(form.browser, f"/applications/{number}/withdraw", tokens[0]), second)
    form.work()
    if rival == "withdrawal":
        assert sorted(found) == [303, 409]
    if row_of(world, number).state is ApplicationState.WITHDRAWN:
        assert (form.refunds(), form.books()) == ([(2000, "done")], {})
    else:
        assert found == [409, 303]
        assert (form.refunds(), form.books()) == ([], TAKEN)


def test_money_on_its_way_waits(world: World) -> None:
    """Promise: while the money is on its way nothing is erased; it arrives and the application is sent;
    withdrawn then, it goes back. Refused by the bank, the draft is erased and owes nothing."""
    form = PaidForm(world)
    for succeeds in (True, False):
        number = form.press()
        form.stripe.pay(later=True)
        assert form.follow().is_processing
        answer = form.withdraw(number)
        assert answer.status_code == 409
        assert "Its fee is being paid" in answer.text
        money.settle(
            form.stripe.sandbox, form.stripe.account, form.stripe.session(), succeeds=succeeds
        )
        form.follow()
        assert form.withdraw(number).status_code == 303
        form.work()
        assert (stored(world, number) is None) is not succeeds
        assert (form.refunds(), form.books()) == ([(2000, "done")], {})


def test_withdrawing_as_the_money_arrives_loses_none(world: World) -> None:
    """Promise: a draft that is erased in the moment in which its fee arrives is either sent and can be
    withdrawn, or gone; no money stays behind without a word."""
    form = PaidForm(world)
    number = form.press()
    form.stripe.pay()

    def arrives() -> Payment:
        with world.app.app_context():
            return form.follow()

    found = at_once(arrives, lambda: form.withdraw(number))
    assert not any(isinstance(one, Exception) for one in found), found
    if row_of(world, number).state is not ApplicationState.WITHDRAWN:  # it came after the money
        assert row_of(world, number).state is ApplicationState.RECEIVED
        assert form.withdraw(number).status_code == 303
    form.work()
    assert (form.refunds(), form.books()) == ([(2000, "done")], {})


def test_a_paid_draft_is_erased_and_its_fee_goes_back(world: World) -> None:
    """Promise: a fee that arrived for a draft that could not be sent by then is not lost with it."""
    form = PaidForm(world)
    number = form.press()
    form.empty(number)
    form.stripe.pay()
    form.follow()
    assert row_of(world, number).is_draft
    assert "goes back by itself" in form.browser.get(f"/applications/{number}/withdraw").text
    assert form.withdraw(number).headers["Location"] == "/applications"
    form.work()
    assert stored(world, number) is None
    assert (form.refunds(), form.books()) == ([(2000, "done")], {})


def test_a_draft_whose_fee_went_back_is_not_kept_for_good(world: World) -> None:
    """Promise: a draft stays while its fee is paid; once finance has sent that back it is erased like any
    other, thirty days after it was saved last."""
    form = PaidForm(world)
    number = form.press()
    saved_at = row_of(world, number).saved_at
    form.empty(number)
    form.stripe.pay()
    payment = form.follow()
    assert row_of(world, number).erase_on is None
    with world.inside("hangzhou"):
        request_refund(system("finance"), payment.id, 2000, "cannot be sent", world.clock())
    form.work()
    row = row_of(world, number)
    assert (row.payment_id, row.erase_on) == (None, today_in("Asia/Shanghai", saved_at + KEPT_FOR))


def test_a_disputed_payment_goes_back_after_the_dispute(world: World) -> None:
    """Promise: while the payer's bank has the money nothing is sent twice; once the dispute is won, it
    goes back."""
    form = PaidForm(world)
    number = form.sent()
    stripe = form.stripe
    made = money.dispute(stripe.sandbox, stripe.account, stripe.session())
    form.follow()
    assert form.withdraw(number).status_code == 303
    form.work()
    assert form.refunds() == []
    money.close_dispute(stripe.sandbox, stripe.account, made, won=True)
    form.follow()
    world.clock.move(days=1, minutes=1)
    form.work()
    assert form.refunds() == [(2000, "done")]
    with world.inside("hangzhou"):
        query = select(OutboxTask).where(OutboxTask.kind == RETURN_FEE)
        assert all(one.done_at for one in db.session.scalars(query))


def test_a_refund_that_bounces_is_not_sent_again_by_itself(world: World) -> None:
    """Promise: where the payer's bank sends the money back, finance decides; the task, run again, asks for
    no second refund."""
    form = PaidForm(world)
    number = form.sent()
    form.withdraw(number)
    form.work()
    stripe, payment = form.stripe, {"payment": str(form.payment().id)}
    made = [one for one in stripe.account.objects.values() if one["object"] == "refund"]
    money.settle_refund(stripe.sandbox, stripe.account, made[-1], succeeds=False)
    form.follow()
    with world.inside("hangzhou"):
        return_fee(payment, world.clock())
    form.work()
    assert form.refunds() == [(2000, "failed")]
    assert form.books()["provider:stripe"] == 2000


def test_what_finance_gave_back_is_not_given_twice(world: World) -> None:
    """Promise: of a fee of which finance has sent a part back, the rest goes back, and no more."""
    form = PaidForm(world)
    number = form.sent()
    payment = form.payment().id
    with world.inside("hangzhou"):
        request_refund(system("finance"), payment, 500, "goodwill", world.clock())
    form.work()
    assert form.withdraw(number).status_code == 303
    form.work()
    assert (form.refunds(), form.books()) == ([(500, "done"), (1500, "done")], {})
