"""Property tests of the ledger: whatever is paid and refunded, in parts and again, adds up."""

from __future__ import annotations

import re
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import update
from sqlalchemy.exc import DBAPIError, IntegrityError

from smartcity_saas.database import db, transaction
from smartcity_saas.identity.federation.channels.demo import sample
from smartcity_saas.identity.residents.accounts import find_resident, sign_in
from smartcity_saas.payments.ledger import (
    DISPUTED,
    HELD,
    WRITTEN_OFF,
    Transfer,
    balances,
    entries_of,
    post,
    provider_account,
    service_account,
    totals,
)
from smartcity_saas.payments.models import LedgerEntry, Payment
from smartcity_saas.payments.providers import Move, PaymentStatus, RefundFact
from smartcity_saas.payments.reconciliation import compare
from smartcity_saas.payments.settlement import apply_status
from smartcity_saas.payments.states import PaymentState
from smartcity_saas.portals.change_labels import ledger_label
from tests.support.payments import POSTING, Owing, Paid
from tests.support.world import World

FACTS = st.lists(
    st.tuples(st.sampled_from("abcd"), st.sampled_from(["pending", "done", "failed"])),
    max_size=12,
)


def test_any_course_of_refunds_adds_up(world: World) -> None:
    """Any sequence of what a provider may say of four refunds, in any order and again and again:
    the balance is what came less what is gone, no refund is posted twice, and never more than
    came."""
    with world.inside("hangzhou"):
        sign_in("demo", sample("household"), now=world.clock())
        resident = find_resident("demo", "household")
        assert resident is not None
        resident_id = resident.id

    @settings(max_examples=40)
    @given(FACTS)
    def course(facts: list[tuple[str, str]]) -> None:
        mark = uuid.uuid4().hex[:10]
        with world.inside("hangzhou"):
            with transaction() as session:
                payment = Payment(
                    number=mark,
                    resident_id=resident_id,
                    service="utility_bills",
                    title={"zh": "x", "en": "x"},
                    amount=400,
                    currency="CNY",
                    state="open",
                    provider="stripe",
                    site="http://x",
                    language="en",
                    back="/",
                    created_at=world.clock(),
                    expires_at=world.clock() + timedelta(hours=1),
                )
                session.add(payment)
                session.flush()
            said: dict[str, str] = {}
            for name, state in facts:
                if said.get(name) == "failed" or (said.get(name) == "done" and state == "pending"):
                    continue  # a provider's refund never comes back from failing
                said[name] = state
                refunds = tuple(
                    RefundFact(f"{mark}{n}", 100, s, None)  # type: ignore[arg-type]
                    for n, s in said.items()
                )
                standing = PaymentStatus(
                    PaymentState.PAID, 400, "CNY", f"pi_{mark}", "card", refunds
                )
                for _again in range(2):
                    with transaction():
                        apply_status(payment, standing, world.clock())
                gone = sum(100 for s in said.values() if s == "done")
                rows = [
                    r for r in db.session.query(LedgerEntry).all() if r.payment_id == payment.id
                ]
                total = totals(rows)["CNY"]
                assert total["net"] == 400 - gone
                assert payment.refunded == gone <= payment.received == 400
                assert len({row.key for row in rows}) == len(rows)
                assert payment.state in (("refunded",) if gone == 400 else ("paid", "held"))
            assert sum(balances().values()) == 0

    course()


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(-500, 500)), max_size=8))
def test_comparing_both_sides(moves: list[tuple[str, int]]) -> None:
    """The same moves on both sides never differ; one side alone always does, once a
    reference."""
    at = datetime(2026, 11, 21, tzinfo=UTC)
    span = (at - timedelta(days=1), at + timedelta(days=1))
    entries = [
        LedgerEntry(
            debit="provider:stripe" if amount > 0 else "service:x",
            credit="service:x" if amount > 0 else "provider:stripe",
            amount=abs(amount),
            currency="CNY",
            at=at,
            provider_reference=name,
        )
        for name, amount in moves
        if amount
    ]
    theirs = [Move(name, amount, "CNY", at) for name, amount in moves if amount]
    assert list(compare(entries, theirs, *span, {})) == []
    net: dict[str, int] = {}
    for name, amount in moves:
        net[name] = net.get(name, 0) + amount
    alone = list(compare(entries, [], *span, {}))
    assert {one.reference for one in alone} == {name for name, total in net.items() if total}
    assert all(one.kind == "not at the payment provider" for one in alone)


@pytest.mark.parametrize("language", ["zh", "en"])
def test_every_account_is_shown_in_words(world: World, language: str) -> None:
    """Promise: finance reads words, whatever kind of account the ledger has; the CSV for the books
    keeps the names."""
    installed = world.app.product
    accounts = [HELD, DISPUTED, WRITTEN_OFF]
    accounts += [provider_account(name) for name in installed.providers]
    accounts += [service_account(name) for name in installed.services]
    with world.app.test_request_context(headers={"Accept-Language": language}):
        shown = [ledger_label(account) for account in accounts]
    assert len(set(shown)) == len(accounts)
    for account, label in zip(accounts, shown, strict=True):
        assert label != account
        assert not re.search("[:_]", label), label
        assert (language == "zh") == bool(re.search("[一-鿿]", label)), label


def test_the_pages_of_finance_show_the_words(world: World) -> None:
    """The balances and the transfers of a payment show no account by its name."""
    paid = Paid(world)
    finance = world.city_staff("hangzhou")
    for page in ("", f"/{paid.key}"):
        text = finance.get(f"/cities/hangzhou/payments{page}").text
        assert "Owed by Stripe" in text
        assert "Received for Utility bills" in text
        assert not re.search("(provider|service):[a-z]", text)


def test_the_ledger_is_append_only(owing: Owing) -> None:
    """The database itself refuses to change or delete a posting, on both engines."""
    owing.press()
    owing.stripe.pay()
    payment = owing.follow()
    with owing.world.inside("hangzhou"):
        with pytest.raises(DBAPIError), transaction() as session:
            session.execute(
                update(LedgerEntry).where(LedgerEntry.payment_id == payment.id).values(amount=1)
            )
        with pytest.raises(DBAPIError), transaction() as session:
            session.delete(entries_of(payment.id)[0])
    assert owing.postings() == [POSTING]


@pytest.mark.parametrize("wrong", [{"amount": 0}, {"amount": -5}, {"credit": "provider:stripe"}])
def test_a_posting_balances_by_its_shape(owing: Owing, wrong: dict[str, Any]) -> None:
    """Nothing, less than nothing, and from an account to itself are refused by the database."""
    owing.press()
    values: dict[str, Any] = {
        "debit": "provider:stripe",
        "credit": "service:x",
        "amount": 1,
        "currency": "CNY",
        **wrong,
    }
    payment = owing.payment()
    with owing.world.inside("hangzhou"), pytest.raises(IntegrityError):
        post("k", payment.id, Transfer(**values), owing.world.clock())
