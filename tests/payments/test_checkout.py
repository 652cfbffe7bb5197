"""Payments that cannot begin: told why, nothing charged, and what they claimed is free at once."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable, Iterator
from datetime import date
from typing import Any

import pytest
from sqlalchemy import func, select, update
from structlog.testing import capture_logs

from smartcity_saas.audit import system
from smartcity_saas.database import db, transaction
from smartcity_saas.payments.models import Payment, PaymentClaim
from smartcity_saas.payments.providers import Checkout
from smartcity_saas.payments.providers.stripe import StripeAccount
from smartcity_saas.payments.settlement import abandon
from smartcity_saas.sandboxes.stripe import money as sandbox_money
from smartcity_saas.sandboxes.stripe.state import Refusal
from smartcity_saas.services.utility_bills.models import UtilityBill
from tests.support.bills import linked
from tests.support.payments import PAY, Owing
from tests.support.tickets import LICENCE, RED
from tests.support.tickets import ROOT as TICKETS
from tests.support.tickets import bring as bring_tickets
from tests.support.tickets import linked as linked_vehicle
from tests.support.world import World


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
    "amount_too_small": "too small for the payment provider",
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
    assert "You have not been charged" in answer.text
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


def pay_button(page: str) -> str:
    """The button and what stands beside it, as a browser with scripts shows them."""
    return page.partition('<button class="wide" aria-describedby')[2].partition("<noscript>")[0]


def test_too_little_is_said_before_pressing(owing: Owing) -> None:
    """Where the provider's least amount is known: off, with the amount; more together is taken;
    whoever sends it all the same hears the same, and nothing is claimed."""
    text = owing.world.documents().live_revision("hangzhou").text
    owing.world.save(text + "site: {currency: HUF}\n")
    with owing.world.inside("hangzhou"), transaction() as session:
        session.execute(
            update(UtilityBill)
            .where(UtilityBill.id.in_([uuid.UUID(bill) for bill in owing.bills]))
            .values(currency="HUF", amount=10_000)
        )
    page = owing.browser.get(owing.account).text
    assert "disabled" not in pay_button(page)
    assert 'data-least="17500"' in page
    assert "The smallest amount you can pay here is HUF 175.00" in page
    answer = owing.press(owing.bills[0])
    assert answer.status_code == 409
    assert "HUF 175.00" in answer.text
    assert claims(owing) == 0
    with owing.world.inside("hangzhou"), transaction() as session:
        session.execute(update(UtilityBill).values(amount=5_000))
    button = pay_button(owing.browser.get(owing.account).text)
    assert " disabled" in button
    assert "The smallest amount you can pay here is HUF 175.00" in button


def test_what_the_provider_called_too_little_is_remembered(owing: Owing) -> None:
    """In a currency whose least amount only the provider knows: told at the first press, said
    before the next one; it stops nobody, as it may be taken by then."""
    owing.stripe.account.behaviour.least = 5000
    answer = owing.press(owing.bills[1])
    assert answer.status_code == 409
    assert "too small for the payment provider" in answer.text
    button = pay_button(owing.browser.get(owing.account).text)
    assert 'data-refused="3000"' in button
    assert "¥30.00 is too small for the payment provider" in button
    assert " disabled" not in button
    owing.stripe.account.behaviour.least = 0
    assert owing.press(owing.bills[1]).status_code == 303
    pays_after_all(owing)


@pytest.mark.parametrize("state", ["paused", "closed"])
def test_a_service_that_is_not_open_offers_no_boxes(owing: Owing, state: str) -> None:
    """Nothing to tick that cannot be paid."""
    text = owing.world.documents().live_revision("hangzhou").text
    notice = "notice: {zh: 维护, en: Works}" if state == "paused" else ""
    owing.world.save(f"{text}services:\n  utility_bills: {{state: {state}, {notice}}}\n")
    page = owing.browser.get(owing.account).text
    assert 'name="bill"' not in page
    assert "data-least" not in page


def test_nothing_chosen_is_said_beside_the_button(world: World) -> None:
    """Only a ticket with points is left, which is not chosen for anybody: no button of ¥0.00 that
    leads to an error page."""
    world.open_payments()
    known = {
        "licence_number": LICENCE,
        "licence_file_tail": "000017",
        "licence_first_issued_on": "2015-11-01",
    }
    bring_tickets(world, RED, {"number": "T-0", "status": "paid", "points": "1", **known})
    browser = linked_vehicle(world)
    done = browser.post(f"{TICKETS}/licence", number=LICENCE, file_tail="000017")
    assert done.status_code == 302, done.text
    page = browser.get(TICKETS).text
    button = pay_button(page)
    assert " disabled" in button
    assert "Choose what to pay." in button
    assert "<noscript>" in page


@pytest.mark.parametrize("currency", ["CNY", "HUF"])
def test_what_is_chosen_beforehand_can_be_paid(owing: Owing, currency: str) -> None:
    """Of forty bills the first thirty are ticked, of two currencies those in the city's, which
    alone can be; the page says so, the sum is theirs, and a press takes them. One more is told the limit, at both doors."""
    with owing.world.inside("hangzhou"), transaction() as session:
        one = session.get_one(
            UtilityBill, (owing.world.city("hangzhou").id, uuid.UUID(owing.bills[0]))
        )
        session.execute(update(UtilityBill).values(amount=20_000, due_on=date(2026, 1, 1)))
        for month in range(38):
            session.add(
                UtilityBill(
                    account_id=one.account_id,
                    period=date(2020 + month // 12, month % 12 + 1, 1),
                    usage=0,
                    amount=30_000,
                    currency=currency,
                    issued_on=date(2026, 1, 2),
                    due_on=date(2026, 2, 1),
                )
            )
    page = owing.browser.get(owing.account).text
    boxes = re.findall(r'name="bill" value="([^"]+)"[^>]*?( checked)?>', page)
    chosen = [key for key, checked in boxes if checked]
    many = 30 if currency == "CNY" else 2
    assert (len(boxes), len(chosen)) == (40 if many == 30 else 2, many)
    assert f"The first {many} are chosen" in page
    assert ("¥8,800.00" if many == 30 else "¥400.00") in pay_button(page)
    with owing.world.inside("hangzhou"):
        every = [str(key) for key in db.session.scalars(select(UtilityBill.id))]
    assert owing.press(*every).status_code == 409
    told = owing.press(*every[:31])
    assert told.status_code == 409
    assert many == 2 or "30 at once" in told.text
    assert claims(owing) == 0
    assert owing.press(*chosen).status_code == 303


def test_tickets_chosen_beforehand_can_be_paid(world: World) -> None:
    """The same of tickets."""
    world.open_payments()
    bring_tickets(world, *({"number": f"T-{place}"} for place in range(33)))
    browser = linked_vehicle(world)
    page = browser.get(TICKETS).text
    chosen = re.findall(r'name="ticket" value="([^"]+)"[^>]* checked>', page)
    assert len(chosen) == 30
    assert "The first 30 are chosen" in page
    assert browser.post(f"{TICKETS}/pay", TICKETS, ticket=chosen).status_code == 303


def test_a_second_tab_leads_to_the_same_page(owing: Owing) -> None:
    """The same bills again are the same payment."""
    assert owing.press().headers["Location"] == owing.press().headers["Location"]
    with owing.world.inside("hangzhou"):
        assert db.session.scalar(select(func.count(Payment.id))) == 1


def test_another_choice_closes_the_page_before(owing: Owing) -> None:
    """One of two bills in a new tab: the first page can no longer be paid on."""
    owing.press()
    first = owing.stripe.session()
    owing.press(owing.bills[0])
    assert first["status"] == "expired"
    owing.stripe.pay()
    owing.follow()
    owing.check("paid", unpaid=1, postings=1)


@pytest.mark.parametrize("bills", [["nonsense"], [str(uuid.uuid4())], []])
def test_odd_references_are_refused(owing: Owing, bills: list[str]) -> None:
    """A page that says so, and no payment."""
    answer = owing.browser.post(PAY, owing.account, bill=bills)
    assert answer.status_code in (404, 422)
    with owing.world.inside("hangzhou"):
        assert db.session.scalar(select(func.count(Payment.id))) == 0


def test_without_secrets_paying_is_not_offered(world: World) -> None:
    """A city that has not set its keys shows the way to the counter."""
    browser, account = linked(world)
    assert "You cannot pay here yet" in browser.get(account).text
    with world.inside("hangzhou"):
        bill = db.session.scalars(select(UtilityBill.id)).one()
    assert browser.post(PAY, account, bill=[str(bill)]).status_code == 503
