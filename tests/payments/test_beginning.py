"""Payments that cannot begin: told why, nothing charged, and what they claimed is free at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from sqlalchemy import func, select
from structlog.testing import capture_logs

from smartcity_saas.audit import system
from smartcity_saas.database import db
from smartcity_saas.payments.models import Payment, PaymentClaim
from smartcity_saas.payments.providers import Checkout
from smartcity_saas.payments.providers.stripe import StripeAccount
from smartcity_saas.payments.settling import abandon
from smartcity_saas.payments.stripe_sandbox import money as sandbox_money
from smartcity_saas.payments.stripe_sandbox.state import Refusal
from tests.conftest import World
from tests.payments.test_payments import Owing


@pytest.fixture
def owing(world: World) -> Iterator[Owing]:
    """A resident who owes two bills, at a sandbox that behaves again afterwards."""
    made = Owing(world)
    yield made
    made.stripe.account.behaviour.least = 0
    made.stripe.account.behaviour.failing = False


def claims(owing: Owing) -> int:
    """How many bills belong to a payment."""
    with owing.world.inside("hangzhou"):
        return int(db.session.scalar(select(func.count(PaymentClaim.id))) or 0)


def pays_after_all(owing: Owing) -> None:
    """The same bills can be paid by a press of the button."""
    assert owing.press().status_code == 303
    owing.stripe.pay()
    assert owing.follow().state == "paid"
    assert owing.unpaid() == 0


REFUSALS = {
    "amount_too_small": "no amount as small as this",
    "amount_too_large": "refused this payment",
    "parameter_invalid_empty": "refused this payment",
    "payment_method_not_available": "refused this payment",
    "": "refused this payment",
}


@pytest.mark.parametrize("code", REFUSALS)
def test_whatever_the_provider_refuses_is_released(
    owing: Owing, monkeypatch: pytest.MonkeyPatch, code: str
) -> None:
    """Any refusal of a page: words, no charge, no claim; another choice and the same one can be
    paid as soon as the provider takes them."""

    def refuse(*_arguments: Any) -> Any:
        raise Refusal(400, "refused", code=code)

    with monkeypatch.context() as patched:
        patched.setattr(sandbox_money, "open_session", refuse)
        answer = owing.press()
    assert answer.status_code == 409
    assert REFUSALS[code] in answer.text
    assert "Nothing was charged" in answer.text
    assert (owing.payment().state, claims(owing)) == ("failed", 0)
    pays_after_all(owing)


def test_parameters_that_changed_meanwhile(owing: Owing) -> None:
    """The first answer was lost, and the city's methods are others by now: the key is used up, and
    a new payment begins by the same press."""
    with_card_only(owing, lambda: lose_the_first_answer(owing))
    pays_after_all(owing)
    with owing.world.inside("hangzhou"):
        states = sorted(db.session.scalars(select(Payment.state)))
    assert states == ["failed", "paid"]


def lose_the_first_answer(owing: Owing) -> None:
    """A page is opened there, and nobody here hears of it."""
    asked = StripeAccount.begin

    def begin(self: StripeAccount, order: Any) -> Checkout | None:
        asked(self, order)
        raise ConnectionError

    StripeAccount.begin = begin  # type: ignore[method-assign]
    try:
        owing.press()
    except ConnectionError:
        pass
    finally:
        StripeAccount.begin = asked  # type: ignore[method-assign]
    assert owing.payment().checkout_id is None


def with_card_only(owing: Owing, before: Callable[[], None]) -> None:
    """Do something, then let the city take cards alone."""
    before()
    text = owing.world.documents().live_revision("hangzhou").text
    owing.world.save(text + "payments: {provider: stripe, methods: [card]}\n")


def test_a_fault_that_the_provider_repeats(owing: Owing) -> None:
    """The same 500 for a day under the same key: never asked again with it."""
    owing.stripe.account.behaviour.failing = True
    answer = owing.press()
    assert answer.status_code in (409, 503)
    owing.stripe.account.behaviour.failing = False
    pays_after_all(owing)


def test_a_clock_behind_the_providers(owing: Owing) -> None:
    """Six minutes: logged with both times, told as what it is, nothing claimed; no page that says
    “not paid”."""
    owing.world.clock.move(minutes=-6)
    with capture_logs() as logged:
        answer = owing.press()
    assert answer.status_code == 409
    assert "clock" in answer.text
    (line,) = [one for one in logged if one["event"] == "stripe_clock_differs"]
    assert line["theirs"]
    assert line["ours"]
    assert (owing.payment().refusal, claims(owing)) == ("clock", 0)
    owing.world.clock.move(minutes=6)
    pays_after_all(owing)


def test_a_page_that_was_never_opened_in_time(owing: Owing) -> None:
    """Written, then nothing for ten minutes: the provider would refuse what is left of its time,
    so the press begins anew."""
    owing.stripe.account.behaviour.down = True
    assert owing.press().status_code == 503
    owing.stripe.account.behaviour.down = False
    owing.world.clock.move(minutes=10)
    owing.stripe.account.idempotent.clear()
    assert owing.press().status_code == 303


def test_finance_ends_what_has_no_page(owing: Owing) -> None:
    """Without asking a provider that does not answer: nobody was led to a page."""
    owing.stripe.account.behaviour.down = True
    assert owing.press().status_code == 503
    payment = owing.payment()
    staff = owing.world.city_staff()
    page = f"/cities/hangzhou/payments/{payment.id}"
    assert staff.post(f"{page}/end", page).status_code == 302
    assert (owing.payment().state, claims(owing)) == ("failed", 0)
    owing.stripe.account.behaviour.down = False
    pays_after_all(owing)


def test_another_choice_ends_what_has_no_page(owing: Owing) -> None:
    """A bill of a payment that never had a page can be paid with others at once."""
    owing.stripe.account.behaviour.down = True
    assert owing.press(owing.bills[0]).status_code == 503
    owing.stripe.account.behaviour.down = False
    pays_after_all(owing)


def test_money_on_a_page_that_was_never_heard_of(owing: Owing) -> None:
    """Its opening was lost, the payment has ended, and it is paid all the same: the event names the
    payment, and the money is booked."""
    lose_the_first_answer(owing)
    payment = owing.payment()
    staff = owing.world.city_staff()
    page = f"/cities/hangzhou/payments/{payment.id}"
    assert staff.post(f"{page}/end", page).status_code == 302
    owing.stripe.pay()
    owing.stripe.send_all()
    owing.check("paid", unpaid=0, postings=1)


def test_a_page_that_opens_after_the_payment_ended(
    owing: Owing, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ended in the moment in which the provider answers: its page is closed, the payment stays
    ended."""
    asked = StripeAccount.begin

    def begin(self: StripeAccount, order: Any) -> Checkout | None:
        found = asked(self, order)
        abandon(system("test"), owing.world.city("hangzhou"), order.id, owing.world.clock())
        return found

    monkeypatch.setattr(StripeAccount, "begin", begin)
    owing.press()
    assert owing.stripe.session()["status"] == "expired"
    assert (owing.payment().state, claims(owing)) == ("failed", 0)
