"""Reconciling with the provider, and closing a day for the books."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from smartcity_saas.audit import system
from smartcity_saas.database import db, transaction
from smartcity_saas.errors import Conflict
from smartcity_saas.payments import ledger
from smartcity_saas.payments.ledger import (
    Transfer,
    entries_between,
    entries_of,
    post,
    totals,
    totals_by_span,
)
from smartcity_saas.payments.models import DailyClosing
from smartcity_saas.payments.reconciliation import close_day, closing_of, day_span, reconcile
from smartcity_saas.payments.refunds import request_refund
from smartcity_saas.sandboxes.stripe import money as sandbox_money
from tests.support.browser import fresh
from tests.support.payments import Disputed, Owing, today
from tests.support.world import World

ZONE = ZoneInfo("Asia/Shanghai")


@pytest.fixture
def paid(world: World) -> Disputed:
    """A payment of 73.50 that came, and then a clock at noon of the city's day.

    It is paid by the true time, which is the sandbox's: at another, its page would have ended.
    """
    made = Disputed(world)
    at(world, world.clock().astimezone(ZONE).date(), 12)
    return made


def close(paid: Disputed, day: date) -> DailyClosing:
    """Close a day as finance does."""
    city = paid.world.city("hangzhou")
    with paid.world.inside("hangzhou"):
        return close_day(system("test"), city, day, paid.world.clock(), 0)


def at(world: World, day: date, *clock: int) -> None:
    """Move the clock to a time of the city's."""
    world.clock.now = datetime.combine(day, time(*clock), ZONE).astimezone(UTC)


def sums(paid: Disputed, day: date) -> Any:
    """A day's totals by the ledger."""
    with paid.world.inside("hangzhou"):
        return totals(entries_between(*day_span(paid.world.city("hangzhou"), day)))


def test_the_database_adds_up_days_as_the_rows_do(paid: Disputed) -> None:
    """Promise: the page of closings tells of each day what its rows come to: with money of every kind,
    at the very ends of a day, and of this city alone."""
    moves = {
        "in": Transfer("provider:stripe", "service:x", 500, "CNY"),
        "back": Transfer("service:x", "provider:stripe", 120, "CNY"),
        "taken": Transfer("disputed", "provider:stripe", 70, "CNY"),
        "given": Transfer("provider:stripe", "disputed", 30, "CNY"),
        "inside": Transfer("held", "service:x", 9, "CNY"),
        "abroad": Transfer("provider:stripe", "service:x", 3, "JPY"),
    }
    first = paid.world.clock().astimezone(ZONE).date() + timedelta(days=1)
    days = [first + timedelta(days=place) for place in range(3)]
    spans = [day_span(paid.world.city("hangzhou"), day) for day in days]
    begins = [*(since for since, _until in spans), spans[-1][1]]
    with paid.world.inside("hangzhou"), transaction():
        for name, transfer in moves.items():
            post(f"{name}:first", paid.key, transfer, begins[0])
            post(f"{name}:last", paid.key, transfer, begins[2] - timedelta(microseconds=1))
        post("late", paid.key, moves["in"], begins[3])
    with paid.world.inside("hangzhou"):
        wanted = [totals(entries_between(*span)) for span in spans]
        assert totals_by_span(begins) == wanted
        assert wanted[0]["CNY"] == {"received": 500, "refunded": 120, "disputed": 40, "net": 340}
        assert wanted[2] == {}
    with paid.world.inside("ningbo"):
        assert totals_by_span(begins) == [{}, {}, {}]


@pytest.mark.parametrize("what", ["refund", "dispute", "bounce"])
def test_whatever_is_posted_late_stands_in_the_next_open_day(paid: Disputed, what: str) -> None:
    """Asked ten seconds before midnight, posted after the day was closed: refunds, returned ones and
    disputes alike."""
    day = paid.world.clock().astimezone(ZONE).date()
    if what == "bounce":
        paid.ask(7350)
        paid.world.work()
    at(paid.world, day, 23, 59, 50)
    before = paid.world.clock()
    at(paid.world, day + timedelta(days=1), 0, 0, 5)
    kept = close(paid, day).totals
    paid.world.clock.now = before  # what began before midnight goes on
    if what == "refund":
        with paid.world.inside("hangzhou"):
            request_refund(system("test"), paid.key, 100, "late", before)
        paid.world.work()
    elif what == "dispute":
        paid.dispute()
        paid.follow()
    else:
        refund = paid.there()[-1]
        sandbox_money.settle_refund(
            paid.stripe.sandbox, paid.stripe.account, refund, succeeds=False
        )
        paid.follow()
    with paid.world.inside("hangzhou"):
        last = entries_of(paid.key)[-1]
    assert last.at == datetime.combine(day + timedelta(days=1), time(0), ZONE)
    assert sums(paid, day) == kept, "what was closed stays what it was"
    assert sums(paid, day + timedelta(days=1))


def test_several_closed_days_are_passed_over(paid: Disputed) -> None:
    """The first day that is open takes it, not the one after the last that is closed."""
    day = paid.world.clock().astimezone(ZONE).date()
    late = paid.world.clock()
    paid.world.clock.move(days=4)
    for closed in (0, 1, 3):
        close(paid, day + timedelta(days=closed))
    with paid.world.inside("hangzhou"):
        with transaction():
            post(
                "late",
                paid.key,
                Transfer(debit="provider:stripe", credit="held", amount=1, currency="CNY"),
                late,
            )
        assert (
            entries_of(paid.key)[-1].at
            == day_span(paid.world.city("hangzhou"), day + timedelta(days=2))[0]
        )


def test_the_page_shows_what_was_closed(paid: Disputed) -> None:
    """The stored totals stand beside “closed”, whatever the ledger has by now."""
    day = paid.world.clock().astimezone(ZONE).date()
    paid.world.clock.move(days=1)
    close(paid, day)
    with paid.world.inside("hangzhou"), transaction() as session:
        session.add(
            ledger.LedgerEntry(
                key="from before this rule",
                payment_id=paid.key,
                debit="provider:stripe",
                credit="held",
                amount=65,
                currency="CNY",
                at=paid.world.clock() - timedelta(days=1),
            )
        )
    page = paid.world.staff("later", "city_admin", city="hangzhou")
    text = page.get("/cities/hangzhou/payments/closings").text
    assert "¥73.50" in text
    assert "¥74.15" not in text


def test_two_presses_at_once_are_one_closing(paid: Disputed) -> None:
    """Eight people press in the same moment: one closes, the others are told by whom."""
    day = paid.world.clock().astimezone(ZONE).date()
    paid.world.clock.move(days=1)

    def press() -> str:
        with paid.world.app.app_context():
            try:
                close(paid, day)
            except Conflict as error:
                return str(error.detail)
        return "closed"

    with ThreadPoolExecutor(8) as pool:
        said = list(pool.map(lambda _n: fresh(press), range(8)))  # type: ignore[arg-type]
    assert sorted(set(said)) == ["closed", "test has already closed this day."]
    assert said.count("closed") == 1
    with paid.world.inside("hangzhou"):
        assert closing_of(day) is not None


def test_a_posting_under_way_is_waited_for(paid: Disputed) -> None:
    """It has taken its place in the day and has yet to commit: the closing waits, and counts it."""
    day = paid.world.clock().astimezone(ZONE).date()
    now = paid.world.clock()
    paid.world.clock.move(days=1)
    posted, go_on = threading.Event(), threading.Event()

    def post_slowly() -> None:
        with paid.world.app.app_context(), paid.world.inside("hangzhou"), transaction():
            post(
                "slow",
                paid.key,
                Transfer(debit="provider:stripe", credit="held", amount=650, currency="CNY"),
                now,
            )
            posted.set()
            go_on.wait(20)

    def close_now() -> Any:
        with paid.world.app.app_context():
            return close(paid, day).totals["CNY"]["received"]

    db.session.rollback()
    with ThreadPoolExecutor(2) as pool:
        poster = pool.submit(fresh, post_slowly)
        assert posted.wait(20)
        closer = pool.submit(fresh, close_now)
        threading.Event().wait(0.5)
        assert not closer.done()
        go_on.set()
        poster.result(20)
        assert closer.result(20) == 8000
    assert sums(paid, day)["CNY"]["received"] == 8000


def test_reconciling_lists_every_difference(owing: Owing) -> None:
    """Nothing at first; then a charge and a refund that only the provider knows, and one that
    only the ledger knows."""
    owing.press()
    owing.stripe.pay()
    payment = owing.follow()
    span = day_span(owing.world.city("hangzhou"), today(owing.world))
    with owing.world.inside("hangzhou"):
        now = owing.world.clock()
        assert reconcile(owing.world.city("hangzhou"), *span).differences == ()
        post(
            "forged",
            payment.id,
            Transfer(debit="provider:stripe", credit="held", amount=5, currency="CNY"),
            now,
            "pi_nowhere",
        )
    form = {"payment_intent": owing.stripe.session()["payment_intent"], "amount": "100"}
    sandbox_money.refund(owing.stripe.sandbox, owing.stripe.account, form)
    with owing.world.inside("hangzhou"):
        found = reconcile(owing.world.city("hangzhou"), *span).differences
    assert {(one.kind, one.ledger, one.provider) for one in found} == {
        ("not in the ledger", None, -100),
        ("not at the payment provider", 5, None),
    }


def test_closing_a_day(owing: Owing) -> None:
    """Yesterday can be closed once, today not; the closing keeps its totals."""
    owing.press()
    owing.stripe.pay()
    owing.follow()
    staff = owing.world.city_staff()
    page = "/cities/hangzhou/payments/closings"
    day = today(owing.world)
    assert staff.post(page, day=str(day)).status_code == 409
    owing.world.clock.move(days=1)
    staff = owing.world.staff("later", "city_admin", city="hangzhou")
    answer = staff.post(page, day=str(day))
    assert answer.status_code == 303, "loading the page again sends nothing again"
    done = staff.get(answer.headers["Location"])
    assert "is closed." in done.text
    assert "No difference." in done.text
    assert "¥73.50" in done.text
    assert staff.post(page, day=str(day)).status_code == 409
    owing.stripe.account.behaviour.down = True
    assert "is closed." in staff.get(answer.headers["Location"]).text
    owing.stripe.account.behaviour.down = False
    for odd in ("2026-13-01", "", str(day - timedelta(days=1)), "9999-12-31"):
        assert "is closed." not in staff.get(f"{page}?closed={odd}").text


def test_a_csv_for_the_books(owing: Owing) -> None:
    """One row a transfer, plain decimals, and no cell that a spreadsheet would run."""
    owing.press()
    owing.stripe.pay()
    owing.follow()
    staff = owing.world.city_staff()
    text = staff.get("/cities/hangzhou/payments/ledger.csv").text
    assert "posted_at,entry,payment,debit,credit,amount,currency" in text
    assert ",provider:stripe,service:utility_bills,73.50,CNY,pi_" in text
