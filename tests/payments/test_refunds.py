"""Refunds: sent once whatever is lost, in a true state whatever becomes of them, and reported each
under a key of its own."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from smartcity_saas.audit import system
from smartcity_saas.database import db, transaction
from smartcity_saas.errors import Invalid
from smartcity_saas.payments.ledger import balances
from smartcity_saas.payments.models import Payment
from smartcity_saas.payments.providers import ProviderUnreachable
from smartcity_saas.payments.providers.stripe import StripeAccount
from smartcity_saas.payments.refunds import book_held, carry_out, request_refund
from smartcity_saas.payments.repository import refunds_of
from smartcity_saas.payments.settlement import sync_payment
from smartcity_saas.sandboxes.stripe import money as sandbox_money
from tests.support.back_office import BackOffice
from tests.support.browser import fresh
from tests.support.linked_office import linked as linked_at_office
from tests.support.payments import Owing, Paid, today
from tests.support.world import World

PAY = "/services/utility-bills/pay"


@pytest.fixture
def paid(world: World) -> Paid:
    """A payment of 73.50 that came."""
    return Paid(world)


def lose_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    """The provider takes a refund, and its answer never comes."""
    asked = StripeAccount.refund

    def refund(self: StripeAccount, *arguments: Any) -> None:
        asked(self, *arguments)
        raise ProviderUnreachable

    monkeypatch.setattr(StripeAccount, "refund", refund)


@pytest.mark.parametrize("hours", [0, 1, 23, 25, 200])
def test_a_lost_answer_never_sends_twice(
    paid: Paid, monkeypatch: pytest.MonkeyPatch, hours: int
) -> None:
    """Whenever it is tried again, with the provider's memory of the key or without: one refund."""
    paid.ask(3000)
    with monkeypatch.context() as patched:
        lose_answers(patched)
        paid.world.work()
    assert [row.state for row in paid.rows()] == ["requested"]
    if hours > 24:
        paid.stripe.account.idempotent.clear()
    paid.world.clock.move(hours=hours, minutes=5)
    paid.world.work()
    assert [one["amount"] for one in paid.there()] == [3000]
    assert [row.state for row in paid.rows()] == ["done"]
    assert paid.payment().refunded == 3000


def test_a_second_fact_is_a_refund_of_its_own(paid: Paid) -> None:
    """Two refunds at the provider that carry the same request: both are posted, both count, and
    nothing more may go back than came."""
    paid.ask(3000)
    paid.world.work()
    (first,) = paid.there()
    form = {
        "payment_intent": first["payment_intent"],
        "amount": "3000",
        "metadata": first["metadata"],
    }
    sandbox_money.refund(paid.stripe.sandbox, paid.stripe.account, form)
    for _again in range(2):
        paid.follow()
    assert paid.payment().refunded == 6000
    assert paid.left() == 1350
    assert len({row.provider_reference for row in paid.rows()}) == 2


def test_both_facts_in_the_first_answer(paid: Paid) -> None:
    """Neither was known here before: one is what was asked for, the other one of its own."""
    with paid.world.inside("hangzhou"):
        request_refund(system("test"), paid.key, 3000, "x", paid.world.clock())
    (row,) = paid.rows()
    for _twice in range(2):
        form = {
            "payment_intent": paid.payment().provider_reference,
            "amount": "3000",
            "metadata": {"refund_id": str(row.id)},
        }
        sandbox_money.refund(paid.stripe.sandbox, paid.stripe.account, form)
    paid.world.work()
    assert paid.payment().refunded == 6000
    assert sorted(row.state for row in paid.rows()) == ["done", "done"]
    assert len(paid.there()) == 2, "nothing is sent a third time"


def test_another_account_ends_the_refund_in_words(paid: Paid) -> None:
    """The city's account at the provider changed: the refund ends, says why, and blocks nothing;
    with the old key back, a refund that had gone out all the same is booked."""
    kept = dict(paid.stripe.account.objects)
    paid.ask(3000)
    paid.stripe.account.objects.clear()
    paid.world.work()
    (row,) = paid.rows()
    assert (row.state, row.failure) == ("failed", "other_account")
    assert paid.left() == 7350
    staff = paid.world.city_staff()
    page = staff.get(f"/cities/hangzhou/payments/{paid.payment().id}").text
    assert "does not know this payment" in page
    paid.stripe.account.objects.update(kept)
    form = {
        "payment_intent": paid.payment().provider_reference,
        "amount": "3000",
        "metadata": {"refund_id": str(row.id)},
    }
    sandbox_money.refund(paid.stripe.sandbox, paid.stripe.account, form)
    paid.follow()
    (row,) = paid.rows()
    assert (row.state, row.failure, paid.payment().refunded) == ("done", None, 3000)


def test_each_end_says_why(paid: Paid) -> None:
    """Refused, and sent back by the bank: failed, each with its own words for finance."""
    form = {"payment_intent": paid.payment().provider_reference, "amount": "5000"}
    sandbox_money.refund(paid.stripe.sandbox, paid.stripe.account, form)
    paid.ask(5000)
    paid.world.work()
    assert {row.failure for row in paid.rows() if row.state == "failed"} == {"refused"}
    paid.bounce()
    assert {row.failure for row in paid.rows() if row.state == "failed"} == {"refused", "bounced"}
    staff = paid.world.city_staff()
    page = staff.get(f"/cities/hangzhou/payments/{paid.payment().id}").text
    assert "The payment provider refused to send it" in page
    assert "The bank sent it back" in page


def test_the_office_hears_of_every_turn(world: World, office: BackOffice) -> None:
    """Paid, gone back whole, bounced, booked again, and all of it once more: the office's last word
    is how it stands, each time under a key of its own."""
    stripe = world.open_payments()
    browser, account = linked_at_office(world)
    bill = browser.get(account).text.partition('name="bill" value="')[2].partition('"')[0]
    assert browser.post(PAY, account, bill=[bill]).status_code == 303
    stripe.pay()
    with world.inside("hangzhou"):
        payment_id = db.session.query(Payment.id).scalar()

    def settle() -> None:
        with world.inside("hangzhou"):
            sync_payment(world.city("hangzhou"), payment_id, world.clock())
        world.work()
        world.work()

    def last() -> dict[str, Any]:
        found: dict[str, Any] = list(office.told.values())[-1]
        return found

    settle()
    assert last()["period"] == "2026-10"
    for turn in range(2):
        with world.inside("hangzhou"):
            request_refund(system("t"), payment_id, 4350, "all", world.clock())
        world.work()
        settle()
        assert "period" not in last()
        refund = [o for o in stripe.account.objects.values() if o["object"] == "refund"][-1]
        sandbox_money.settle_refund(stripe.sandbox, stripe.account, refund, succeeds=False)
        settle()
        with world.inside("hangzhou"):
            book_held(system("t"), payment_id, world.clock())
        settle()
        assert last()["paid_on"] == str(today(world))
        assert len(office.told) == 3 + 2 * turn


def test_a_late_reversal_never_has_the_last_word(world: World, office: BackOffice) -> None:
    """The office was away while a payment went back and was booked again: it hears that it is
    paid, and nothing of the way there that would undo it."""
    stripe = world.open_payments()
    browser, account = linked_at_office(world)
    bill = browser.get(account).text.partition('name="bill" value="')[2].partition('"')[0]
    browser.post(PAY, account, bill=[bill])
    stripe.pay()
    city = world.city("hangzhou")
    with world.inside("hangzhou"):
        payment_id = db.session.query(Payment.id).scalar()
        sync_payment(city, payment_id, world.clock())
        request_refund(system("t"), payment_id, 4350, "all", world.clock())
    form = {"payment_intent": stripe.session()["payment_intent"]}
    with world.inside("hangzhou"), transaction():
        form["metadata"] = {"refund_id": str(refunds_of(payment_id)[0].id)}
    refund = sandbox_money.refund(stripe.sandbox, stripe.account, form)
    with world.inside("hangzhou"):
        sync_payment(city, payment_id, world.clock())
    sandbox_money.settle_refund(stripe.sandbox, stripe.account, refund, succeeds=False)
    with world.inside("hangzhou"):
        sync_payment(city, payment_id, world.clock())
        book_held(system("t"), payment_id, world.clock())
    for _time in range(3):
        world.work()
    assert office.told
    assert all("period" in one for one in office.told.values())


def test_refunds_in_parts_and_never_more_than_was_paid(owing: Owing) -> None:
    """A part, the rest, and not a fen more; the last of it makes the bills due again."""
    owing.press()
    owing.stripe.pay()
    payment = owing.follow()
    staff = owing.world.city_staff()
    page = f"/cities/hangzhou/payments/{payment.id}"
    for amount, status in (("13.50", 302), ("60.01", 422), ("0", 422), ("-1", 422), ("x", 422)):
        answer = staff.post(f"{page}/refunds", page, amount=amount, reason="test")
        assert answer.status_code == status, amount
    owing.check("paid", unpaid=0, postings=2)
    assert staff.post(f"{page}/refunds", page, amount="60", reason="").status_code == 422
    assert staff.post(f"{page}/refunds", page, amount="60.00", reason="rest").status_code == 302
    owing.check("refunded", unpaid=2, postings=3)
    with owing.world.inside("hangzhou"):
        assert set(balances().values()) == {0}
    page = staff.get("/cities/hangzhou/audit").text
    assert "Amount: ¥13.50" in page, "people read amounts, not minor units"


@pytest.mark.parametrize("amount, wrong", [("1", {"reason"}), ("x", {"amount", "reason"})])
def test_a_refund_without_a_reason_is_refused_at_the_reason(
    owing: Owing, amount: str, wrong: set[str]
) -> None:
    """Promise: what is missing is said at its own field and not at another; nothing goes back."""
    owing.press()
    owing.stripe.pay()
    payment = owing.follow()
    page = f"/cities/hangzhou/payments/{payment.id}"
    answer = owing.world.city_staff().post(f"{page}/refunds", page, amount=amount, reason=" ")
    assert answer.status_code == 422
    assert set(re.findall(r'id="(\w+)-error"', answer.text)) == wrong
    assert set(re.findall(r'<li><a href="#(\w+)">', answer.text)) == wrong
    with owing.world.inside("hangzhou"):
        assert refunds_of(payment.id) == []


@pytest.mark.parametrize(
    "amount, said",
    [
        ("1E+1", "spreadsheet"),
        ("1_0", "underscore"),
        ("1,000.00", "thousands"),
        ("10,50", "comma for its decimals"),
        ("10.505", "more than 2 decimal places"),
        ("-1", "below zero"),
    ],
)
def test_a_refund_typed_in_another_form_names_its_cause(
    owing: Owing, amount: str, said: str
) -> None:
    """Nothing is sent back, and what was typed stays in the field."""
    owing.press()
    owing.stripe.pay()
    payment = owing.follow()
    page = f"/cities/hangzhou/payments/{payment.id}"
    answer = owing.world.city_staff().post(f"{page}/refunds", page, amount=amount, reason="x")
    assert answer.status_code == 422
    assert said in answer.text
    assert f'value="{amount}"' in answer.text
    with owing.world.inside("hangzhou"):
        assert refunds_of(payment.id) == []


def test_refunds_at_once_never_exceed_what_came(owing: Owing) -> None:
    """Eight people refund the whole in the same moment: one of them does."""
    owing.press()
    owing.stripe.pay()
    payment = owing.follow()

    def refund() -> bool:
        with owing.world.app.app_context(), owing.world.inside("hangzhou"):
            try:
                request_refund(system("t"), payment.id, 7350, "race", owing.world.clock())
            except Invalid:
                return False
            return True

    with ThreadPoolExecutor(8) as pool:
        done = list(pool.map(lambda _n: fresh(refund), range(8)))  # type: ignore[arg-type]
    assert sum(map(bool, done)) == 1


def test_a_slow_refund_and_one_that_comes_back(owing: Owing) -> None:
    """Alipay refunds are pending first; a bank may send one back: the ledger follows."""
    owing.press()
    owing.stripe.pay(method="alipay")
    payment = owing.follow()
    with owing.world.inside("hangzhou"):
        request_refund(system("test"), payment.id, 7350, "all", owing.world.clock())
    owing.world.work()
    owing.check("paid", unpaid=0, postings=1)
    stripe = owing.stripe
    (refund,) = [o for o in stripe.account.objects.values() if o["object"] == "refund"]
    sandbox_money.settle_refund(stripe.sandbox, stripe.account, refund, succeeds=True)
    owing.follow()
    owing.check("refunded", unpaid=2, postings=2)
    sandbox_money.settle_refund(stripe.sandbox, stripe.account, refund, succeeds=False)
    owing.follow()
    owing.check("held", unpaid=2, postings=3)
    with owing.world.inside("hangzhou"):
        book_held(system("test"), payment.id, owing.world.clock())
    owing.check("paid", unpaid=0, postings=4)


def test_a_refund_killed_midway_is_sent_once(owing: Owing) -> None:
    """Asked twice of the provider, it is one refund: the key is ours."""
    owing.press()
    owing.stripe.pay()
    payment = owing.follow()
    with owing.world.inside("hangzhou"):
        request_refund(system("test"), payment.id, 100, "part", owing.world.clock())
        row = owing.world.city("hangzhou")
        refund_id = refunds_of(payment.id)[0].id
        for _time in range(3):
            carry_out(row, refund_id, owing.world.clock())
    owing.world.work()
    owing.check("paid", unpaid=0, postings=2)
    assert len([o for o in owing.stripe.account.objects.values() if o["object"] == "refund"]) == 1


def test_a_refund_that_the_provider_refuses_blocks_nothing(owing: Owing) -> None:
    """Refunded in the provider's own console first: ours is refused, noted, and the rest can
    still go back."""
    owing.press()
    owing.stripe.pay()
    payment = owing.follow()
    form = {"payment_intent": owing.stripe.session()["payment_intent"], "amount": "4000"}
    sandbox_money.refund(owing.stripe.sandbox, owing.stripe.account, form)
    with owing.world.inside("hangzhou"):
        now = owing.world.clock()
        request_refund(system("test"), payment.id, 5000, "too much by now", now)
    owing.world.work()
    with owing.world.inside("hangzhou"):
        assert sorted(row.state for row in refunds_of(payment.id)) == ["done", "failed"]
        request_refund(system("test"), payment.id, 3350, "the rest", now)
    owing.world.work()
    owing.check("refunded", unpaid=2, postings=3)
