"""Settling a payment: one posting and the right final state, whatever happens on the way."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import event, func, select

from smartcity_saas.audit import system, verify_city_chain
from smartcity_saas.database import db, transaction
from smartcity_saas.errors import Conflict
from smartcity_saas.payments import stripe_client
from smartcity_saas.payments.ledger import balances
from smartcity_saas.payments.models import Payment, PaymentClaim
from smartcity_saas.payments.providers import PaymentStatus, RefundFact
from smartcity_saas.payments.reconciliation import day_span, reconcile
from smartcity_saas.payments.refunds import book_held, request_refund
from smartcity_saas.payments.repository import locked
from smartcity_saas.payments.settlement import apply_status, sync_payment
from smartcity_saas.payments.states import PaymentState
from smartcity_saas.sandboxes.stripe import money as sandbox_money
from smartcity_saas.services.utility_bills.models import UtilityBill
from smartcity_saas.services.utility_bills.notifications import remind
from tests.support.bills import bring
from tests.support.browser import fresh
from tests.support.payments import POSTING, TWO, Owing, today


def test_paying_two_bills_at_once(owing: Owing) -> None:
    """From the button to the receipt: one payment, one posting, both bills paid."""
    gone = owing.press()
    assert gone.status_code == 303
    assert gone.headers["Location"] == owing.stripe.session()["url"]
    owing.stripe.pay()
    payment = owing.payment()
    page = owing.browser.get(f"/me/payments/{payment.id}?from=provider")
    assert "Paid ¥73.50" in page.text
    owing.check("paid", unpaid=0, postings=1)
    assert owing.postings() == [POSTING]
    receipt = owing.browser.get(f"/me/payments/{payment.id}/receipt.pdf")
    assert receipt.mimetype == "application/pdf"
    assert receipt.data.startswith(b"%PDF")
    assert "Paid ¥73.50" in owing.browser.get("/me/messages").text
    assert "receipt" in owing.browser.get(owing.account).text


def test_the_success_page_asks_the_provider(owing: Owing) -> None:
    """Coming back without having paid is not believed."""
    owing.press()
    page = owing.browser.get(f"/me/payments/{owing.payment().id}?from=provider").text
    assert "is not paid yet" in page
    owing.check("open", unpaid=2, postings=0)


def test_two_tabs_paid_both_takes_the_second_into_holding(owing: Owing) -> None:
    """Expired here, paid there all the same: the money is held, nothing is booked twice, and
    finance sends it back."""
    owing.press()
    first = owing.stripe.session()
    owing.press(owing.bills[0])
    owing.stripe.pay()
    second = owing.follow()
    owing.stripe.pay(first)  # the bank took it after the page was closed
    owing.stripe.send_all()
    with owing.world.inside("hangzhou"):
        held = db.session.scalars(select(Payment).where(Payment.id != second.id)).one()
        assert (held.state, held.held_reason) == ("held", "twice")
        with pytest.raises(Conflict):
            book_held(system("test"), held.id, owing.world.clock())
        assert balances()["held", "CNY"] == -7350
        request_refund(system("test"), held.id, 7350, "paid twice", owing.world.clock())
    owing.world.work()
    with owing.world.inside("hangzhou"):
        assert balances().get(("held", "CNY"), 0) == 0
    assert owing.unpaid() == 1


def test_an_expired_payment_that_is_paid_counts(owing: Owing) -> None:
    """Nothing else claimed the bills: late money pays them."""
    owing.press()
    session = owing.stripe.session()
    sandbox_money.expire(owing.stripe.sandbox, owing.stripe.account, session)
    assert owing.follow().state == "expired"
    owing.stripe.pay(session)
    owing.follow()
    owing.check("paid", unpaid=0, postings=1)


def test_money_that_comes_later(owing: Owing) -> None:
    """``async_payment_succeeded``: on its way first, then paid, once."""
    owing.press()
    owing.stripe.pay(method="alipay", later=True)
    assert owing.follow().state == "processing"
    assert owing.press().status_code == 303, "pressing again leads to the payment under way"
    stripe = owing.stripe
    sandbox_money.settle(stripe.sandbox, stripe.account, stripe.session(), succeeds=True)
    stripe.send_all()
    owing.check("paid", unpaid=0, postings=1)


def test_money_that_never_comes(owing: Owing) -> None:
    """``async_payment_failed``: the bills can be paid again."""
    owing.press()
    owing.stripe.pay(method="alipay", later=True)
    owing.follow()
    stripe = owing.stripe
    sandbox_money.settle(stripe.sandbox, stripe.account, stripe.session(), succeeds=False)
    stripe.send_all()
    owing.check("failed", unpaid=2, postings=0)
    owing.press()
    owing.stripe.pay()
    owing.follow()
    owing.check("paid", unpaid=0, postings=1)


@pytest.mark.parametrize("how", [{"amount": 1}, {"amount": 7351}, {"currency": "usd"}])
def test_another_amount_or_currency_is_held(owing: Owing, how: dict[str, Any]) -> None:
    """What does not add up is never guessed: held, shown to finance, refundable whole."""
    owing.press()
    owing.stripe.pay(**how)
    owing.follow()
    owing.check("held", unpaid=2, postings=1)
    assert owing.postings()[0][1] == "held"
    staff = owing.world.city_staff()
    assert "1 payment is on hold" in staff.get("/cities/hangzhou/payments").text
    payment = owing.payment()
    page = staff.get(f"/cities/hangzhou/payments/{payment.id}").text
    assert "received is not" in page
    with owing.world.inside("hangzhou"):
        now = owing.world.clock()
        request_refund(system("test"), payment.id, payment.received, "wrong", now)
    owing.world.work()
    owing.check("refunded", unpaid=2, postings=2)


def test_paid_at_the_counter_meanwhile(owing: Owing) -> None:
    """The bill was paid elsewhere before the money came: held, with the reason."""
    owing.press()
    bring(owing.world, TWO.replace("2026-11-30,\n", "2026-11-30,2026-11-20\n"))
    owing.stripe.pay()
    owing.follow()
    assert owing.payment().held_reason == "paid"
    assert owing.postings()[0][1] == "held"


def test_followers_at_once_post_once(owing: Owing) -> None:
    """The page, the webhook and the task in the same moment."""
    owing.press()
    owing.stripe.pay()
    city, payment_id = owing.world.city("hangzhou"), owing.payment().id

    def ask() -> str:
        with owing.world.app.app_context(), owing.world.inside("hangzhou"):
            return sync_payment(city, payment_id, owing.world.clock()).state

    with ThreadPoolExecutor(6) as pool:
        states = list(pool.map(lambda _n: fresh(ask), range(6)))  # type: ignore[arg-type]
    assert set(states) == {"paid"}
    owing.check("paid", unpaid=0, postings=1)


def test_nothing_is_held_while_the_provider_is_asked(
    owing: Owing, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Promise: beginning, following, refunding and reconciling hold no transaction, and so no connection,
    while Stripe takes its time; in a transaction, whose locks others wait for, it is not asked."""
    asked: list[bool] = []
    request = stripe_client.Connections.request

    def note(connections: Any, *arguments: Any, **options: Any) -> Any:
        asked.append(db.session().in_transaction())
        return request(connections, *arguments, **options)

    monkeypatch.setattr(stripe_client.Connections, "request", note)
    world, city = owing.world, owing.world.city("hangzhou")
    owing.press()
    key = owing.payment().id
    owing.stripe.pay()
    owing.stripe.send_all()
    owing.check("paid", unpaid=0, postings=1)
    with world.inside("hangzhou"):
        request_refund(system("test"), key, 7350, "test", world.clock())
    world.work()
    owing.check("refunded", unpaid=2, postings=2)
    with world.inside("hangzhou"):
        reconcile(city, *day_span(city, today(world)))
    assert len(asked) >= 7
    assert not any(asked)
    with world.inside("hangzhou"), transaction(), pytest.raises(RuntimeError, match="transaction"):
        sync_payment(city, key, world.clock())


def test_payments_of_an_hour_are_followed_together(owing: Owing) -> None:
    """Promise: what Stripe tells of several payments at once is written by one transaction, one posting
    each; what two events tell of the same payment too; another city's with its own."""
    for bill in owing.bills:
        owing.press(bill)
        owing.stripe.pay()
    for told in owing.stripe.events():
        assert owing.stripe.send(told).status_code == 200
    commits: list[Any] = []
    listen = "commit", commits.append
    db.session.rollback()
    event.listen(db.engine, *listen)
    try:
        owing.world.work()
    finally:
        event.remove(db.engine, *listen)
    assert len(owing.stripe.events()) > 2
    assert len(commits) < 2 * len(owing.stripe.events())
    owing.check("paid", unpaid=0, postings=2)
    with owing.world.inside("hangzhou"):
        assert verify_city_chain().found is None


def test_a_provider_that_does_not_answer_loses_nothing(owing: Owing) -> None:
    """Down while beginning: a page that says so; the same press later leads on. Down while
    asking: the page shows what is known."""
    owing.stripe.account.behaviour.down = True
    refused = owing.press()
    assert refused.status_code == 503
    assert "is not responding" in refused.text
    owing.stripe.account.behaviour.down = False
    assert owing.press().status_code == 303
    owing.stripe.pay()
    owing.stripe.account.behaviour.down = True
    page = owing.browser.get(f"/me/payments/{owing.payment().id}").text
    assert "your money is safe" in page
    owing.stripe.account.behaviour.down = False
    owing.follow()
    owing.check("paid", unpaid=0, postings=1)


def test_what_is_left_open_is_swept(owing: Owing) -> None:
    """A page that nobody paid on is closed after its time; the bills are free again."""
    owing.press()
    owing.world.clock.move(minutes=40)
    owing.stripe.session()["expires_at"] = 0
    owing.world.work()
    owing.check("expired", unpaid=2, postings=0)
    with owing.world.inside("hangzhou"):
        assert db.session.scalar(select(func.count(PaymentClaim.id))) == 0


def test_payments_of_others_do_not_exist(owing: Owing) -> None:
    """Another resident, another city, another city's staff: as if it were not there."""
    owing.press()
    payment = owing.payment()
    stranger = owing.world.resident(subject="parents")
    assert stranger.get(f"/me/payments/{payment.id}").status_code == 404
    assert stranger.post(f"/me/payments/{payment.id}/cancel", "/me").status_code == 404
    assert owing.world.resident("ningbo").get(f"/me/payments/{payment.id}").status_code == 404
    assert owing.press(browser=stranger).status_code == 404
    staff = owing.world.city_staff("ningbo")
    assert staff.get(f"/cities/hangzhou/payments/{payment.id}").status_code == 404
    assert staff.get(f"/cities/ningbo/payments/{payment.id}").status_code == 404


def test_a_bill_that_changes_while_its_page_is_open_is_held(owing: Owing) -> None:
    """Ten yuan never pay a bill of fifteen hundred: the money is held, the bill is due."""
    owing.press()
    bring(owing.world, TWO.replace("43.50", "1500.00"))
    owing.stripe.pay()
    owing.follow()
    assert owing.payment().held_reason == "changed"
    owing.check("held", unpaid=2, postings=1)


def test_a_stale_answer_undoes_nothing(owing: Owing) -> None:
    """An older answer that is applied after a newer one: the ledger goes by what it has."""
    owing.press()
    owing.stripe.pay()
    payment = owing.follow()

    def apply(*states: str) -> None:
        facts = tuple(
            RefundFact(f"re_{n}", 7350, s, None)  # type: ignore[arg-type]
            for n, s in enumerate(states)
        )
        standing = PaymentStatus(
            PaymentState.PAID, 7350, "CNY", payment.provider_reference, "card", facts
        )
        with owing.world.inside("hangzhou"), transaction():
            apply_status(locked(payment.id), standing, owing.world.clock())

    for state in ("pending", "done", "pending", "done", "failed", "done", "pending"):
        apply(state)
    owing.check("held", unpaid=2, postings=3)
    with owing.world.inside("hangzhou"):
        assert balances()["provider:stripe", "CNY"] == 7350


def test_a_payment_that_the_provider_does_not_know_can_be_ended(owing: Owing) -> None:
    """The city changed its account: a page that says so, and finance ends it; a payment that is
    known cannot be ended."""
    owing.press()
    payment = owing.payment()
    staff = owing.world.city_staff()
    page = f"/cities/hangzhou/payments/{payment.id}"
    assert staff.post(f"{page}/end", page).status_code == 409
    owing.stripe.account.objects.clear()
    assert owing.browser.get(f"/me/payments/{payment.id}").status_code == 200
    assert staff.post(f"{page}/end", page).status_code == 302
    owing.check("failed", unpaid=2, postings=0)
    assert owing.press().status_code == 303


@pytest.mark.parametrize("path", ["?service=%00", "?since=9999-99-99", "?text=%00&state=x"])
def test_odd_searches_of_finance(owing: Owing, path: str) -> None:
    """Never a fault."""
    staff = owing.world.city_staff()
    assert staff.get(f"/cities/hangzhou/payments{path}").status_code in (200, 400)


def test_finance_finds_a_payment_by_its_number(owing: Owing) -> None:
    """The search box's own name is no switch of the page's."""
    owing.press()
    number = owing.payment().number
    staff = owing.world.city_staff()
    assert number in staff.get(f"/cities/hangzhou/payments?text={number.lower()}").text
    assert number not in staff.get("/cities/hangzhou/payments?text=ABCDEF").text
    for day in ("9999-12-31", "0001-01-01", "soon"):
        answer = staff.post("/cities/hangzhou/payments/closings", day=day)
        assert answer.status_code == 422


def test_work_that_was_given_up_can_be_tried_again(
    owing: Owing, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Finance sees it and puts it back in line."""
    owing.press()
    owing.stripe.pay()
    for told in owing.stripe.events():
        owing.stripe.send(told)
    tasks = owing.world.app.product.tasks
    monkeypatch.setitem(tasks, "payments.follow", lambda payload, now: 1 / 0)
    for _try in range(45):
        owing.world.work()
        owing.world.clock.move(hours=2)
    staff = owing.world.city_staff()
    assert "stopped retrying" in staff.get("/cities/hangzhou/payments").text
    monkeypatch.undo()
    assert (
        staff.post("/cities/hangzhou/payments/tasks", "/cities/hangzhou/payments").status_code
        == 302
    )
    owing.world.work()
    owing.check("paid", unpaid=0, postings=1)


def test_reminders_come_once(owing: Owing) -> None:
    """Three days before a bill is due, to whoever linked it; not again, and not after."""
    with owing.world.inside("hangzhou"):
        due = db.session.scalars(select(UtilityBill.due_on)).first()
    before = datetime(due.year, due.month, due.day, 1, tzinfo=ZoneInfo("Asia/Shanghai"))  # type: ignore[union-attr]
    owing.world.clock.now = (before - timedelta(days=2)).astimezone(UTC)
    for _time in range(2):
        with owing.world.inside("hangzhou"):
            remind(owing.world.clock())
    browser = owing.world.resident()
    assert browser.get("/me/messages").text.count("is due by") == 2
