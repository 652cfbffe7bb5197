"""Property tests of the ledger: whatever is paid and refunded, in parts and again, adds up."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from smartcity_saas.database import db, transaction
from smartcity_saas.identity.federation.channels.demo import sample
from smartcity_saas.identity.residents.accounts import find_resident, sign_in
from smartcity_saas.payments.ledger import balances, totals
from smartcity_saas.payments.models import LedgerEntry, Payment
from smartcity_saas.payments.providers import Move, PaymentStatus, RefundFact
from smartcity_saas.payments.reconciliation import compare
from smartcity_saas.payments.settlement import apply_status
from tests.conftest import World

FACTS = st.lists(
    st.tuples(st.sampled_from("abcd"), st.sampled_from(["pending", "done", "failed"])),
    max_size=12,
)


def test_any_course_of_refunds_adds_up(world: World) -> None:
    """Any sequence of what a provider may say of four refunds, in any order and again and again:
    the balance is what came less what is gone, no refund is posted twice, and never more than
    came."""
    with world.inside("hangzhou"):
        sign_in("demo", sample("household"))
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
                standing = PaymentStatus("paid", 400, "CNY", f"pi_{mark}", "card", refunds)
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
    assert all(one.kind == "not at the provider" for one in alone)
